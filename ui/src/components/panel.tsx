import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  /** Without padding, for tables and graphs that fill it. */
  flush?: boolean;
}

/** A box of the page with a title of its own. */
export function Panel({ title, actions, children, className, flush }: PanelProps) {
  return (
    <section
      className={cx("min-w-0 overflow-hidden rounded-lg border border-line bg-surface", className)}
    >
      {(title || actions) && (
        <header className="flex min-h-11 items-center gap-3 border-b border-line px-4 py-1.5">
          <h2 className="min-w-0 flex-1 truncate text-sm font-semibold">{title}</h2>
          {actions}
        </header>
      )}
      <div className={flush ? undefined : "p-4"}>{children}</div>
    </section>
  );
}

/** Names and values, one a line. */
export function Facts({ items, className }: { items: [string, ReactNode][]; className?: string }) {
  return (
    <dl
      className={cx("grid grid-cols-[minmax(6.5rem,auto)_1fr] gap-x-5 gap-y-2 text-sm", className)}
    >
      {items.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-ink-faint">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
