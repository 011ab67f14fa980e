import { useState } from "react";

const KEY = "openlake.looked-at";

/** Whether this browser has followed the link to something, and what to do when it does. */
export function useLookedAt(what: string): [boolean, () => void] {
  const [seen, setSeen] = useState(() => localStorage.getItem(KEY) === what);
  return [
    seen,
    () => {
      localStorage.setItem(KEY, what);
      setSeen(true);
    },
  ];
}
