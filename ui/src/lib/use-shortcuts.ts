import { useEffect } from "react";

/** What keys do: `"g j"` is g, then j within a second; `"mod+k"` is Ctrl-K, or ⌘K on a Mac. */
export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

const PAUSE_MS = 1000;

/** Listen for keys while the component is on the page; not while somebody types, unless with mod. */
export function useShortcuts(shortcuts: Shortcuts): void {
  useEffect(() => {
    let first = "";
    let forget: ReturnType<typeof setTimeout> | undefined;
    function listen(event: KeyboardEvent): void {
      const mod = event.ctrlKey || event.metaKey;
      if (event.defaultPrevented || event.altKey) return;
      if (isTyping(event.target) && !mod) return;
      const key = mod ? `mod+${event.key.toLowerCase()}` : event.key;
      const act = shortcuts[first ? `${first} ${key}` : key] ?? shortcuts[key];
      clearTimeout(forget);
      first = "";
      if (act) {
        event.preventDefault();
        act(event);
      } else if (!mod && key.length === 1) {
        first = key;
        forget = setTimeout(() => {
          first = "";
        }, PAUSE_MS);
      }
    }
    addEventListener("keydown", listen);
    return () => {
      removeEventListener("keydown", listen);
      clearTimeout(forget);
    };
  }, [shortcuts]);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
