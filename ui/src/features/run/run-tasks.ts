import type { IterationStats, TaskEntry } from "@/api/run";
import type { TaskSettings } from "@/lib/job-settings";
import { oneWord } from "@/lib/states";

/** One task of a run: its settings, and how its newest attempt stands. */
export interface RunTask {
  key: string;
  settings: TaskSettings;
  state: string;
  message: string;
  /** The newest attempt's; none between two attempts. */
  taskRunId: number | null;
  /** How many attempts have begun. */
  attempts: number;
  /** Every attempt, oldest first. */
  entries: TaskEntry[];
  startedAt: number | null;
  endedAt: number | null;
  outcome: "true" | "false" | null;
  iterations: IterationStats | null;
}

/** Put attempts together with what the job says of their tasks, in the run's order. */
export function tasksOf(settings: TaskSettings[], entries: TaskEntry[]): RunTask[] {
  const known = new Map(settings.map((task) => [task.task_key, task]));
  const byKey = new Map<string, TaskEntry[]>();
  for (const entry of entries) {
    const made = byKey.get(entry.task_key);
    if (made) made.push(entry);
    else byKey.set(entry.task_key, [entry]);
  }
  return [...byKey].map(([key, made]) => taskOf(key, known.get(key) ?? { task_key: key }, made));
}

/** False for what waits, and for what was skipped, though the API gives both ids and times. */
export function hasBegun(entry: TaskEntry): boolean {
  return Boolean(entry.start_time) && entry.state.life_cycle_state !== "SKIPPED";
}

function taskOf(key: string, settings: TaskSettings, entries: TaskEntry[]): RunTask {
  const begun = entries.filter(hasBegun);
  const newest = entries[entries.length - 1];
  const outcome = newest?.condition_task?.outcome;
  return {
    key,
    settings,
    state: oneWord(newest?.state),
    message: newest?.state.state_message ?? "",
    taskRunId: newest?.run_id ?? null,
    attempts: begun.length,
    entries,
    // A task that waits for its next attempt goes on counting from its first.
    startedAt: begun[0]?.start_time || null,
    endedAt: newest?.end_time || null,
    outcome: outcome === "true" || outcome === "false" ? outcome : null,
    iterations: newest?.for_each_task?.stats?.task_run_stats ?? null,
  };
}

const WORST = ["FAILED", "INTERNAL_ERROR", "TIMEDOUT"];

/** The task to look at first when a run failed: what failed by itself, earliest. */
export function firstFailed(tasks: RunTask[]): RunTask | null {
  const failed = tasks.filter((task) => WORST.includes(task.state) && task.taskRunId !== null);
  return failed.sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))[0] ?? null;
}

/** How many tasks stand how, the states with most tasks first. */
export function countStates(tasks: RunTask[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const task of tasks) counts.set(task.state, (counts.get(task.state) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
