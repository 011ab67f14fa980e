import { expect, test } from "vitest";
import type { TaskEntry } from "@/api/run";
import { countStates, firstFailed, tasksOf } from "./run-tasks";

function entry(task_key: string, state: string, given: Partial<TaskEntry> = {}): TaskEntry {
  const skipped = ["EXCLUDED", "UPSTREAM_FAILED"].includes(state);
  return {
    task_key,
    run_id: 1,
    state: { life_cycle_state: skipped ? "SKIPPED" : "TERMINATED", result_state: state },
    start_time: 10,
    end_time: 20,
    ...given,
  };
}

const blocked: TaskEntry = { task_key: "last", run_id: 9, state: { life_cycle_state: "BLOCKED" } };

test("attempts of a task are one task, which stands as its newest does", () => {
  const [task] = tasksOf(
    [{ task_key: "a", description: "first" }],
    [entry("a", "FAILED"), entry("a", "SUCCESS", { run_id: 2, start_time: 30, end_time: 40 })],
  );
  expect(task).toMatchObject({ key: "a", state: "SUCCESS", taskRunId: 2, attempts: 2 });
  expect(task).toMatchObject({ startedAt: 10, endedAt: 40, settings: { description: "first" } });
});

test("what waits or was skipped has made no attempt", () => {
  const tasks = tasksOf([], [entry("a", "EXCLUDED"), blocked]);
  expect(tasks.map((task) => [task.state, task.attempts, task.startedAt])).toEqual([
    ["EXCLUDED", 0, null],
    ["BLOCKED", 0, null],
  ]);
});

test("the first that failed by itself is named, not what fell with it", () => {
  const tasks = tasksOf(
    [],
    [
      entry("late", "FAILED", { end_time: 90 }),
      entry("early", "TIMEDOUT", { end_time: 50 }),
      entry("after", "UPSTREAM_FAILED", { end_time: 40 }),
    ],
  );
  expect(firstFailed(tasks)?.key).toBe("early");
  expect(countStates(tasks)).toHaveLength(3);
});

test("a condition's outcome is told", () => {
  const [task] = tasksOf([], [entry("if", "SUCCESS", { condition_task: { outcome: "false" } })]);
  expect(task?.outcome).toBe("false");
});
