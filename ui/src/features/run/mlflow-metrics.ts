import type { Metric, MlflowRun } from "@/api/mlflow";
import type { EChartsOption } from "@/components/chart-canvas";

/** The names of all metrics, those of most runs first. */
export function metricNames(runs: MlflowRun[]): string[] {
  const counts = new Map<string, number>();
  for (const run of runs)
    for (const { key } of run.data.metrics ?? []) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .sort(([a, many], [b, more]) => more - many || a.localeCompare(b))
    .map(([key]) => key);
}

/** The metrics that were logged more than once: they make a line. */
export function steppedNames(runs: MlflowRun[]): string[] {
  return metricNames(runs).filter((name) =>
    runs.some((run) => run.data.metrics?.some((each) => each.key === name && each.step > 0)),
  );
}

/** What an MLflow run is called. */
export function titleOf(run: MlflowRun): string {
  return run.info.run_name || run.info.run_id.slice(0, 8);
}

export function tagOf(run: MlflowRun, key: string): string | undefined {
  return run.data.tags?.find((tag) => tag.key === key)?.value;
}

/** MLflow's word for how a run ended, as one of the console's states. */
export function mlflowState(status: string): string {
  const states: Record<string, string> = {
    FINISHED: "SUCCESS",
    FAILED: "FAILED",
    KILLED: "CANCELED",
    RUNNING: "RUNNING",
    SCHEDULED: "PENDING",
  };
  return states[status] ?? status;
}

/** `0.8385`, `12.75`, `1.2e-7`: four digits that say something. */
export function formatMetric(value: number | undefined): string {
  if (value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3);
  return value.toLocaleString("en", { maximumSignificantDigits: size >= 1000 ? 7 : 4 });
}

/** A line a run, over its steps. */
export function metricOption(
  runs: MlflowRun[],
  points: (Metric & { run_id: string })[],
): EChartsOption {
  return {
    legend: { top: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, show: runs.length > 1 },
    grid: { left: 8, right: 16, top: runs.length > 1 ? 32 : 12, bottom: 8, containLabel: true },
    xAxis: { type: "value", minInterval: 1, splitLine: { show: false } },
    yAxis: { type: "value", scale: true },
    series: runs.map((run) => ({
      type: "line",
      name: titleOf(run),
      showSymbol: false,
      data: points
        .filter((point) => point.run_id === run.info.run_id)
        .sort((a, b) => a.step - b.step)
        .map((point) => [point.step, point.value]),
    })),
  };
}
