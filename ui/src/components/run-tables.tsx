import { Link } from "@tanstack/react-router";
import { Table2 } from "lucide-react";
import type { ReactNode } from "react";
import type { TableRead, TableWrite } from "@/api/run-tables";
import { cx } from "@/lib/cx";
import { formatCount } from "@/lib/numbers";
import { DataTable } from "./data-table";
import { EmptyState } from "./states";

/** The catalog that names without one mean. */
const CATALOG = "lakehouse";

/** A table's name as a link to its page. */
export function TableLink({ name, className }: { name: string; className?: string }) {
  const full = name.startsWith(`${CATALOG}.`) ? name : `${CATALOG}.${name}`;
  return (
    <Link
      to="/catalog/$fullName"
      params={{ fullName: full }}
      className={cx("font-medium break-all text-accent hover:underline", className)}
    >
      {name.replace(`${CATALOG}.`, "")}
    </Link>
  );
}

/** The id of a snapshot, short; whole in its tooltip. */
export function SnapshotId({ id }: { id: string | null | undefined }) {
  if (!id) return <span className="text-ink-faint">–</span>;
  return (
    <span
      title={`Snapshot ${id}`}
      className="font-mono text-[0.92em] whitespace-nowrap text-ink-soft"
    >
      …{id.slice(-8)}
    </span>
  );
}

interface RowChangeProps {
  added: number | null | undefined;
  removed: number | null | undefined;
}

/** Rows that came and went: `+1,204 −3`. */
export function RowChange({ added, removed }: RowChangeProps) {
  if (!added && !removed) return <span className="text-ink-faint">–</span>;
  return (
    <span className="whitespace-nowrap tabular-nums">
      {added ? <span className="text-good">+{formatCount(added)}</span> : null}
      {added && removed ? " " : null}
      {removed ? <span className="text-bad">−{formatCount(removed)}</span> : null}
    </span>
  );
}

/** Tables that were read, each with the state it was read in. */
export function ReadTables({ reads }: { reads: TableRead[] }) {
  return (
    <DataTable
      label="Tables read"
      rows={reads}
      rowKey={(read) => `${read.table} ${read.branch} ${read.snapshotId}`}
      empty={
        <EmptyState icon={Table2} title="No tables">
          It read no table of the lakehouse.
        </EmptyState>
      }
      columns={[
        {
          id: "table",
          header: "Table",
          sort: (read) => read.table,
          cell: (read) => <OnBranch name={<TableLink name={read.table} />} branch={read.branch} />,
        },
        {
          id: "snapshot",
          header: "Snapshot",
          width: "8rem",
          cell: (read) => <SnapshotId id={read.snapshotId} />,
        },
      ]}
    />
  );
}

/** Tables that were changed, with the rows that came and went. */
export function WrittenTables({ writes }: { writes: TableWrite[] }) {
  return (
    <DataTable
      label="Tables changed"
      rows={writes.map((write, place) => ({ ...write, place }))}
      rowKey={(write) => String(write.place)}
      empty={
        <EmptyState icon={Table2} title="No changes">
          It changed no table of the lakehouse.
        </EmptyState>
      }
      columns={[
        {
          id: "table",
          header: "Table",
          sort: (write) => write.table,
          cell: (write) => (
            <OnBranch
              branch={write.branch}
              name={
                write.operation === "create-namespace" ? (
                  <span className="break-all">{write.table}</span>
                ) : (
                  <TableLink name={write.table} />
                )
              }
            />
          ),
        },
        {
          id: "operation",
          header: "Change",
          width: "9rem",
          sort: (write) => write.operation,
          cell: (write) => (
            <span className={cx(write.state !== "committed" && "text-bad")}>
              {write.operation.replaceAll("-", " ")}
              {write.state !== "committed" && `, ${write.state}`}
            </span>
          ),
        },
        {
          id: "rows",
          header: "Rows",
          align: "right",
          width: "8rem",
          sort: (write) => write.added,
          cell: (write) => <RowChange added={write.added} removed={write.removed} />,
        },
        {
          id: "snapshot",
          header: "Snapshot",
          width: "8rem",
          cell: (write) => <SnapshotId id={write.snapshotId} />,
        },
      ]}
    />
  );
}

/** A table, with the branch that it was seen on unless that is main. */
function OnBranch({ name, branch }: { name: ReactNode; branch: string }) {
  return (
    <>
      {name}
      {branch !== "main" && (
        <span className="block font-mono text-xs break-all text-ink-faint">on {branch}</span>
      )}
    </>
  );
}
