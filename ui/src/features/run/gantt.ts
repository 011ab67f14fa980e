import type { Timeline, TimelineAttempt, TimelineTask } from "@/api/run";
import { isOpen } from "@/lib/states";

/** The timeline's layout: what is drawn where, in milliseconds; pure. */

/** What an attempt did for a while. */
export type Phase = "queued" | "setup" | "execution" | "ending" | "waiting";

export interface Segment {
  phase: Phase;
  from: number;
  to: number;
  attempt: TimelineAttempt;
}

export interface GanttRow {
  /** The task's key; of an iteration also its place. */
  id: string;
  label: string;
  task: string;
  /** 1 for an iteration of the row above. */
  depth: 0 | 1;
  type: string;
  state: string;
  segments: Segment[];
  attempts: number;
  from: number | null;
  to: number | null;
  critical: boolean;
  iterations: TimelineTask["iterations"];
}

/** Spell one attempt as segments that follow one another; what is under way lasts until now. */
export function segmentsOf(attempt: TimelineAttempt, now: number): Segment[] {
  const end = attempt.ended_at ?? (isOpen(attempt.state) ? now : attempt.queued_at);
  const marks: [Phase, number | null][] = [
    ["queued", attempt.queued_at],
    ["setup", attempt.started_at],
    ["execution", attempt.execution_started_at],
    ["ending", attempt.execution_ended_at],
  ];
  const begun = marks.filter((mark): mark is [Phase, number] => mark[1] !== null);
  return begun.flatMap(([phase, from], place) => {
    const to = begun[place + 1]?.[1] ?? Math.max(from, end);
    return to > from || (place === begun.length - 1 && place === 0)
      ? [{ phase, from, to, attempt }]
      : [];
  });
}

/** Spell a task's attempts, with the waits between them. */
export function taskSegments(attempts: TimelineAttempt[], now: number): Segment[] {
  return attempts.flatMap((attempt, place) => {
    const own = segmentsOf(attempt, now);
    const before = attempts[place - 1];
    if (before?.ended_at != null && attempt.queued_at > before.ended_at)
      own.unshift({ phase: "waiting", from: before.ended_at, to: attempt.queued_at, attempt });
    return own;
  });
}

/**
 * Return the tasks that a run's length depends on: back from what worked last, each time to the
 * dependency that ended last. The way leads through skipped tasks, but they are not on it.
 */
export function criticalPath(tasks: TimelineTask[], now: number): Set<string> {
  const known = new Map(tasks.map((task) => [task.task_key, task]));
  const ends = new Map(tasks.map((task) => [task.task_key, endOf(task, now)]));
  const latest = (keys: string[]) =>
    keys.reduce<string | null>((best, key) => {
      const end = ends.get(key) ?? null;
      if (end === null) return best;
      return best === null || end > (ends.get(best) ?? 0) ? key : best;
    }, null);
  const seen = new Set<string>();
  let at = latest(tasks.filter(hasWorked).map((task) => task.task_key));
  while (at !== null && !seen.has(at)) {
    seen.add(at);
    at = latest(known.get(at)?.depends_on ?? []);
  }
  return new Set([...seen].filter((key) => hasWorked(known.get(key))));
}

function hasWorked(task: TimelineTask | undefined): boolean {
  return task?.attempts.at(-1)?.started_at != null;
}

/** When a task ended, or now while it works; null when it has not begun. */
function endOf(task: TimelineTask, now: number): number | null {
  const last = task.attempts.at(-1);
  if (!last) return null;
  return last.ended_at ?? (hasWorked(task) && isOpen(last.state) ? now : null);
}

/** Put a run's tasks into rows, iterations below the for-each that is open. */
export function rowsOf(
  timeline: Timeline,
  now: number,
  open: ReadonlyMap<string, TimelineTask[]> = new Map(),
): GanttRow[] {
  const path = criticalPath(timeline.tasks, now);
  return timeline.tasks.flatMap((task) => [
    rowOf(task, task.task_key, now, path.has(task.task_key)),
    ...(open.get(task.task_key) ?? []).map((each) => ({
      ...rowOf(each, task.task_key, now, false),
      depth: 1 as const,
    })),
  ]);
}

function rowOf(task: TimelineTask, key: string, now: number, critical: boolean): GanttRow {
  const segments = taskSegments(task.attempts, now);
  const last = task.attempts.at(-1);
  return {
    id: task.task_key,
    label: task.task_key,
    task: key,
    depth: 0,
    type: task.task_type,
    state: last?.state ?? "BLOCKED",
    segments,
    attempts: task.attempts.length,
    from: segments[0]?.from ?? null,
    to: segments.at(-1)?.to ?? null,
    critical,
    iterations: task.iterations,
  };
}

export interface View {
  from: number;
  to: number;
}

/** The whole run with a little air at its end. */
export function wholeView(timeline: Timeline, now: number): View {
  const last = Math.max(
    timeline.ended_at ?? now,
    ...timeline.tasks.map((task) => task.attempts.at(-1)?.ended_at ?? 0),
  );
  const span = Math.max(1000, last - timeline.created_at);
  return { from: timeline.created_at, to: timeline.created_at + span * 1.05 };
}

const LEAST_SPAN = 200;

/** Zoom by a factor around a place (0 left, 1 right), never out of the whole. */
export function zoom(view: View, whole: View, factor: number, around: number): View {
  const span = Math.min(
    whole.to - whole.from,
    Math.max(LEAST_SPAN, (view.to - view.from) * factor),
  );
  const at = view.from + (view.to - view.from) * around;
  return within({ from: at - span * around, to: at + span * (1 - around) }, whole);
}

/** Move by a share of what is seen, never out of the whole. */
export function pan(view: View, whole: View, share: number): View {
  const by = (view.to - view.from) * share;
  return within({ from: view.from + by, to: view.to + by }, whole);
}

function within(view: View, whole: View): View {
  const span = view.to - view.from;
  const from = Math.min(Math.max(view.from, whole.from), Math.max(whole.from, whole.to - span));
  return { from, to: from + span };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 30, 90].map((count) => count * DAY),
];

/** Choose instants for the time axis: at most `most`, at round times of the user's clock. */
export function ticksOf(view: View, most: number): { step: number; at: number[] } {
  const span = view.to - view.from;
  const step = STEPS.find((each) => span / each <= most) ?? STEPS.at(-1) ?? DAY;
  const offset = new Date(view.from).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((view.from - offset) / step) * step + offset;
  const at: number[] = [];
  for (let tick = first; tick <= view.to; tick += step) at.push(tick);
  return { step, at };
}

/** Spell a tick as exactly as the step needs. */
export function tickWords(at: number, step: number): string {
  const date = new Date(at);
  if (step >= DAY) return date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
  const clock = date.toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: step < MINUTE ? "2-digit" : undefined,
    hourCycle: "h23",
  });
  return step < SECOND ? `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}` : clock;
}
