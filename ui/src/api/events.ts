import { useEffect, useRef } from "react";
import { inWorkspaceUrl } from "./client";
import { reportAnswer, reportSilence } from "./connection";

/** Longer than the pause that browsers make before they connect again. */
const PATIENCE_MS = 8_000;

/** What to do with each kind of event; data is the event's text, usually JSON. */
export type Handlers = Record<string, (data: string, id: string) => void>;

/**
 * Follow a stream of server-sent events while the component is on the page.
 *
 * The browser connects again by itself and resumes after the last event it has seen. A server
 * that refuses for good (no such object, no permission) closes the stream; `onClosed` tells.
 */
export function useEvents(path: string | null, handlers: Handlers, onClosed?: () => void): void {
  const latest = useRef({ handlers, onClosed });
  latest.current = { handlers, onClosed };
  const names = Object.keys(handlers).join(" ");
  useEffect(() => {
    if (!path) return;
    const source = new EventSource(inWorkspaceUrl(path));
    let silence: ReturnType<typeof setTimeout> | undefined;
    source.onopen = () => {
      clearTimeout(silence);
      silence = undefined;
      reportAnswer();
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) latest.current.onClosed?.();
      // The browser is connecting again: only when that takes long is the server away.
      else silence ??= setTimeout(reportSilence, PATIENCE_MS);
    };
    for (const name of names.split(" ")) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        latest.current.handlers[name]?.(event.data, event.lastEventId);
      });
    }
    return () => {
      clearTimeout(silence);
      source.close();
    };
  }, [path, names]);
}
