import { useSyncExternalStore } from "react";

/** Light or dark: the user's choice, kept in the browser; else the system's. `/theme.js` sets it before the first paint. */

const KEY = "openlake.theme";
const listeners = new Set<() => void>();

export function isDark(): boolean {
  return document.documentElement.classList.contains("dark");
}

export function setDark(dark: boolean): void {
  localStorage.setItem(KEY, dark ? "dark" : "light");
  document.documentElement.classList.toggle("dark", dark);
  for (const tell of listeners) tell();
}

/** Draw anew when the theme changes; charts and editors need it. */
export function useDark(): boolean {
  return useSyncExternalStore((tell) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  }, isDark);
}
