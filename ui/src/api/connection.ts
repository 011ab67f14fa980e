import { useSyncExternalStore } from "react";

/** Whether the server answers. Queries and event streams report; the banner reads. */

let lost = false;
const listeners = new Set<() => void>();

function set(value: boolean): void {
  if (lost === value) return;
  lost = value;
  for (const tell of listeners) tell();
}

export function reportSilence(): void {
  set(true);
}

export function reportAnswer(): void {
  set(false);
}

/** True while the server does not answer. */
export function useConnectionLost(): boolean {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => lost,
  );
}
