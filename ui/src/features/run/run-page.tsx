import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import {
  ChartGantt,
  ChartNetwork,
  FlaskConical,
  GitMerge,
  ListChecks,
  PackageOpen,
  SlidersHorizontal,
  Workflow,
} from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { consoleSettingsQuery } from "@/api/console-settings";
import type { Run } from "@/api/run";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { StateBadge } from "@/components/state-badge";
import { Skeleton } from "@/components/states";
import { Tabs } from "@/components/tabs";
import { TaskGraph } from "@/components/tasks/task-graph";
import { LineagePanel } from "./lineage-panel";
import { MlflowPanel } from "./mlflow-panel";
import { RunActions } from "./run-actions";
import { RunDetails } from "./run-details";
import { RunFacts, RunTrouble } from "./run-facts";
import { RunNeighbours } from "./run-neighbours";
import { RunOutputPanel } from "./run-output-panel";
import type { RunSearch, RunTab } from "./search";
import { TaskPanel } from "./task-panel";
import { TaskTable } from "./task-table";
import { RunTimeline } from "./timeline";
import { TransactionPanel } from "./transaction-panel";
import { type RunNow, useRun } from "./use-run";

const route = getRouteApi("/_shell/jobs/$jobId/runs/$runId/");

interface RunPageProps {
  jobId: number;
  runId: number;
}

/** One run: how it stands, what it did and does, and what can be done with it. */
export function RunPage({ jobId, runId }: RunPageProps) {
  const now = useRun(runId);
  const { data: settings } = useQuery(consoleSettingsQuery);
  const run = now.query.data;
  return (
    <Page
      fill
      title={run?.run_name || "Run"}
      heading={
        run && (
          <>
            <span className="font-mono text-xs text-ink-faint">run {runId}</span>
            <StateBadge state={now.state} />
            {run.run_type === "JOB_RUN" && <RunNeighbours run={run} />}
          </>
        )
      }
      crumbs={[
        <Link key="jobs" to="/jobs">
          Jobs
        </Link>,
        run?.run_type === "SUBMIT_RUN" ? (
          <Link key="runs" to="/runs">
            Runs
          </Link>
        ) : (
          <Link key="job" to="/jobs/$jobId" params={{ jobId: String(jobId) }}>
            {run?.run_name ?? `Job ${jobId}`}
          </Link>
        ),
      ]}
      lead={run && <RunFacts run={run} temporal={settings ?? null} />}
      actions={run && <RunActions run={run} now={now} />}
    >
      <QueryView query={now.query}>{(found) => <Body run={found} now={now} />}</QueryView>
    </Page>
  );
}

function Body({ run, now }: { run: Run; now: RunNow }) {
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/jobs/$jobId/runs/$runId/" });
  const show = (change: Partial<RunSearch>, replace = false) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace });
  const select = (task: string | undefined) => show({ task }, true);
  const stands = useMemo(() => new Map(now.tasks.map((task) => [task.key, task])), [now.tasks]);
  const settings = useMemo(() => now.tasks.map((task) => task.settings), [now.tasks]);
  const common = {
    jobId: run.job_id,
    runId: run.run_id,
    selected: search.task,
    onSelect: select,
  };
  const parts: { value: RunTab; label: ReactNode; content: () => ReactNode }[] = [
    {
      value: "graph",
      label: labelled(Workflow, "Graph"),
      content: () =>
        now.whole ? (
          <TaskGraph
            tasks={settings}
            stands={stands}
            selected={search.task}
            onSelect={select}
            className="mt-4 h-[calc(100%-1rem)] min-h-64 overflow-hidden rounded-lg border border-line"
          />
        ) : (
          <Skeleton />
        ),
    },
    {
      value: "timeline",
      label: labelled(ChartGantt, "Timeline"),
      content: () => <RunTimeline {...common} />,
    },
    {
      value: "tasks",
      label: labelled(ListChecks, "Tasks", now.tasks.length),
      content: () => (
        <TaskTable
          jobId={run.job_id}
          runId={run.run_id}
          selected={search.task}
          tasks={now.tasks}
          state={search.state}
          onState={(state) => show({ state }, true)}
        />
      ),
    },
    {
      value: "output",
      label: labelled(PackageOpen, "Output"),
      content: () => spaced(<RunOutputPanel run={run} tasks={now.tasks} />),
    },
    {
      value: "transaction",
      label: labelled(GitMerge, "Transaction"),
      content: () => spaced(<TransactionPanel run={run} tasks={now.tasks} />),
    },
    {
      value: "mlflow",
      label: labelled(FlaskConical, "MLflow"),
      content: () => spaced(<MlflowPanel run={run} />),
    },
    {
      value: "lineage",
      label: labelled(ChartNetwork, "Lineage"),
      content: () => spaced(<LineagePanel run={run} tasks={now.tasks} />),
    },
    {
      value: "details",
      label: labelled(SlidersHorizontal, "Details"),
      content: () => <RunDetails run={run} />,
    },
  ];
  const chosen = parts.find((part) => part.value === (search.tab ?? "graph")) ?? parts[0];
  const looked = search.task ? stands.get(search.task) : undefined;
  if (!chosen) return null;
  return (
    <>
      <RunTrouble run={run} now={now} />
      <div className="flex min-h-96 flex-1 flex-col">
        <Tabs
          label="Parts of the run"
          value={chosen.value}
          onChange={(tab) => show({ tab: tab === "graph" ? undefined : tab })}
          tabs={parts}
        >
          <div className="flex h-full gap-4">
            <div className="min-h-0 min-w-0 flex-1 overflow-y-auto">{chosen.content()}</div>
            {looked && SHARED.has(chosen.value) && (
              <div className="flex min-h-0 pt-4">
                <TaskPanel jobId={run.job_id} runId={run.run_id} task={looked} onSelect={select} />
              </div>
            )}
          </div>
        </Tabs>
      </div>
    </>
  );
}

/** The parts that show tasks, with the chosen one beside. */
const SHARED = new Set<RunTab>(["graph", "timeline", "tasks"]);

function spaced(content: ReactNode): ReactNode {
  return <div className="pt-4 pb-2">{content}</div>;
}

function labelled(Icon: typeof Workflow, word: string, count?: number): ReactNode {
  return (
    <>
      <Icon aria-hidden />
      {word}
      {count !== undefined && <span className="text-xs text-ink-faint">{count}</span>}
    </>
  );
}
