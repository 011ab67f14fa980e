import { ChevronRight } from "lucide-react";
import { Fragment, type ReactNode, useEffect } from "react";
import { cx } from "@/lib/cx";

interface PageProps {
  /** The page's one heading, and the browser tab's title. */
  title: string;
  /** Shown instead of the bare title, when it needs a badge or an input beside it. */
  heading?: ReactNode;
  /** Links to what this is part of, from the outermost on. */
  crumbs?: ReactNode[];
  /** One line below the heading. */
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** Fills the window without scrolling as a whole: editors, graphs. */
  fill?: boolean;
}

/** The frame of every page: where it is, what it is called, what can be done. */
export function Page({ title, heading, crumbs, lead, actions, children, fill }: PageProps) {
  useEffect(() => {
    document.title = `${title} · OpenLake`;
  }, [title]);
  return (
    <div className={cx("flex flex-col gap-4 px-6 py-5", fill && "h-full min-h-0")}>
      <header className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1">
          {crumbs && (
            <nav
              aria-label="Breadcrumbs"
              className="-mt-1 flex items-center gap-1 text-xs text-ink-soft [&_a:hover]:text-accent [&_a:hover]:underline [&_a]:inline-flex [&_a]:min-h-[24px] [&_a]:items-center"
            >
              {crumbs.map((crumb, place) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a crumb is its place
                <Fragment key={place}>
                  {crumb}
                  <ChevronRight aria-hidden className="size-3 text-ink-faint" />
                </Fragment>
              ))}
            </nav>
          )}
          <div className="flex flex-wrap items-center gap-2.5">
            <h1 className="min-w-0 truncate text-xl font-semibold tracking-tight">{title}</h1>
            {heading}
          </div>
          {lead && <div className="mt-1 text-ink-soft">{lead}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
