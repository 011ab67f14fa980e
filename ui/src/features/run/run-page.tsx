import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { GanttChart, ListChecks, SlidersHorizontal, Workflow } from "lucide-react";
import type { ReactNode } from "react";
import { consoleSettingsQuery } from "@/api/console-settings";
import type { Run } from "@/api/run";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { StateBadge } from "@/components/state-badge";
import { Tabs } from "@/components/tabs";
import { RunActions } from "./run-actions";
import { RunDetails } from "./run-details";
import { RunFacts, RunTrouble } from "./run-facts";
import type { RunSearch, RunTab } from "./search";
import { TaskTable } from "./task-table";
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
      heading={run && <StateBadge state={now.state} />}
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
        <span key="run">Run {runId}</span>,
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
  const parts: { value: RunTab; label: ReactNode; content: () => ReactNode }[] = [
    {
      value: "tasks",
      label: labelled(ListChecks, "Tasks", now.tasks.length),
      content: () => (
        <TaskTable
          jobId={run.job_id}
          runId={run.run_id}
          tasks={now.tasks}
          state={search.state}
          selected={search.task}
          onState={(state) => show({ state }, true)}
          onSelect={(task) => show({ task }, true)}
        />
      ),
    },
    {
      value: "details",
      label: labelled(SlidersHorizontal, "Details"),
      content: () => <RunDetails run={run} />,
    },
  ];
  const chosen = parts.find((part) => part.value === (search.tab ?? "graph")) ?? parts[0];
  if (!chosen) return null;
  return (
    <>
      <RunTrouble run={run} now={now} />
      <Tabs
        label="Parts of the run"
        value={chosen.value}
        onChange={(tab) => show({ tab: tab === "graph" ? undefined : tab })}
        tabs={parts}
      >
        {chosen.content()}
      </Tabs>
    </>
  );
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

export const ICONS = { GanttChart, Workflow };
