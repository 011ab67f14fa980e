import { expect, test } from "vitest";
import { changesOf } from "./job-changes";

const BEFORE = {
  name: "a",
  tags: { x: "1", y: "2" },
  tasks: [{ task_key: "load" }, { task_key: "report", max_retries: 1 }],
};

test("nothing differs when only the order of fields does", () => {
  expect(changesOf(BEFORE, { ...BEFORE, tags: { y: "2", x: "1" } })).toEqual([]);
});

test("tasks are told by their keys, wherever they stand", () => {
  const tasks = [{ task_key: "report", max_retries: 2 }, { task_key: "extra" }];
  expect(changesOf(BEFORE, { name: "b", schedule: {}, tasks })).toEqual([
    "name changed",
    "tags removed",
    "schedule added",
    "task report changed",
    "task extra added",
    "task load removed",
  ]);
});

test("another order of tasks is a change as well", () => {
  const tasks = [...BEFORE.tasks].reverse();
  expect(changesOf(BEFORE, { ...BEFORE, tasks })).toEqual(["tasks in another order"]);
});
