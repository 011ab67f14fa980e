import type { DbtNode } from "@/api/task-runs";
import { DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { TableLink } from "@/components/run-tables";
import { StateIcon } from "@/components/state-badge";
import { cx } from "@/lib/cx";
import { formatCount, plural } from "@/lib/numbers";
import { lookOf, TONE_TEXT } from "@/lib/states";
import { formatDuration } from "@/lib/time";
import { dbtName, dbtState } from "../facts";

/** What became of each model, seed, snapshot and test of a dbt project. */
export function DbtNodes({ nodes }: { nodes: readonly DbtNode[] }) {
  const count = (state: string) => nodes.filter((node) => dbtState(node.status) === state).length;
  const told: [number, string, string][] = [
    [count("SUCCESS"), "succeeded", "text-good"],
    [count("SUCCESS_WITH_FAILURES"), "warned", "text-warn"],
    [count("FAILED"), "failed", "text-bad"],
    [count("SKIPPED"), "skipped", "text-ink-faint"],
  ];
  return (
    <Panel
      flush
      className="shrink-0"
      title={
        <>
          dbt: {plural(nodes.length, "node")}
          {told.map(
            ([number, word, tone]) =>
              number > 0 && (
                <span key={word} className={cx("ml-3 font-normal", tone)}>
                  {formatCount(number)} {word}
                </span>
              ),
          )}
        </>
      }
    >
      <DataTable
        label="dbt nodes"
        rows={[...nodes]}
        rowKey={(node) => `${node.command} ${node.unique_id}`}
        columns={[
          {
            id: "status",
            header: "State",
            width: "8rem",
            sort: (node) => node.status,
            cell: (node) => <Status status={node.status} />,
          },
          {
            id: "name",
            header: "Node",
            sort: (node) => dbtName(node.unique_id).name,
            cell: (node) => (
              <span title={node.unique_id} className="font-medium break-all">
                {dbtName(node.unique_id).name}
              </span>
            ),
          },
          {
            id: "kind",
            header: "Kind",
            width: "7rem",
            sort: (node) => dbtName(node.unique_id).kind,
            cell: (node) => dbtName(node.unique_id).kind,
          },
          {
            id: "rows",
            header: "Rows",
            align: "right",
            width: "6rem",
            sort: (node) => node.failures ?? node.rows_affected,
            cell: (node) => rowsOf(node),
          },
          {
            id: "time",
            header: "Time",
            align: "right",
            width: "6rem",
            sort: (node) => node.execution_time,
            cell: (node) => formatDuration((node.execution_time ?? 0) * 1000),
          },
          {
            id: "message",
            header: "Message",
            cell: (node) => (
              <span className="line-clamp-2 text-ink-soft" title={node.message ?? undefined}>
                {node.message}
              </span>
            ),
          },
          {
            id: "relation",
            header: "Table",
            sort: (node) => node.relation_name,
            cell: (node) => <Relation name={node.relation_name?.replaceAll('"', "") ?? ""} />,
          },
        ]}
      />
    </Panel>
  );
}

/** Where a model is: a link where it is a table that the catalog shows. */
function Relation({ name }: { name: string }) {
  if (/^lakehouse\.[^.]+\.[^.]+$/.test(name)) return <TableLink name={name} />;
  return <span className="font-mono text-[0.92em] break-all text-ink-soft">{name}</span>;
}

function Status({ status }: { status: string }) {
  const state = dbtState(status);
  return (
    <span className={cx("inline-flex items-center gap-1.5", TONE_TEXT[lookOf(state).tone])}>
      <StateIcon state={state} />
      {status}
    </span>
  );
}

function rowsOf(node: DbtNode): string {
  if (node.failures) return `${formatCount(node.failures)} bad`;
  return node.rows_affected === null || node.rows_affected === undefined || node.rows_affected < 0
    ? "–"
    : formatCount(node.rows_affected);
}
