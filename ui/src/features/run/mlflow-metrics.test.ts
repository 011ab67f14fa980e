import { expect, test } from "vitest";
import type { MlflowRun } from "@/api/mlflow";
import { formatMetric, metricNames, metricOption, steppedNames } from "./mlflow-metrics";

function run(id: string, metrics: [string, number][]): MlflowRun {
  return {
    info: { run_id: id, experiment_id: "1", status: "FINISHED" },
    data: { metrics: metrics.map(([key, step]) => ({ key, value: 1, timestamp: 0, step })) },
  };
}

const RUNS = [
  run("a", [
    ["rare", 0],
    ["loss", 9],
  ]),
  run("b", [["loss", 0]]),
];

test("metrics that most runs have come first; a line needs more than one step", () => {
  expect(metricNames(RUNS)).toEqual(["loss", "rare"]);
  expect(steppedNames(RUNS)).toEqual(["loss"]);
});

test("a line goes by step, whatever order the points come in", () => {
  const point = (run_id: string, step: number, value: number) => ({
    run_id,
    step,
    value,
    key: "loss",
    timestamp: 0,
  });
  const option = metricOption(RUNS, [point("a", 2, 0.2), point("b", 0, 9), point("a", 1, 0.5)]);
  expect((option.series as { data: unknown }[]).map((series) => series.data)).toEqual([
    [
      [1, 0.5],
      [2, 0.2],
    ],
    [[0, 9]],
  ]);
});

test.each([
  [undefined, "–"],
  [0, "0"],
  [60000, "60,000"],
  [0.83854, "0.8385"],
  [12.7508, "12.75"],
  [1234.5678, "1,234.568"],
  [0.00000012349, "1.235e-7"],
])("%s is spelled %s", (value, text) => {
  expect(formatMetric(value)).toBe(text);
});
