import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ChartColumn } from "lucide-react";
import { useMemo } from "react";
import { type MatrixRun, matrixQuery } from "@/api/job-runs";
import { Button } from "@/components/button";
import { Chart } from "@/components/chart";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { plural } from "@/lib/numbers";
import { isOpen, lookOf } from "@/lib/states";
import { useDark } from "@/lib/theme";
import { formatDuration, formatInstant } from "@/lib/time";
import { joinPages, lengthOf } from "./matrix-model";
import { summaryOf } from "./trend";

/** How long the last runs waited and worked; failed ones stand out, a click opens the run. */
export function DurationTrend({ jobId }: { jobId: number }) {
  const query = useInfiniteQuery(matrixQuery(jobId));
  const runs = useMemo(
    () => joinPages(query.data?.pages ?? []).runs.filter((run) => run.state !== "SKIPPED"),
    [query.data],
  );
  return (
    <div className="py-4">
      <Panel
        title={`Durations of the last ${plural(runs.length, "run")}`}
        actions={
          query.hasNextPage && (
            <Button
              size="small"
              busy={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              Earlier runs
            </Button>
          )
        }
      >
        <QueryView query={query}>
          {() =>
            runs.length === 0 ? (
              <EmptyState icon={ChartColumn} title="No runs yet">
                When the job has run, its durations are compared here.
              </EmptyState>
            ) : (
              <Trend jobId={jobId} runs={runs} />
            )
          }
        </QueryView>
      </Panel>
    </div>
  );
}

function Trend({ jobId, runs }: { jobId: number; runs: MatrixRun[] }) {
  const navigate = useNavigate();
  const dark = useDark();
  const summary = summaryOf(runs);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme's colours are read from the page
  const option = useMemo(() => optionOf(runs), [runs, dark]);
  const facts: [string, string][] = [
    ["Median", summary.median === null ? "–" : formatDuration(summary.median)],
    ["Longest", summary.longest === null ? "–" : formatDuration(summary.longest)],
    ["Succeeded", summary.ended ? `${summary.succeeded} of ${summary.ended}` : "–"],
    ["Median in the queue", summary.queue ? formatDuration(summary.queue) : "None"],
  ];
  return (
    <>
      <dl className="mb-3 flex flex-wrap gap-x-10 gap-y-2">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-xs text-ink-faint">{name}</dt>
            <dd className="text-lg font-semibold tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
      <Chart
        className="h-80"
        label={`Durations of ${plural(runs.length, "run")}: median ${facts[0]?.[1]}, longest ${facts[1]?.[1]}`}
        option={option}
        onClick={(place) => {
          const run = runs[place];
          if (run)
            void navigate({
              to: "/jobs/$jobId/runs/$runId",
              params: { jobId: String(jobId), runId: String(run.run_id) },
            });
        }}
      />
    </>
  );
}

function optionOf(runs: MatrixRun[]) {
  const now = Date.now();
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const bar = { type: "bar", stack: "run", barMaxWidth: 34 };
  return {
    legend: {
      top: 0,
      right: 0,
      itemWidth: 12,
      itemHeight: 10,
      textStyle: { color: colour("ink-soft") },
    },
    grid: { left: 8, right: 8, top: 34, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      backgroundColor: colour("raised"),
      borderColor: colour("line-strong"),
      textStyle: { color: colour("ink"), fontSize: 12 },
      formatter: (found: { dataIndex: number }[]) => {
        const run = runs[found[0]?.dataIndex ?? -1];
        if (!run) return "";
        return [
          `<b>${lookOf(run.state).label}</b>, ${formatInstant(run.start_time, now)}`,
          `Worked ${formatDuration(lengthOf(run, now))}`,
          `Queued ${formatDuration(run.queue_duration ?? 0)}`,
          `Run ${run.run_id}`,
        ].join("<br>");
      },
    },
    xAxis: {
      type: "category",
      data: runs.map((run) => formatInstant(run.start_time, now)),
      axisLabel: { hideOverlap: true, color: colour("ink-faint"), fontSize: 11 },
    },
    yAxis: {
      type: "value",
      axisLabel: {
        formatter: (ms: number) => (ms ? formatDuration(ms) : "0"),
        color: colour("ink-faint"),
        fontSize: 11,
      },
    },
    series: [
      ...SHOWN.filter(({ holds }) => runs.some(holds)).map(({ name, fill, holds }) => ({
        ...bar,
        name,
        itemStyle: { color: colour(fill) },
        data: runs.map((run) => (holds(run) ? lengthOf(run, now) : 0)),
      })),
      {
        ...bar,
        name: "Queued",
        itemStyle: { color: colour("line-strong"), borderRadius: [3, 3, 0, 0] },
        data: runs.map((run) => run.queue_duration ?? 0),
      },
    ],
  };
}

const tone = (run: MatrixRun) => lookOf(run.state).tone;

/** What a bar's colour says; each run is in one of them. */
const SHOWN: { name: string; fill: string; holds: (run: MatrixRun) => boolean }[] = [
  { name: "Succeeded", fill: "good-fill", holds: (run) => tone(run) === "good" },
  { name: "Failed", fill: "bad-fill", holds: (run) => tone(run) === "bad" },
  {
    name: "Succeeded with failures",
    fill: "warn-fill",
    holds: (run) => run.state === "SUCCESS_WITH_FAILURES",
  },
  { name: "Cancelled", fill: "calm-fill", holds: (run) => run.state === "CANCELED" },
  { name: "Under way", fill: "live-fill", holds: (run) => isOpen(run.state) },
];
