import type { MatrixRun } from "@/api/job-runs";
import { isOpen } from "@/lib/states";
import { lengthOf } from "./matrix-model";

/** What the last runs came to, in figures; nothing where none has ended. */
export interface Summary {
  median: number | null;
  longest: number | null;
  queue: number | null;
  succeeded: number;
  ended: number;
}

/** Sum up runs that have ended; those under way say nothing yet. */
export function summaryOf(runs: MatrixRun[]): Summary {
  const ended = runs.filter((run) => !isOpen(run.state));
  const lengths = ended.map((run) => lengthOf(run, run.end_time ?? run.start_time));
  return {
    median: median(lengths),
    longest: lengths.length ? Math.max(...lengths) : null,
    queue: median(ended.map((run) => run.queue_duration ?? 0)),
    succeeded: ended.filter((run) => run.state === "SUCCESS").length,
    ended: ended.length,
  };
}

/** The middle of some figures; of an even number the mean of the two in the middle. */
export function median(values: number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}
