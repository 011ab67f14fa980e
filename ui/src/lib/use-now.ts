import { useState, useSyncExternalStore } from "react";

/** One clock for all that is drawn: ticks each second while somebody watches it. */

let now = 0;
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

/** The time now, renewed each second while `live`; else as it was when first drawn. */
export function useNow(live = true): number {
  const [first] = useState(() => Date.now());
  const last = useSyncExternalStore(live ? subscribe : subscribeNever, () => now);
  return Math.max(first, last);
}
