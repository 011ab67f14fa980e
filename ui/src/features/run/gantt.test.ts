import { expect, test } from "vitest";
import type { Timeline, TimelineAttempt, TimelineTask } from "@/api/run";
import {
  criticalPath,
  pan,
  rowsOf,
  segmentsOf,
  taskSegments,
  ticksOf,
  wholeView,
  zoom,
} from "./gantt";

function attempt(given: Partial<TimelineAttempt>): TimelineAttempt {
  return {
    task_run_id: 1,
    attempt_number: 0,
    state: "SUCCESS",
    queued_at: 0,
    started_at: null,
    execution_started_at: null,
    execution_ended_at: null,
    ended_at: null,
    ...given,
  };
}

function task(key: string, depends_on: string[], attempts: TimelineAttempt[]): TimelineTask {
  return { task_key: key, task_type: "sql_task", depends_on, attempts, iterations: null };
}

function ran(from: number, to: number): TimelineAttempt {
  return attempt({ queued_at: from, started_at: from, execution_started_at: from, ended_at: to });
}

const spell = (segments: { phase: string; from: number; to: number }[]) =>
  segments.map(({ phase, from, to }) => [phase, from, to]);

test("an attempt is queued, set up, executed and ended, one after the other", () => {
  const whole = attempt({
    started_at: 10,
    execution_started_at: 30,
    execution_ended_at: 90,
    ended_at: 100,
  });
  expect(spell(segmentsOf(whole, 500))).toEqual([
    ["queued", 0, 10],
    ["setup", 10, 30],
    ["execution", 30, 90],
    ["ending", 90, 100],
  ]);
});

test("what is under way lasts until now", () => {
  const running = attempt({ state: "RUNNING", started_at: 10 });
  expect(spell(segmentsOf(running, 50))).toEqual([
    ["queued", 0, 10],
    ["setup", 10, 50],
  ]);
});

test("a phase that took no time is not drawn, a skipped task is a mark", () => {
  expect(spell(segmentsOf(ran(5, 9), 99))).toEqual([["execution", 5, 9]]);
  const skipped = attempt({ state: "EXCLUDED", queued_at: 7, ended_at: 7 });
  expect(spell(segmentsOf(skipped, 99))).toEqual([["queued", 7, 7]]);
});

test("between two attempts stands the wait for the next", () => {
  const segments = taskSegments([ran(0, 10), { ...ran(25, 30), attempt_number: 1 }], 99);
  expect(spell(segments)).toEqual([
    ["execution", 0, 10],
    ["waiting", 10, 25],
    ["execution", 25, 30],
  ]);
});

test("the critical path goes back by what ended last, through what was skipped", () => {
  const tasks = [
    task("a", [], [ran(0, 10)]),
    task("slow", ["a"], [ran(10, 80)]),
    task("fast", ["a"], [ran(10, 20)]),
    task("skipped", ["slow"], [attempt({ state: "EXCLUDED", queued_at: 81, ended_at: 81 })]),
    task("end", ["fast", "skipped"], [ran(81, 95)]),
    task("never", ["end"], [attempt({ state: "EXCLUDED", queued_at: 96, ended_at: 96 })]),
  ];
  expect([...criticalPath(tasks, 200)]).toEqual(["end", "slow", "a"]);
});

test("iterations come below their for-each", () => {
  const timeline: Timeline = {
    run_id: 1,
    created_at: 0,
    started_at: 0,
    ended_at: 100,
    tasks: [task("each", [], [ran(0, 50)]), task("after", ["each"], [ran(50, 100)])],
  };
  const open = new Map([["each", [task("each 0", [], [ran(0, 20)])]]]);
  expect(rowsOf(timeline, 100, open).map((row) => [row.label, row.depth])).toEqual([
    ["each", 0],
    ["each 0", 1],
    ["after", 0],
  ]);
  expect(wholeView(timeline, 500)).toEqual({ from: 0, to: 1050 });
});

test("zooming keeps what is under the pointer, and stays within the run", () => {
  const whole = { from: 0, to: 100_000 };
  expect(zoom(whole, whole, 0.5, 0.5)).toEqual({ from: 25_000, to: 75_000 });
  expect(zoom({ from: 25_000, to: 75_000 }, whole, 10, 0)).toEqual(whole);
  expect(pan({ from: 0, to: 50_000 }, whole, 5)).toEqual({ from: 50_000, to: 100_000 });
});

test("ticks are at round times and not too many", () => {
  const minute = 60_000;
  const { step, at } = ticksOf({ from: 10 * minute + 7000, to: 25 * minute }, 8);
  expect(step).toBe(2 * minute);
  expect(at.length).toBeLessThanOrEqual(8);
  expect(at.every((tick) => tick % (2 * minute) === 0)).toBe(true);
});
