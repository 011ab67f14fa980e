import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight, FileCheck2, PackageOpen } from "lucide-react";
import { useMemo } from "react";
import { inWorkspaceUrl } from "@/api/client";
import type { Run } from "@/api/run";
import { type AttemptTables, runTablesQuery, type TableWrite } from "@/api/run-tables";
import { buttonClass } from "@/components/button";
import { DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { RowChange, SnapshotId, TableLink } from "@/components/run-tables";
import { StateIcon } from "@/components/state-badge";
import { EmptyState } from "@/components/states";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { taskTypeLabel, taskTypeOf } from "@/lib/job-settings";
import { lookOf } from "@/lib/states";
import type { RunTask } from "./run-tasks";

interface RunOutputPanelProps {
  run: Run;
  tasks: RunTask[];
}

/** What a run left: tables, each task's output, and the evidence of it all. */
export function RunOutputPanel({ run, tasks }: RunOutputPanelProps) {
  const query = useQuery(runTablesQuery(run.run_id));
  return (
    <div className="flex flex-col gap-4">
      <Panel
        flush
        title={
          <>
            Tables it changed
            {query.data?.more && (
              <span className="ml-2 font-normal text-ink-faint">
                by its first 1,000 task runs that met any; the evidence has all
              </span>
            )}
          </>
        }
      >
        <QueryView query={query}>{(seen) => <Tables run={run} seen={seen.attempts} />}</QueryView>
      </Panel>
      <div className="grid items-start gap-4 lg:grid-cols-[1fr_22rem]">
        <Panel title="Outputs of its tasks" flush>
          <Outputs run={run} tasks={tasks} />
        </Panel>
        <Panel title="Evidence" className="self-start">
          <p className="text-sm text-ink-soft">
            Everything that the run did in one document: settings, files, parameters, attempts, the
            snapshots that were read and written, who did what. It carries its own SHA-256.
          </p>
          <a
            href={inWorkspaceUrl(`/api/openlake/1.0/runs/${run.run_id}/evidence`)}
            download={`run-${run.run_id}-evidence.json`}
            className={buttonClass()}
            style={{ marginTop: "0.75rem" }}
          >
            <FileCheck2 aria-hidden />
            Download the evidence
          </a>
        </Panel>
      </div>
    </div>
  );
}

interface Change extends TableWrite {
  place: number;
  attempt: AttemptTables;
}

function Tables({ run, seen }: { run: Run; seen: AttemptTables[] }) {
  const rows = useMemo(
    () =>
      seen
        .flatMap((attempt) => attempt.writes.map((write) => ({ ...write, attempt })))
        .filter((write) => write.operation !== "create-namespace")
        .map((write, place): Change => ({ ...write, place })),
    [seen],
  );
  return (
    <DataTable
      label="Tables that the run changed"
      rows={rows}
      rowKey={(row) => String(row.place)}
      maxHeight="50vh"
      empty={
        <EmptyState icon={PackageOpen} title="No table was changed">
          Tables of the lakehouse that its tasks write appear here, with the rows that came and
          went.
        </EmptyState>
      }
      columns={[
        {
          id: "table",
          header: "Table",
          sort: (row) => row.table,
          cell: (row) => <TableLink name={row.table} />,
        },
        {
          id: "task",
          header: "Task",
          sort: (row) => row.attempt.taskKey,
          cell: (row) => (
            <Link
              to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
              params={{
                jobId: String(run.job_id),
                runId: String(run.run_id),
                taskRunId: String(row.attempt.taskRunId),
              }}
              className="text-accent hover:underline"
            >
              {row.attempt.taskKey}
              {row.attempt.attempt > 0 && `, attempt ${row.attempt.attempt + 1}`}
            </Link>
          ),
        },
        {
          id: "change",
          header: "Change",
          width: "9rem",
          sort: (row) => row.operation,
          cell: (row) => (
            <span className={row.state === "committed" ? undefined : "text-bad"}>
              {row.operation.replaceAll("-", " ")}
              {row.state !== "committed" && `, ${row.state}`}
            </span>
          ),
        },
        {
          id: "rows",
          header: "Rows",
          align: "right",
          width: "10rem",
          sort: (row) => row.added,
          cell: (row) => <RowChange added={row.added} removed={row.removed} />,
        },
        {
          id: "snapshot",
          header: "Snapshot",
          width: "8rem",
          cell: (row) => <SnapshotId id={row.snapshotId} />,
        },
      ]}
    />
  );
}

/** Where each task's own output is. */
function Outputs({ run, tasks }: RunOutputPanelProps) {
  return (
    <ul className="max-h-96 overflow-y-auto py-1">
      {tasks.map((task) => {
        const type = taskTypeOf(task.settings);
        const label = (
          <>
            <TaskTypeIcon type={type} />
            <span className="min-w-0 flex-1 truncate font-medium">{task.key}</span>
            <span className="text-xs text-ink-faint">{taskTypeLabel(type)}</span>
            <StateIcon state={task.state} className="size-3.5" />
            <span className="w-28 text-xs text-ink-soft">{lookOf(task.state).label}</span>
          </>
        );
        const className = "flex items-center gap-2.5 px-4 py-1.5 text-sm";
        return (
          <li key={task.key}>
            {task.taskRunId === null ? (
              <div className={className}>{label}</div>
            ) : (
              <Link
                to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
                params={{
                  jobId: String(run.job_id),
                  runId: String(run.run_id),
                  taskRunId: String(task.taskRunId),
                }}
                search={{ tab: "output" }}
                className={`${className} hover:bg-sunken`}
              >
                {label}
                <ArrowRight aria-hidden className="size-3.5 text-ink-faint" />
              </Link>
            )}
          </li>
        );
      })}
    </ul>
  );
}
