import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { GitCompareArrows, History, X } from "lucide-react";
import { diffQuery, type Snapshot, snapshotsQuery } from "@/api/catalog";
import type { Schema } from "@/api/client";
import { IconButton } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Checkbox } from "@/components/form";
import { Panel } from "@/components/panel";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { formatBytes, formatCount, plural } from "@/lib/numbers";
import { chosenAfter } from "./choose-two";
import { WriterLink } from "./writer";

const route = getRouteApi("/_shell/catalog/$fullName");

/** The table's states, newest first; two of them can be compared. */
export function SnapshotsTab({ name }: { name: string }) {
  const { from, to } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useInfiniteQuery(snapshotsQuery(name));
  const rows = query.data?.pages.flatMap((page) => page.snapshots ?? []) ?? [];
  const chosen = [from, to].filter((each) => each !== undefined);
  function choose(id: string): void {
    const order = rows.map((row) => row.snapshot_id);
    const after = chosenAfter(chosen, id, order);
    void navigate({ search: (before) => ({ ...before, ...after }), replace: true });
  }
  if (query.isPending) return <Skeleton />;
  if (query.error) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className="flex flex-col gap-4">
      {from && to ? (
        <DiffPanel
          name={name}
          from={from}
          to={to}
          onClose={() =>
            void navigate({
              search: (before) => ({ ...before, from: undefined, to: undefined }),
              replace: true,
            })
          }
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
          columns={columnsOf(chosen, choose)}
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

function columnsOf(chosen: string[], choose: (id: string) => void): Column<Snapshot>[] {
  return [
    {
      id: "choose",
      header: <span className="sr-only">Compare</span>,
      width: "2.5rem",
      cell: (row) => (
        <Checkbox
          checked={chosen.includes(row.snapshot_id)}
          onChange={() => choose(row.snapshot_id)}
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
      cell: (row) => <Change added={row.added_rows} removed={row.deleted_rows} />,
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
  ];
}

function Change({ added, removed }: { added?: number | null; removed?: number | null }) {
  if (added == null && removed == null) return <span className="text-ink-faint">–</span>;
  if (!added && !removed) return <span className="text-ink-faint">0</span>;
  return (
    <span className="inline-flex gap-2">
      {Boolean(added) && <span className="text-good">+{formatCount(added ?? 0)}</span>}
      {Boolean(removed) && <span className="text-bad">−{formatCount(removed ?? 0)}</span>}
    </span>
  );
}

interface DiffProps {
  name: string;
  from: string;
  to: string;
  onClose: () => void;
}

function DiffPanel({ name, from, to, onClose }: DiffProps) {
  const query = useQuery(diffQuery(name, from, to));
  return (
    <Panel
      title="What changed"
      actions={
        <IconButton label="Compare no more" onClick={onClose}>
          <X />
        </IconButton>
      }
    >
      {query.isPending && <Skeleton lines={2} />}
      {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && <Difference diff={query.data} />}
    </Panel>
  );
}

function Difference({ diff }: { diff: Schema["Diff"] }) {
  return (
    <div className="flex flex-col gap-3">
      <p className="text-sm text-ink-soft">
        From <Time at={diff.from_snapshot.at} as="instant" className="font-medium text-ink" /> to{" "}
        <Time at={diff.to_snapshot.at} as="instant" className="font-medium text-ink" />, over{" "}
        {plural(diff.snapshots, "snapshot")}
      </p>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-md border border-line bg-line md:grid-cols-5">
        <Figure label="Rows added" value={diff.added_rows} tone="text-good" sign="+" />
        <Figure label="Rows removed" value={diff.deleted_rows} tone="text-bad" sign="−" />
        <Figure label="Rows in all" value={diff.net_rows} signed />
        <Figure label="Files added" value={diff.added_files} sign="+" />
        <Figure label="Files removed" value={diff.deleted_files} sign="−" />
      </dl>
      {!diff.complete && (
        <p className="text-xs text-ink-faint">
          A run that published its work at once shows only its last snapshot: what it added and
          removed in between is not counted. “Rows in all” is exact all the same.
        </p>
      )}
    </div>
  );
}

interface FigureProps {
  label: string;
  value?: number | null;
  tone?: string;
  sign?: string;
  signed?: boolean;
}

function Figure({ label, value, tone, sign, signed }: FigureProps) {
  const prefix = signed
    ? value && value > 0
      ? "+"
      : value && value < 0
        ? "−"
        : ""
    : value
      ? sign
      : "";
  return (
    <div className="bg-surface px-4 py-2.5">
      <dt className="text-xs text-ink-faint">{label}</dt>
      <dd className={cx("text-lg font-semibold tabular-nums", value ? tone : undefined)}>
        {value == null ? "Not counted" : `${prefix}${formatCount(Math.abs(value))}`}
      </dd>
    </div>
  );
}
