import { Link } from "@tanstack/react-router";
import { cx } from "@/lib/cx";
import { isOpen, lookOf, TONE_FILL } from "@/lib/states";
import { formatDuration, formatInstant } from "@/lib/time";

export interface RunBar {
  run_id: number;
  state: string;
  start_time?: number | null;
  end_time?: number | null;
  run_duration?: number | null;
}

const LEAST = 0.18;

/** The last runs of a job as bars: as high as they took long, oldest first; each leads to its run. */
export function RunBars({
  jobId,
  runs,
  count = 12,
}: {
  jobId: number;
  runs: RunBar[];
  count?: number;
}) {
  const shown = runs.slice(0, count).reverse();
  const longest = Math.max(1, ...shown.map((run) => run.run_duration ?? 0));
  const now = Date.now();
  if (shown.length === 0) return <span className="text-xs text-ink-faint">No runs yet</span>;
  return (
    <ol aria-label="Last runs" className="flex h-6 items-end gap-0.5">
      {shown.map((run) => (
        <li key={run.run_id} className="flex h-full">
          <Link
            to="/jobs/$jobId/runs/$runId"
            params={{ jobId: String(jobId), runId: String(run.run_id) }}
            title={words(run, now)}
            aria-label={words(run, now)}
            className="flex h-full w-1.5 items-end hover:opacity-70"
          >
            <span
              className={cx(
                "w-full rounded-[2px]",
                TONE_FILL[lookOf(run.state).tone],
                isOpen(run.state) && "animate-pulse",
              )}
              style={{ height: `${Math.max(LEAST, (run.run_duration ?? 0) / longest) * 100}%` }}
            />
          </Link>
        </li>
      ))}
    </ol>
  );
}

function words(run: RunBar, now: number): string {
  const parts = [lookOf(run.state).label];
  if (run.start_time) parts.push(formatInstant(run.start_time, now));
  if (run.run_duration) parts.push(formatDuration(run.run_duration));
  return parts.join(" · ");
}
