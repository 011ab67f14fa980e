import { useSyncExternalStore } from "react";

/** One clock for all that is drawn: ticks each second while somebody watches it. */

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick(): void {
  now = Date.now();
  for (const tell of listeners) tell();
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  timer ??= setInterval(tick, 1000);
  return () => {
    listeners.delete(tell);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function subscribeNever(): () => void {
  return () => undefined;
}

/** The time now, renewed each second while `live`; else as it was when last drawn. */
export function useNow(live = true): number {
  return useSyncExternalStore(live ? subscribe : subscribeNever, () =>
    timer ? now : Date.now() - (Date.now() % 1000),
  );
}
