import { expect, test } from "vitest";
import type { MatrixRun } from "@/api/job-runs";
import { median, summaryOf } from "./trend";

function run(state: string, run_duration: number, queue_duration = 0): MatrixRun {
  const end_time = state === "RUNNING" ? null : 1000 + run_duration;
  return {
    ...{ run_id: 1, number_in_job: 1, trigger: "ONE_TIME", cells: [] },
    ...{ state, start_time: 1000, end_time, run_duration, queue_duration },
  };
}

test("the median of an even number is the mean of the middle two", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNull();
});

test("runs under way say nothing of durations; the queue is no work", () => {
  const runs = [run("SUCCESS", 300, 100), run("FAILED", 500), run("RUNNING", 0)];
  expect(summaryOf(runs)).toEqual({ median: 350, longest: 500, queue: 50, succeeded: 1, ended: 2 });
});
