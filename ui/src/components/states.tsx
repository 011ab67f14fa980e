import { CircleAlert, type LucideIcon, SearchX, ShieldAlert } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { Button } from "./button";

interface EmptyStateProps {
  icon?: LucideIcon;
  title: string;
  /** What this place is for, and what to do so that it is not empty. */
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
}

/** A place with nothing in it yet. */
export function EmptyState({
  icon: Icon = SearchX,
  title,
  children,
  action,
  className,
}: EmptyStateProps) {
  return (
    <div className={cx("flex flex-col items-center gap-2 px-6 py-14 text-center", className)}>
      <Icon aria-hidden className="size-7 text-ink-faint" strokeWidth={1.5} />
      <p className="text-base font-semibold">{title}</p>
      {children && <div className="max-w-md text-ink-soft">{children}</div>}
      {action && <div className="mt-3 flex gap-2">{action}</div>}
    </div>
  );
}

interface ErrorStateProps {
  error: unknown;
  onRetry?: () => void;
  className?: string;
}

/** What went wrong in the server's own words, which say what to do, and a way to try again. */
export function ErrorState({ error, onRetry, className }: ErrorStateProps) {
  const { code, status } = facts(error);
  const Icon = status === 403 ? ShieldAlert : status === 404 ? SearchX : CircleAlert;
  return (
    <div
      role="alert"
      className={cx("flex flex-col items-center gap-2 px-6 py-14 text-center", className)}
    >
      <Icon aria-hidden className="size-7 text-bad" strokeWidth={1.5} />
      <p className="text-base font-semibold">{headline(status)}</p>
      <p className="max-w-xl whitespace-pre-wrap text-ink-soft">{messageOf(error)}</p>
      {code && <p className="font-mono text-xs text-ink-faint">{code}</p>}
      {onRetry && (
        <Button className="mt-3" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** An error inside a form or a panel. */
export function ErrorNote({ error, className }: { error: unknown; className?: string }) {
  if (!error) return null;
  return (
    <p
      role="alert"
      className={cx(
        "rounded-md bg-bad-soft px-3 py-2 text-sm whitespace-pre-wrap text-bad",
        className,
      )}
    >
      {messageOf(error)}
    </p>
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function facts(error: unknown): { code?: string; status?: number } {
  return typeof error === "object" && error !== null ? error : {};
}

function headline(status?: number): string {
  if (status === 404) return "There is nothing here";
  if (status === 403) return "You may not see this";
  return "This did not work";
}

/** Grey bars in the shape of what is coming. */
export function Skeleton({ lines = 6, className }: { lines?: number; className?: string }) {
  return (
    <div
      role="status"
      aria-label="Loading"
      className={cx("flex animate-pulse flex-col gap-3 p-4", className)}
    >
      {Array.from({ length: lines }, (_, line) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: bars have no other identity
          key={line}
          className="h-4 rounded bg-sunken"
          style={{ width: `${92 - ((line * 37) % 45)}%` }}
        />
      ))}
    </div>
  );
}
