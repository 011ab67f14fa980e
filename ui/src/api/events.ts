import { useEffect, useRef } from "react";
import { inWorkspaceUrl } from "./client";
import { reportAnswer, reportSilence } from "./connection";

/** Longer than the pause that browsers make before they connect again. */
const PATIENCE_MS = 8_000;

/** What to do with each kind of event; data is the event's text, usually JSON. */
export type Handlers = Record<string, (data: string, id: string) => void>;

/** The server's `ping` comes every 15 s: after three that did not, the way to it is not open any more. */
const SILENCE_MS = 50_000;

/**
 * Follow a stream of server-sent events while the component is on the page.
 *
 * The browser connects again by itself and resumes after the last event it has seen; a connection
 * that has gone silent, as some proxies leave them, is opened anew. A server that refuses for good
 * (no such object, no permission) closes the stream; `onClosed` tells.
 */
export function useEvents(path: string | null, handlers: Handlers, onClosed?: () => void): void {
  const latest = useRef({ handlers, onClosed });
  latest.current = { handlers, onClosed };
  const names = Object.keys(handlers).join(" ");
  useEffect(() => {
    if (!path) return;
    let source: EventSource;
    let silence: ReturnType<typeof setTimeout> | undefined;
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        source.close();
        open();
      }, SILENCE_MS);
    };
    function open(): void {
      source = new EventSource(inWorkspaceUrl(path ?? ""));
      heard();
      source.onopen = () => {
        clearTimeout(silence);
        silence = undefined;
        heard();
        reportAnswer();
      };
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) {
          clearTimeout(watchdog);
          latest.current.onClosed?.();
        }
        // The browser is connecting again: only when that takes long is the server away.
        else silence ??= setTimeout(reportSilence, PATIENCE_MS);
      };
      source.addEventListener("ping", heard);
      for (const name of names.split(" ")) {
        source.addEventListener(name, (event: MessageEvent<string>) => {
          heard();
          latest.current.handlers[name]?.(event.data, event.lastEventId);
        });
      }
    }
    open();
    return () => {
      clearTimeout(silence);
      clearTimeout(watchdog);
      source.close();
    };
  }, [path, names]);
}
