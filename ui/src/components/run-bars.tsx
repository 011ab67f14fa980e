import { useNavigate } from "@tanstack/react-router";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/numbers";
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

/**
 * The last runs of a job as bars: as high as they took long, oldest first; a click leads to the run.
 *
 * For those who do not see or click it is one picture in words: the job's page lists the same runs.
 */
export function RunBars({
  jobId,
  runs,
  count = 12,
}: {
  jobId: number;
  runs: RunBar[];
  count?: number;
}) {
  const navigate = useNavigate();
  const shown = runs.slice(0, count).reverse();
  const longest = Math.max(1, ...shown.map((run) => run.run_duration ?? 0));
  const now = Date.now();
  if (shown.length === 0) return <span className="text-xs text-ink-faint">No runs yet</span>;
  return (
    <div role="img" aria-label={summary(shown)} className="flex h-6 items-end gap-0.5">
      {shown.map((run) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut; keys reach the run by the job's page
        // biome-ignore lint/a11y/useKeyWithClickEvents: as above
        <span
          key={run.run_id}
          data-run={run.run_id}
          title={words(run, now)}
          className="flex h-full w-1.5 cursor-pointer items-end hover:opacity-70"
          onClick={(event) => {
            event.stopPropagation();
            void navigate({
              to: "/jobs/$jobId/runs/$runId",
              params: { jobId: String(jobId), runId: String(run.run_id) },
            });
          }}
        >
          <span
            className={cx(
              "w-full rounded-[2px]",
              TONE_FILL[lookOf(run.state).tone],
              isOpen(run.state) && "animate-pulse",
            )}
            style={{ height: `${Math.max(LEAST, (run.run_duration ?? 0) / longest) * 100}%` }}
          />
        </span>
      ))}
    </div>
  );
}

/** `Last 12 runs: 10 succeeded, 2 failed` */
function summary(runs: RunBar[]): string {
  const counts = new Map<string, number>();
  for (const run of runs) {
    const { label } = lookOf(run.state);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const parts = [...counts].map(([label, count]) => `${count} ${label.toLowerCase()}`);
  return `Last ${plural(runs.length, "run")}: ${parts.join(", ")}`;
}

function words(run: RunBar, now: number): string {
  const parts = [lookOf(run.state).label];
  if (run.start_time) parts.push(formatInstant(run.start_time, now));
  if (run.run_duration) parts.push(formatDuration(run.run_duration));
  return parts.join(" · ");
}
