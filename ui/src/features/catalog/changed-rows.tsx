import { useQuery } from "@tanstack/react-query";
import { Equal, Scale } from "lucide-react";
import { rowDiffQuery } from "@/api/catalog";
import type { Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { cx } from "@/lib/cx";
import { formatCount, plural } from "@/lib/numbers";
import { rowColumn } from "./row-column";

type RowDiff = Schema["RowDiff"];
interface Row {
  key: string;
  added: boolean;
  cells: (string | null)[];
}

interface ChangedRowsProps {
  name: string;
  from: string;
  to: string;
}

/** The rows that two snapshots do not share. */
export function ChangedRows({ name, from, to }: ChangedRowsProps) {
  const query = useQuery(rowDiffQuery(name, from, to));
  return (
    <Panel flush title={query.data ? <Title diff={query.data} /> : "Changed rows"}>
      <QueryView query={query}>{(diff) => <Rows diff={diff} />}</QueryView>
    </Panel>
  );
}

function Title({ diff }: { diff: RowDiff }) {
  const shown = diff.rows?.length ?? 0;
  return (
    <span className="inline-flex flex-wrap items-baseline gap-x-3">
      Changed rows
      {diff.added_rows ? (
        <span className="font-normal text-good">{formatCount(diff.added_rows)} added</span>
      ) : null}
      {diff.deleted_rows ? (
        <span className="font-normal text-bad">{formatCount(diff.deleted_rows)} removed</span>
      ) : null}
      {diff.cut && (
        <span className="font-normal text-ink-faint">{plural(shown, "row")} of them here</span>
      )}
    </span>
  );
}

function Rows({ diff }: { diff: RowDiff }) {
  if (diff.too_much)
    return (
      <EmptyState icon={Scale} title="Too much was rewritten to compare it here">
        More came or went between these two than one answer compares (500,000 rows, 128 MiB of
        values, 10 s of reading), so only the counts above are known. Two snapshots that are nearer
        to each other may tell more.
      </EmptyState>
    );
  const rows = (diff.rows ?? []).map(
    ({ change, cells }, at): Row => ({ key: String(at), added: change === "added", cells }),
  );
  return (
    <DataTable
      label="Changed rows"
      rows={rows}
      rowKey={(row) => row.key}
      rowClass={(row) => (row.added ? "bg-good-soft/60" : "bg-bad-soft/60")}
      maxHeight="60vh"
      columns={[SIGN, ...diff.columns.map((column, at) => rowColumn<Row>(column, at))]}
      empty={
        <EmptyState icon={Equal} title="The rows are the same">
          Files may have been written anew, but what they hold did not change.
        </EmptyState>
      }
    />
  );
}

const SIGN: Column<Row> = {
  id: "change",
  header: <span className="sr-only">Change</span>,
  width: "2.5rem",
  sort: (row) => (row.added ? "added" : "removed"),
  cell: (row) => (
    <span
      title={row.added ? "Added" : "Removed"}
      className={cx("font-mono font-semibold", row.added ? "text-good" : "text-bad")}
    >
      <span aria-hidden>{row.added ? "+" : "−"}</span>
      <span className="sr-only">{row.added ? "Added" : "Removed"}</span>
    </span>
  ),
};
