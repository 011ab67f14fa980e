import { useRef, useState } from "react";

const KEY = "openlake.sql.split";
const LEAST = 12;
const MOST = 85;
const STEP = 4;

export interface Split {
  /** How much of the frame is above, in percent. */
  share: number;
  set: (share: number) => void;
  frame: React.RefObject<HTMLDivElement | null>;
}

/** How the room is shared between text and results; kept in the browser. */
export function useSplit(): Split {
  const frame = useRef<HTMLDivElement>(null);
  const [share, setShare] = useState(() => Number(localStorage.getItem(KEY)) || 42);
  function set(next: number): void {
    const fitting = Math.round(Math.min(MOST, Math.max(LEAST, next)));
    localStorage.setItem(KEY, String(fitting));
    setShare(fitting);
  }
  return { share, set, frame };
}

/** The bar between text and results: dragged, or moved by the arrow keys. */
export function Splitter({ split }: { split: Split }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved
    <div
      role="separator"
      aria-orientation="horizontal"
      aria-label="Share of the editor"
      aria-valuenow={split.share}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key === "ArrowUp") split.set(split.share - STEP);
        if (event.key === "ArrowDown") split.set(split.share + STEP);
      }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        const box = split.frame.current?.getBoundingClientRect();
        if (event.buttons === 1 && box) split.set(((event.clientY - box.top) / box.height) * 100);
      }}
      className="relative h-1.5 shrink-0 cursor-row-resize border-y border-line bg-canvas hover:bg-accent-soft"
    />
  );
}
