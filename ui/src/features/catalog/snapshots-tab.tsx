import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { FileDiff, GitCompareArrows, History } from "lucide-react";
import { type Snapshot, snapshotsQuery } from "@/api/catalog";
import { IconButton } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Checkbox } from "@/components/form";
import { Panel } from "@/components/panel";
import { RowChange } from "@/components/run-tables";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { Time } from "@/components/time";
import { formatBytes, formatCount } from "@/lib/numbers";
import { chosenAfter } from "./choose-two";
import { SnapshotDiff } from "./snapshot-diff";
import { WriterLink } from "./writer";

const route = getRouteApi("/_shell/catalog/$fullName");

/** The table's states, newest first; two of them can be compared. */
export function SnapshotsTab({ name }: { name: string }) {
  const { from, to } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useInfiniteQuery(snapshotsQuery(name));
  const rows = query.data?.pages.flatMap((page) => page.snapshots ?? []) ?? [];
  const chosen = [from, to].filter((each) => each !== undefined);
  const order = rows.map((row) => row.snapshot_id);
  const compare = (two: { from?: string; to?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...two }), replace: true });
  if (query.isPending) return <Skeleton />;
  if (query.error) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className="flex flex-col gap-4">
      {from && to ? (
        <SnapshotDiff
          name={name}
          from={from}
          to={to}
          onClose={() => compare({ from: undefined, to: undefined })}
        />
      ) : (
        rows.length > 1 && (
          <p className="flex items-center gap-2 text-sm text-ink-soft">
            <GitCompareArrows aria-hidden className="size-4" />
            {from || to
              ? "Choose a second snapshot to see what changed between them."
              : "Choose two snapshots to see what changed between them."}
          </p>
        )
      )}
      <Panel flush title="Snapshots">
        <DataTable
          label="Snapshots"
          rows={rows}
          columns={columnsOf({
            chosen,
            before: (row) => {
              if (row.parent_id && order.includes(row.parent_id)) return row.parent_id;
              // One that replaced the table has no parent: what it replaced is the one below it.
              return row.parent_id ? undefined : order[order.indexOf(row.snapshot_id) + 1];
            },
            onChoose: (id) => compare(chosenAfter(chosen, id, order)),
            onShow: (from, to) => compare({ from, to }),
          })}
          rowKey={(row) => row.snapshot_id}
          onMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
          loadingMore={query.isFetchingNextPage}
          empty={
            <EmptyState icon={History} title="No snapshots yet">
              Each write leaves one: what it changed, and who made it.
            </EmptyState>
          }
        />
      </Panel>
    </div>
  );
}

interface Choices {
  chosen: string[];
  /** The snapshot before one, where there is one to compare it with. */
  before: (row: Snapshot) => string | undefined;
  onChoose: (id: string) => void;
  onShow: (from: string, to: string) => void;
}

function columnsOf({ chosen, before, onChoose, onShow }: Choices): Column<Snapshot>[] {
  return [
    {
      id: "choose",
      header: <span className="sr-only">Compare</span>,
      width: "2.5rem",
      cell: (row) => (
        <Checkbox
          checked={chosen.includes(row.snapshot_id)}
          onChange={() => onChoose(row.snapshot_id)}
          label={<span className="sr-only">Compare snapshot {row.snapshot_id}</span>}
        />
      ),
    },
    { id: "at", header: "Made", cell: (row) => <Time at={row.at} as="instant" /> },
    { id: "op", header: "Operation", cell: (row) => row.operation ?? "–" },
    {
      id: "rows",
      header: "Rows",
      align: "right",
      cell: (row) => <RowChange added={row.added_rows} removed={row.deleted_rows} />,
    },
    {
      id: "total",
      header: "Rows after",
      align: "right",
      cell: (row) => (row.total_rows == null ? "–" : formatCount(row.total_rows)),
    },
    {
      id: "size",
      header: "Size after",
      align: "right",
      cell: (row) => (row.total_bytes == null ? "–" : formatBytes(row.total_bytes)),
    },
    {
      id: "by",
      header: "By",
      className: "max-w-72",
      cell: (row) => <WriterLink writer={row.writer} />,
    },
    {
      id: "id",
      header: "Snapshot",
      cell: (row) => (
        <span className="font-mono text-xs text-ink-faint" title={row.snapshot_id}>
          {row.snapshot_id}
        </span>
      ),
    },
    {
      id: "show",
      header: <span className="sr-only">What it changed</span>,
      width: "3rem",
      align: "right",
      cell: (row) => {
        const from = before(row);
        return from ? (
          <IconButton
            label={`What snapshot ${row.snapshot_id} changed`}
            onClick={() => onShow(from, row.snapshot_id)}
          >
            <FileDiff />
          </IconButton>
        ) : null;
      },
    },
  ];
}
