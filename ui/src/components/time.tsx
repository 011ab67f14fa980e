import { cx } from "@/lib/cx";
import { formatDuration, formatInstant, formatRelative, formatUtc } from "@/lib/time";
import { useNow } from "@/lib/use-now";

interface TimeProps {
  /** Milliseconds since 1970; nothing is shown as a dash. */
  at: number | null | undefined;
  /** How: `3 min ago`, or the clock's time in the user's zone. UTC is in the tooltip. */
  as?: "relative" | "instant";
  className?: string;
}

/** An instant, in the user's zone; hovering shows UTC. */
export function Time({ at, as = "relative", className }: TimeProps) {
  const now = useNow(as === "relative");
  if (!at) return <span className={cx("text-ink-faint", className)}>–</span>;
  const text = as === "relative" ? formatRelative(at, now) : formatInstant(at, now);
  return (
    <time
      dateTime={new Date(at).toISOString()}
      title={`${formatInstant(at, now)} here\n${formatUtc(at)}`}
      className={cx("whitespace-nowrap tabular-nums", className)}
    >
      {text}
    </time>
  );
}

interface DurationProps {
  from: number | null | undefined;
  /** Nothing while it lasts: the figure then counts. */
  to?: number | null;
  className?: string;
}

/** How long something took, or has taken so far. */
export function Elapsed({ from, to, className }: DurationProps) {
  const now = useNow(Boolean(from) && !to);
  if (!from) return <span className={cx("text-ink-faint", className)}>–</span>;
  return (
    <span className={cx("whitespace-nowrap tabular-nums", className)}>
      {formatDuration((to || Math.max(now, from)) - from)}
    </span>
  );
}
