import { expect, test } from "vitest";
import { graphOf, nestedId, readsDown, type TaskStand, taskOfNode } from "./graph-model";

const stand = (state: string, outcome: TaskStand["outcome"] = null): TaskStand => ({
  state,
  startedAt: null,
  endedAt: null,
  attempts: 1,
  outcome,
  iterations: null,
});

const TASKS = [
  { task_key: "check", condition_task: { op: "EQUAL_TO", left: "1", right: "1" } },
  {
    task_key: "load",
    depends_on: [{ task_key: "check", outcome: "true" as const }],
    for_each_task: { inputs: "[1]", task: { task_key: "load_one", sql_task: {} } },
  },
  { task_key: "tell", depends_on: [{ task_key: "check", outcome: "false" as const }] },
];

test("a for-each holds the task that it repeats", () => {
  const { nodes } = graphOf(TASKS);
  const inner = nodes.find((node) => node.parent === "load");
  expect(inner?.task.task_key).toBe("load_one");
  expect(taskOfNode(nestedId("load"))).toBe("load");
});

test("a condition's ways have names, and the one not taken is faint", () => {
  expect(graphOf(TASKS).edges).toEqual([
    { from: "check", to: "load", label: "true" },
    { from: "check", to: "tell", label: "false" },
  ]);
  const stands = new Map([
    ["check", stand("SUCCESS", "true")],
    ["load", stand("RUNNING")],
    ["tell", stand("EXCLUDED")],
  ]);
  expect(graphOf(TASKS, stands).edges).toEqual([
    { from: "check", to: "load", label: "true", live: true },
    { from: "check", to: "tell", label: "false", faint: true },
  ]);
});

test("a long chain reads from top to bottom, a broad graph from left to right", () => {
  const chain = Array.from({ length: 7 }, (_, place) => ({
    task_key: `t${place}`,
    depends_on: place ? [{ task_key: `t${place - 1}` }] : [],
  }));
  const fan = Array.from({ length: 7 }, (_, place) => ({
    task_key: `t${place}`,
    depends_on: place ? [{ task_key: "t0" }] : [],
  }));
  expect(readsDown(graphOf(chain))).toBe(true);
  expect(readsDown(graphOf(fan))).toBe(false);
});
