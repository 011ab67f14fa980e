import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Grid3x3 } from "lucide-react";
import { useMemo } from "react";
import { jobRunsQuery, matrixQuery } from "@/api/job-runs";
import type { Run } from "@/api/run";
import { type Column, DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { StateBadge } from "@/components/state-badge";
import { EmptyState, Skeleton } from "@/components/states";
import { Elapsed, Time } from "@/components/time";
import { triggerWord } from "@/lib/run-trigger";
import { oneWord } from "@/lib/states";
import { joinPages, type Matrix } from "./matrix-model";
import { RunMatrix } from "./run-matrix";

/** The job's runs: how each task went in each, and one a line. */
export function JobRuns({ jobId }: { jobId: number }) {
  const query = useInfiniteQuery(matrixQuery(jobId));
  const matrix = useMemo<Matrix | null>(
    () => (query.data ? joinPages(query.data.pages) : null),
    [query.data],
  );
  return (
    <div className="flex flex-col gap-4 py-4">
      <QueryView query={query} loading={<Skeleton lines={8} />}>
        {() =>
          matrix && matrix.runs.length > 0 ? (
            <>
              <Panel flush>
                <RunMatrix
                  jobId={jobId}
                  matrix={matrix}
                  loading={query.isFetchingNextPage}
                  onEarlier={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
                />
              </Panel>
              <RunList jobId={jobId} />
            </>
          ) : (
            <Panel flush>
              <EmptyState icon={Grid3x3} title="No runs yet">
                “Run now” starts the first. Every run becomes a column here, every task a row.
              </EmptyState>
            </Panel>
          )
        }
      </QueryView>
    </div>
  );
}

function RunList({ jobId }: { jobId: number }) {
  const query = useInfiniteQuery(jobRunsQuery(jobId));
  const navigate = useNavigate();
  const columns = useMemo<Column<Run>[]>(
    () => [
      {
        id: "run",
        header: "Run",
        cell: (run) => (
          <Link
            to="/jobs/$jobId/runs/$runId"
            params={{ jobId: String(jobId), runId: String(run.run_id) }}
            className="font-mono text-xs hover:text-accent hover:underline"
          >
            {run.run_id}
          </Link>
        ),
      },
      { id: "state", header: "State", cell: (run) => <StateBadge state={oneWord(run.state)} /> },
      { id: "trigger", header: "Started by", cell: startedBy },
      {
        id: "parameters",
        header: "Parameters",
        className: "max-w-0 w-[36%]",
        cell: (run) => <Parameters run={run} />,
      },
      { id: "start", header: "Started", cell: (run) => <Time at={run.start_time} /> },
      {
        id: "duration",
        header: "Duration",
        align: "right",
        cell: (run) => <Elapsed from={run.start_time} to={run.end_time} />,
      },
    ],
    [jobId],
  );
  return (
    <Panel title="All runs" flush>
      <QueryView query={query}>
        {(found) => (
          <DataTable
            label="Runs of the job"
            rows={found.pages.flatMap((page) => page.runs ?? [])}
            columns={columns}
            rowKey={(run) => String(run.run_id)}
            onOpen={(run) =>
              void navigate({
                to: "/jobs/$jobId/runs/$runId",
                params: { jobId: String(jobId), runId: String(run.run_id) },
              })
            }
            onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            loadingMore={query.isFetchingNextPage}
          />
        )}
      </QueryView>
    </Panel>
  );
}

function startedBy(run: Run): string {
  if (run.trigger_info?.backfill_id) return `Backfill ${String(run.trigger_info.backfill_id)}`;
  return run.trigger === "ONE_TIME" ? run.creator_user_name : triggerWord(run.trigger);
}

function Parameters({ run }: { run: Run }) {
  const words = (run.job_parameters ?? []).map(({ name, value }) => `${name}=${value}`).join("  ");
  return (
    <span className="block truncate font-mono text-xs text-ink-soft" title={words}>
      {words || "–"}
    </span>
  );
}
