import { expect, test } from "vitest";
import type { JobMatrix, MatrixRun } from "@/api/job-runs";
import { barHeights, dayMarks, joinPages, lengthOf, step } from "./matrix-model";

function run(run_id: number, given: Partial<MatrixRun> = {}): MatrixRun {
  return {
    run_id,
    state: "SUCCESS",
    start_time: run_id * 1000,
    end_time: run_id * 1000 + 500,
    queue_duration: 0,
    run_duration: 500,
    trigger: "ONE_TIME",
    number_in_job: run_id,
    cells: [{ task_key: "a", task_run_id: run_id + 1, state: "SUCCESS", duration: 5, attempts: 1 }],
    ...given,
  };
}

function page(tasks: string[], runs: MatrixRun[]): JobMatrix {
  return {
    tasks: tasks.map((task_key) => ({ task_key, task_type: "sql_task" })),
    runs,
    next_page_token: null,
  };
}

test("pages are joined, oldest run first, and a run on two pages is one", () => {
  const matrix = joinPages([
    page(["a", "b"], [run(3), run(2)]),
    page(["a", "old"], [run(2), run(1)]),
  ]);
  expect(matrix.runs.map((each) => each.run_id)).toEqual([1, 2, 3]);
  expect(matrix.tasks.map((each) => each.task_key)).toEqual(["a", "b", "old"]);
  expect(matrix.cell(0, 2)?.task_run_id).toBe(4);
  expect(matrix.cell(2, 2)).toBeUndefined();
});

test("bars are as high as runs took long, without their queue; none vanishes", () => {
  const runs = [
    run(1, { run_duration: 2000, queue_duration: 1000 }),
    run(2, { run_duration: 100 }),
    run(3, { run_duration: 1, queue_duration: 0 }),
  ];
  expect(barHeights(runs, 9000)).toEqual([1, 0.1, 0.08]);
});

test("a run under way counts until now", () => {
  const open = run(1, { end_time: null, run_duration: null, queue_duration: null });
  expect(lengthOf(open, 4000)).toBe(3000);
});

test("a new day is marked where it begins, unless marks would touch", () => {
  const day = 86_400_000;
  const noon = new Date(2026, 10, 20, 12).getTime();
  const at = [0, 0, 1, 1, 1, 2].map((days, place) => run(place, { start_time: noon + days * day }));
  expect(dayMarks(at, 1).map((mark) => mark.column)).toEqual([0, 2, 5]);
  expect(dayMarks(at, 3).map((mark) => mark.column)).toEqual([2, 5]);
});

test.each([
  ["ArrowUp", { row: -1, column: 4 }],
  ["ArrowDown", { row: 1, column: 4 }],
  ["ArrowRight", { row: 0, column: 4 }],
  ["ArrowLeft", { row: 0, column: 3 }],
  ["Home", { row: 0, column: 0 }],
  ["PageDown", { row: 2, column: 4 }],
])("%s moves within the grid", (key, to) => {
  expect(step({ row: 0, column: 4 }, key, 3, 5)).toEqual(to);
});

test("other keys move nothing", () => {
  expect(step({ row: 0, column: 0 }, "x", 3, 5)).toBeNull();
});
