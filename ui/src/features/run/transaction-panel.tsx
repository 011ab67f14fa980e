import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import {
  CircleCheck,
  GitBranch,
  GitMerge,
  type LucideIcon,
  PackageOpen,
  Trash2,
  TriangleAlert,
} from "lucide-react";
import { useMemo } from "react";
import { type Run, runSettingsQuery } from "@/api/run";
import { runTablesQuery } from "@/api/run-tables";
import { type RunTransaction, transactionQuery, useDropTransaction } from "@/api/transaction";
import { Button } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import { DataTable } from "@/components/data-table";
import { Confirm } from "@/components/overlay";
import { Facts, Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { RowChange, SnapshotId, TableLink } from "@/components/run-tables";
import { StateBadge } from "@/components/state-badge";
import { EmptyState } from "@/components/states";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/numbers";
import { TONE_SOFT, type Tone } from "@/lib/states";
import type { RunTask } from "./run-tasks";
import { type TransactionTable, tablesOf } from "./transaction-tables";

interface TransactionPanelProps {
  run: Run;
  tasks: RunTask[];
}

/** What a run does to tables as one transaction: its branch, its checks, what it published or could not. */
export function TransactionPanel({ run, tasks }: TransactionPanelProps) {
  const query = useQuery(transactionQuery(run.run_id));
  return (
    <QueryView query={query}>
      {(found) =>
        found === null ? (
          <EmptyState icon={GitBranch} title="This run is no transaction">
            What its tasks write is visible to everybody at once. Add{" "}
            <code className="font-mono">publish: {"{}"}</code> to the job, and all tables of a run
            go live together, only when the run has succeeded.
          </EmptyState>
        ) : (
          <Shown transaction={found} run={run} tasks={tasks} />
        )
      }
    </QueryView>
  );
}

interface Look {
  tone: Tone;
  icon: LucideIcon;
  word: string;
  /** What it means, and what to do. */
  text: string;
}

const LOOKS: Record<string, Look> = {
  OPENING: {
    tone: "live",
    icon: GitBranch,
    word: "Opening",
    text: "The run's branch of the catalog is about to be made.",
  },
  OPEN: {
    tone: "live",
    icon: GitBranch,
    word: "Open",
    text: "What tasks write lands on the run's branch. Nobody else sees it before the run publishes.",
  },
  PUBLISHING: {
    tone: "live",
    icon: GitMerge,
    word: "Publishing",
    text: "All tables are merged into main in one commit.",
  },
  PUBLISHED: {
    tone: "good",
    icon: CircleCheck,
    word: "Published",
    text: "All tables went live at once, in one commit of the catalog.",
  },
  CONFLICT: {
    tone: "bad",
    icon: TriangleAlert,
    word: "Conflict",
    text: "Somebody else changed one of its tables meanwhile, so nothing was published. Repair the run: its branch is cut anew from main, what touches those tables runs again, and then it publishes.",
  },
  KEPT: {
    tone: "warn",
    icon: PackageOpen,
    word: "Kept",
    text: "The run ended without publishing. Its changes wait on the branch: repair the run to go on from them, or drop them.",
  },
  DROPPED: {
    tone: "calm",
    icon: Trash2,
    word: "Dropped",
    text: "The branch is gone, and with it what was never published.",
  },
  REPLACED: {
    tone: "calm",
    icon: GitBranch,
    word: "Replaced",
    text: "The branch was cut anew from main.",
  },
};

function Shown({
  transaction,
  run,
  tasks,
}: TransactionPanelProps & { transaction: RunTransaction }) {
  const look = LOOKS[transaction.state] ?? {
    tone: "calm" as const,
    icon: GitBranch,
    word: transaction.state,
    text: "",
  };
  const drop = useDropTransaction(run.run_id);
  const canDrop = transaction.state === "KEPT" || transaction.state === "CONFLICT";
  return (
    <div className="flex flex-col gap-4">
      <div
        className={cx(
          "flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg px-4 py-3",
          TONE_SOFT[look.tone],
        )}
      >
        <look.icon aria-hidden className="size-5 shrink-0" />
        <div className="min-w-0 flex-1 basis-96">
          <p className="font-semibold">{look.word}</p>
          <p className="text-sm text-ink-soft">{transaction.replay_of ? REPLAY : look.text}</p>
        </div>
        {canDrop && (
          <Confirm
            trigger={
              <Button kind="danger">
                <Trash2 aria-hidden />
                Drop the branch
              </Button>
            }
            title="Drop what this run has kept?"
            action="Drop the branch"
            onConfirm={() => drop.mutateAsync()}
          >
            What the run wrote and did not publish is lost, and the run can not be repaired any
            more. Tables on main stay as they are.
          </Confirm>
        )}
      </div>
      <Conflicts transaction={transaction} />
      <div className="grid items-start gap-4 xl:grid-cols-[1fr_22rem]">
        <Tables transaction={transaction} run={run} />
        <div className="flex flex-col gap-4">
          <Checks run={run} tasks={tasks} />
          <Branch transaction={transaction} />
        </div>
      </div>
    </div>
  );
}

const REPLAY = "This run replays an earlier one on a branch of its own. It is never published.";

/** Who stood in the way, table by table. */
function Conflicts({ transaction }: { transaction: RunTransaction }) {
  const conflicts = transaction.conflicts ?? [];
  if (conflicts.length === 0) return null;
  return (
    <Panel title={`${plural(conflicts.length, "table")} in conflict`} flush>
      <DataTable
        label="Conflicts"
        rows={[...conflicts]}
        rowKey={(conflict) => `${conflict.table} ${conflict.by.text}`}
        columns={[
          {
            id: "table",
            header: "Table",
            cell: (conflict) => <TableLink name={conflict.table} />,
          },
          {
            id: "ours",
            header: "Written here by",
            cell: (conflict) => conflict.task_keys.join(", "),
          },
          {
            id: "theirs",
            header: "Meanwhile changed by",
            cell: ({ by }) =>
              by.job_id && by.run_id ? (
                <Link
                  to="/jobs/$jobId/runs/$runId"
                  params={{ jobId: String(by.job_id), runId: String(by.run_id) }}
                  search={by.task_key ? { task: by.task_key } : {}}
                  className="text-accent hover:underline"
                >
                  {by.text}
                </Link>
              ) : (
                by.text
              ),
          },
        ]}
      />
    </Panel>
  );
}

function Tables({ transaction, run }: { transaction: RunTransaction; run: Run }) {
  const seen = useQuery(runTablesQuery(run.run_id));
  const rows = useMemo(
    () => tablesOf(transaction, seen.data?.attempts ?? []),
    [transaction, seen.data],
  );
  const published = transaction.state === "PUBLISHED";
  const gone = transaction.state === "DROPPED";
  return (
    <Panel
      flush
      title={
        published
          ? `${plural(rows.length, "table")} published`
          : gone
            ? "Tables that were given up"
            : `${plural(rows.length, "table")} on the branch, not published`
      }
    >
      <DataTable
        label="Tables of the transaction"
        rows={rows}
        rowKey={(row) => row.table}
        empty={
          <EmptyState icon={GitMerge} title="No table yet">
            Tables appear here when a task that changed them has succeeded.
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
            header: "Written by",
            sort: (row) => row.taskKey,
            cell: (row) => <TaskLink run={run} row={row} />,
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
    </Panel>
  );
}

function TaskLink({ run, row }: { run: Run; row: TransactionTable }) {
  return (
    <Link
      to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
      params={{
        jobId: String(run.job_id),
        runId: String(run.run_id),
        taskRunId: String(row.taskRunId),
      }}
      className="text-accent hover:underline"
    >
      {row.taskKey}
    </Link>
  );
}

/** The tasks that have to succeed before anything is published. */
function Checks({ run, tasks }: TransactionPanelProps) {
  const settings = useQuery(runSettingsQuery(run.run_id));
  const publish = settings.data?.settings.publish as
    | { audit?: string[]; on_failure?: string; conflict?: string }
    | undefined;
  if (!publish) return null;
  const audit = publish.audit ?? [];
  return (
    <Panel title="Checks before publishing">
      {audit.length === 0 ? (
        <p className="text-sm text-ink-soft">
          None: the run publishes whenever it succeeds. Name tasks in the job's{" "}
          <code className="font-mono">publish.audit</code> to hold it to rules.
        </p>
      ) : (
        <ul className="flex flex-col gap-2">
          {audit.map((key) => {
            const task = tasks.find((each) => each.key === key);
            const name = <span className="min-w-0 flex-1 truncate font-medium">{key}</span>;
            return (
              <li key={key} className="flex items-center gap-2 text-sm">
                {task?.taskRunId ? (
                  <Link
                    to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
                    params={{
                      jobId: String(run.job_id),
                      runId: String(run.run_id),
                      taskRunId: String(task.taskRunId),
                    }}
                    search={{ tab: "output" }}
                    className="flex min-w-0 flex-1 text-accent hover:underline"
                  >
                    {name}
                  </Link>
                ) : (
                  name
                )}
                <StateBadge state={task?.state ?? "PENDING"} />
              </li>
            );
          })}
        </ul>
      )}
      <p className="mt-3 border-t border-line pt-3 text-xs text-ink-faint">
        If the run fails, its branch is{" "}
        {publish.on_failure === "drop_branch" ? "dropped" : "kept for repair"}. If somebody else
        changes its tables meanwhile, it{" "}
        {publish.conflict === "retry_publish" ? "does that part again by itself" : "fails"}.
      </p>
    </Panel>
  );
}

function Branch({ transaction }: { transaction: RunTransaction }) {
  const items: [string, React.ReactNode][] = [
    ["Name", <Code key="name">{transaction.branch}</Code>],
    ["Cut from main", <Hash key="base" hash={transaction.base_hash} />],
    ["at", <Time key="at" at={millis(transaction.created_at)} as="instant" />],
  ];
  if (transaction.published_hash)
    items.push(["Published in", <Hash key="published" hash={transaction.published_hash} />]);
  if (transaction.ended_at)
    items.push(["Ended", <Time key="ended" at={millis(transaction.ended_at)} as="instant" />]);
  if (transaction.drop_after && !transaction.dropped_at)
    items.push([
      "Kept until",
      <Time key="kept" at={millis(transaction.drop_after)} as="instant" />,
    ]);
  const earlier = transaction.earlier ?? [];
  return (
    <Panel title="Branch">
      <Facts items={items} />
      {earlier.length > 0 && (
        <ul className="mt-3 flex flex-col gap-1 border-t border-line pt-3 text-xs text-ink-soft">
          {earlier.map((each) => (
            <li key={each.number}>
              Before: <Code>{each.branch}</Code>, {LOOKS[each.state]?.word.toLowerCase()}
              {each.message && <span className="block text-ink-faint">{each.message}</span>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Code({ children }: { children: string }) {
  return <span className="font-mono text-[0.92em] break-all">{children}</span>;
}

/** A commit of the catalog: short, whole in the tooltip and when copied. */
function Hash({ hash }: { hash: string }) {
  return (
    <span className="-my-1.5 inline-flex items-center gap-1">
      <span title={hash} className="font-mono text-[0.92em]">
        {hash.slice(0, 12)}
      </span>
      <CopyButton text={hash} label="Copy the commit" />
    </span>
  );
}

function millis(iso: string | null | undefined): number | null {
  return iso ? Date.parse(iso) : null;
}
