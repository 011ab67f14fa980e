import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

const TAB =
  "-mb-px inline-flex h-9 items-center gap-1.5 border-b-2 border-transparent px-3 text-sm font-medium text-ink-soft hover:text-ink [&_svg]:size-4";
const CHOSEN = "border-accent text-ink";

interface TabsProps<T extends string> {
  value: T;
  onChange: (value: T) => void;
  tabs: { value: T; label: ReactNode }[];
  label: string;
  children?: ReactNode;
  actions?: ReactNode;
}

/** Parts of a panel, one shown at a time. Keep the choice in the URL's search where it is a place people come back to. */
export function Tabs<T extends string>({
  value,
  onChange,
  tabs,
  label,
  children,
  actions,
}: TabsProps<T>) {
  function step(event: React.KeyboardEvent, by: number): void {
    const place = tabs.findIndex((tab) => tab.value === value);
    const next = tabs[(place + by + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    onChange(next.value);
    document.getElementById(`tab-${label}-${next.value}`)?.focus();
  }
  return (
    <>
      <div className="flex items-center border-b border-line">
        <div
          role="tablist"
          aria-label={label}
          className="flex min-w-0 flex-1 gap-1 overflow-x-auto"
        >
          {tabs.map((tab) => (
            <button
              key={tab.value}
              id={`tab-${label}-${tab.value}`}
              type="button"
              role="tab"
              aria-selected={tab.value === value}
              tabIndex={tab.value === value ? 0 : -1}
              className={cx(TAB, tab.value === value && CHOSEN)}
              onClick={() => onChange(tab.value)}
              onKeyDown={(event) => {
                if (event.key === "ArrowRight") step(event, 1);
                if (event.key === "ArrowLeft") step(event, -1);
              }}
            >
              {tab.label}
            </button>
          ))}
        </div>
        {actions}
      </div>
      {children !== undefined && (
        <div
          role="tabpanel"
          aria-labelledby={`tab-${label}-${value}`}
          tabIndex={0}
          className="min-h-0 flex-1"
        >
          {children}
        </div>
      )}
    </>
  );
}
