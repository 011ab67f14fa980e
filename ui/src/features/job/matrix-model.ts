import type { JobMatrix, MatrixCell, MatrixRun, MatrixTask } from "@/api/job-runs";

/** A job's runs beside one another: tasks downwards, runs from the oldest on the left to the newest; pure. */
export interface Matrix {
  tasks: MatrixTask[];
  /** Oldest first. */
  runs: MatrixRun[];
  cell: (row: number, column: number) => MatrixCell | undefined;
}

/** Join pages, which come newest first. Tasks of older runs that are gone follow at the end. */
export function joinPages(pages: JobMatrix[]): Matrix {
  const tasks = unique(
    pages.flatMap((page) => page.tasks),
    (task) => task.task_key,
  );
  // A run that came meanwhile moves the pages' borders: the same run may be on two of them.
  const runs = unique(
    pages.flatMap((page) => page.runs),
    (run) => run.run_id,
  ).reverse();
  const cells = runs.map((run) => new Map(run.cells.map((cell) => [cell.task_key, cell])));
  return {
    tasks,
    runs,
    cell: (row, column) => cells[column]?.get(tasks[row]?.task_key ?? ""),
  };
}

function unique<T>(all: T[], key: (each: T) => unknown): T[] {
  const seen = new Set<unknown>();
  return all.filter((each) => {
    const own = key(each);
    if (seen.has(own)) return false;
    seen.add(own);
    return true;
  });
}

const LEAST = 0.08;

/** How high each run's bar is, of 1; what is under way counts until now. */
export function barHeights(runs: MatrixRun[], now: number): number[] {
  const lengths = runs.map((run) => lengthOf(run, now));
  const longest = Math.max(1, ...lengths);
  return lengths.map((length) => Math.max(LEAST, length / longest));
}

/** How long a run took, its queue left out. */
export function lengthOf(run: MatrixRun, now: number): number {
  const whole = run.run_duration || Math.max(0, (run.end_time ?? now) - run.start_time);
  return Math.max(0, whole - (run.queue_duration ?? 0));
}

/** The columns where a new day begins, in the user's zone; too near ones give way to the later. */
export function dayMarks(runs: MatrixRun[], apart: number): { column: number; at: number }[] {
  const marks: { column: number; at: number }[] = [];
  let day = "";
  runs.forEach((run, column) => {
    const own = new Date(run.start_time).toDateString();
    if (own === day) return;
    day = own;
    const last = marks.at(-1);
    if (last && column - last.column < apart) marks.pop();
    marks.push({ column, at: run.start_time });
  });
  return marks;
}

export interface Place {
  /** -1 is the line of bars: the runs themselves. */
  row: number;
  column: number;
}

/** Where a key leads from a place; null for keys that lead nowhere. */
export function step(from: Place, key: string, rows: number, columns: number): Place | null {
  const { row, column } = from;
  const moved: Record<string, Place> = {
    ArrowUp: { row: row - 1, column },
    ArrowDown: { row: row + 1, column },
    ArrowLeft: { row, column: column - 1 },
    ArrowRight: { row, column: column + 1 },
    PageUp: { row: row - 10, column },
    PageDown: { row: row + 10, column },
    Home: { row, column: 0 },
    End: { row, column: columns - 1 },
  };
  const to = moved[key];
  if (!to) return null;
  return {
    row: Math.min(rows - 1, Math.max(-1, to.row)),
    column: Math.min(columns - 1, Math.max(0, to.column)),
  };
}
