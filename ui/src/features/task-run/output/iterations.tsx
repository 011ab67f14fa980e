import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import type { IterationStats } from "@/api/run";
import { iterationsQuery, type TaskRunEntry } from "@/api/task-runs";
import { DataTable } from "@/components/data-table";
import { Switch } from "@/components/form";
import { Panel } from "@/components/panel";
import { StateBadge } from "@/components/state-badge";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { Elapsed, Time } from "@/components/time";
import { formatCount } from "@/lib/numbers";
import { isFailure, oneWord } from "@/lib/states";
import { inputsOf, spell } from "../facts";

interface IterationsProps {
  jobId: number;
  runId: number;
  taskRunId: number;
  entry: TaskRunEntry;
  onlyFailed: boolean;
  onOnlyFailed: (only: boolean) => void;
}

/** The newest attempt of each iteration of a for-each. */
export function Iterations(props: IterationsProps) {
  const { jobId, runId, taskRunId, entry, onlyFailed } = props;
  const navigate = useNavigate();
  const query = useInfiniteQuery(iterationsQuery(runId, taskRunId));
  const rows = useMemo(
    () =>
      query.data?.pages.flatMap((page) => (page.iterations ?? []) as unknown as TaskRunEntry[]) ??
      [],
    [query.data],
  );
  const inputs = useMemo(
    () => inputsOf(entry.resolved_values?.for_each_task?.inputs),
    [entry.resolved_values],
  );
  const shown = onlyFailed ? rows.filter((row) => isFailure(oneWord(row.state))) : rows;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    // Failed ones may be on any page.
    if (onlyFailed && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [onlyFailed, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const stats = (entry.for_each_task as { stats?: { task_run_stats?: IterationStats } } | undefined)
    ?.stats?.task_run_stats;

  if (query.isError && rows.length === 0)
    return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <Panel
      flush
      className="shrink-0"
      title={
        <>
          Iterations
          {stats && <Counts stats={stats} />}
        </>
      }
      actions={<Switch label="Only failed" checked={onlyFailed} onChange={props.onOnlyFailed} />}
    >
      {query.isPending ? (
        <Skeleton />
      ) : (
        <DataTable
          label="Iterations"
          rows={shown}
          rowKey={(row) => String(row.run_id)}
          onMore={hasNextPage ? () => void fetchNextPage() : undefined}
          loadingMore={isFetchingNextPage}
          maxHeight="65vh"
          empty={
            <EmptyState title={onlyFailed ? "None has failed" : "None has begun yet"}>
              {onlyFailed && isFetchingNextPage && "Looking further…"}
            </EmptyState>
          }
          onOpen={(row) =>
            void navigate({
              to: "/jobs/$jobId/runs/$runId/tasks/$taskRunId",
              params: {
                jobId: String(jobId),
                runId: String(runId),
                taskRunId: String(row.run_id),
              },
            })
          }
          columns={[
            {
              id: "place",
              header: "#",
              align: "right",
              width: "5rem",
              sort: (row) => row.iteration,
              cell: (row) => (
                <Link
                  to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
                  params={{
                    jobId: String(jobId),
                    runId: String(runId),
                    taskRunId: String(row.run_id),
                  }}
                  className="font-medium text-accent hover:underline"
                >
                  {row.iteration}
                </Link>
              ),
            },
            {
              id: "state",
              header: "State",
              width: "10rem",
              sort: (row) => oneWord(row.state),
              cell: (row) => <StateBadge state={oneWord(row.state)} />,
            },
            {
              id: "input",
              header: "Input",
              sort: (row) => spell(inputs[row.iteration ?? -1]),
              cell: (row) => (
                <span className="line-clamp-2 max-w-[28rem] font-mono text-[0.92em] break-all">
                  {spell(inputs[row.iteration ?? -1])}
                </span>
              ),
            },
            {
              id: "took",
              header: "Took",
              align: "right",
              width: "7rem",
              sort: (row) => row.run_duration,
              cell: (row) => <Elapsed from={row.start_time} to={row.end_time || null} />,
            },
            {
              id: "began",
              header: "Began",
              width: "9rem",
              sort: (row) => row.start_time,
              cell: (row) => <Time at={row.start_time} as="instant" />,
            },
            {
              id: "attempt",
              header: "Attempts",
              align: "right",
              width: "6rem",
              sort: (row) => row.attempt_number,
              cell: (row) => row.attempt_number + 1,
            },
            {
              id: "message",
              header: "Message",
              cell: (row) => (
                <span className="line-clamp-1 text-ink-soft" title={row.state.state_message}>
                  {row.state.state_message}
                </span>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Counts({ stats }: { stats: IterationStats }) {
  const parts: [number, string, string][] = [
    [stats.succeeded_iterations, "succeeded", "text-good"],
    [stats.failed_iterations, "failed", "text-bad"],
    [stats.active_iterations, "running", "text-live"],
    [stats.total_iterations - stats.completed_iterations - stats.active_iterations, "to come", ""],
  ];
  return (
    <span className="ml-2 font-normal text-ink-faint">
      {formatCount(stats.total_iterations)}
      {parts.map(([count, word, tone]) =>
        count > 0 ? (
          <span key={word}>
            {" · "}
            <span className={tone}>
              {formatCount(count)} {word}
            </span>
          </span>
        ) : null,
      )}
    </span>
  );
}
