import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { CircleStop, FileSearch, SquarePen } from "lucide-react";
import { useMemo, useState } from "react";
import { membersQuery } from "@/api/principals";
import { useSession } from "@/api/sessions";
import {
  type HistoryFilter,
  type HistoryItem,
  historyQuery,
  useCancelStatement,
} from "@/api/statements";
import { warehousesQuery } from "@/api/warehouses";
import { Button } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import { type Column, DataTable } from "@/components/data-table";
import { Select } from "@/components/form";
import { Dialog } from "@/components/overlay";
import { Page } from "@/components/page";
import { Facts, Panel } from "@/components/panel";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { Elapsed, Time } from "@/components/time";
import { formatBytes, formatCount } from "@/lib/numbers";
import { formatDuration } from "@/lib/time";
import { SqlText } from "./sql-words";
import { StatementStatus } from "./statement-status";

const ALL = "all";
const STATES = [
  { value: ALL, label: "Any state" },
  { value: "RUNNING", label: "Running" },
  { value: "QUEUED", label: "Queued" },
  { value: "FINISHED", label: "Succeeded" },
  { value: "FAILED", label: "Failed" },
  { value: "CANCELED", label: "Cancelled" },
] as const;

const HOUR = 3_600_000;
const SPANS = [
  { value: ALL, label: "Any time" },
  { value: "1h", label: "Last hour", ms: HOUR },
  { value: "24h", label: "Last 24 hours", ms: 24 * HOUR },
  { value: "7d", label: "Last 7 days", ms: 7 * 24 * HOUR },
  { value: "30d", label: "Last 30 days", ms: 30 * 24 * HOUR },
];

/** The filters that are in the address. */
export interface HistorySearch {
  state?: string;
  warehouse?: string;
  user?: number;
  span?: string;
  /** The statement that is looked at. */
  statement?: string;
}

interface HistoryPageProps {
  search: HistorySearch;
  onSearch: (search: HistorySearch) => void;
}

/** Every statement of the workspace that one may see, running ones too. */
export function HistoryPage({ search, onSearch }: HistoryPageProps) {
  const session = useSession();
  const navigate = useNavigate();
  const warehouses = useQuery(warehousesQuery);
  const members = useQuery(membersQuery(session.workspace_id));
  const [opened] = useState(() => Date.now());
  const filter: HistoryFilter = useMemo(() => {
    const span = SPANS.find((each) => each.value === search.span)?.ms;
    return {
      ...(search.state ? { status: [search.state as HistoryItem["status"]] } : {}),
      ...(search.warehouse ? { warehouse: search.warehouse } : {}),
      ...(search.user ? { user: search.user } : {}),
      ...(span ? { since: opened - span } : {}),
    };
  }, [search.state, search.warehouse, search.user, search.span, opened]);
  const history = useInfiniteQuery(historyQuery(filter));
  const rows = history.data?.pages.flatMap((page) => page.res ?? []) ?? [];
  const names = new Map(warehouses.data?.map((each) => [each.id, each]));
  const shown = rows.find((each) => each.query_id === search.statement);
  const filtered = Boolean(search.state || search.warehouse || search.user || search.span);

  function filterBy(part: HistorySearch): void {
    onSearch({ ...search, statement: undefined, ...part });
  }
  const chosen = (value: string) => (value === ALL ? undefined : value);

  const columns: Column<HistoryItem>[] = [
    {
      id: "state",
      header: "State",
      width: "8.5rem",
      cell: (row) => <StatementStatus status={row.status} />,
    },
    {
      id: "text",
      header: "Statement",
      className: "max-w-0",
      cell: (row) => <SqlText text={row.query_text} className="block truncate" />,
    },
    {
      id: "user",
      header: "User",
      width: "13rem",
      wide: true,
      className: "max-w-52 truncate text-ink-soft",
      cell: (row) => row.user_name,
    },
    {
      id: "warehouse",
      header: "Warehouse",
      width: "9rem",
      wide: true,
      className: "max-w-40 truncate text-ink-soft",
      cell: (row) => names.get(row.warehouse_id)?.name ?? row.warehouse_id,
    },
    {
      id: "start",
      header: "Started",
      width: "9rem",
      cell: (row) => <Time at={row.query_start_time_ms} />,
    },
    {
      id: "duration",
      header: "Duration",
      align: "right",
      width: "6.5rem",
      cell: (row) =>
        row.is_final ? formatDuration(row.duration) : <Elapsed from={row.query_start_time_ms} />,
    },
    {
      id: "rows",
      header: "Rows",
      align: "right",
      width: "6.5rem",
      cell: (row) =>
        row.rows_produced == null ? (
          <span className="text-ink-faint">–</span>
        ) : (
          formatCount(row.rows_produced)
        ),
    },
  ];

  return (
    <Page
      title="SQL history"
      crumbs={[
        <Link key="sql" to="/sql">
          SQL
        </Link>,
      ]}
      lead="Your own statements, and those of warehouses that you may monitor."
    >
      <div className="flex flex-wrap gap-2">
        <Select
          label="State"
          className="w-36"
          value={search.state ?? ALL}
          onChange={(value) => filterBy({ state: chosen(value) })}
          options={[...STATES]}
        />
        <Select
          label="Warehouse"
          className="w-44"
          value={search.warehouse ?? ALL}
          onChange={(value) => filterBy({ warehouse: chosen(value) })}
          options={[
            { value: ALL, label: "Any warehouse" },
            ...(warehouses.data ?? []).map((each) => ({ value: each.id, label: each.name })),
          ]}
        />
        <Select
          label="User"
          className="w-56"
          value={search.user ? String(search.user) : ALL}
          onChange={(value) => filterBy({ user: value === ALL ? undefined : Number(value) })}
          options={[
            { value: ALL, label: "Anybody" },
            ...(members.data ?? []).map((each) => ({
              value: String(each.id),
              label: each.user_name,
            })),
          ]}
        />
        <Select
          label="Time"
          className="w-40"
          value={search.span ?? ALL}
          onChange={(value) => filterBy({ span: chosen(value) })}
          options={SPANS}
        />
        {filtered && (
          <Button kind="quiet" onClick={() => onSearch({})}>
            Clear
          </Button>
        )}
      </div>
      <Panel flush>
        {history.isError && !history.data ? (
          <ErrorState error={history.error} onRetry={() => void history.refetch()} />
        ) : history.data ? (
          <DataTable
            label="Statements"
            rows={rows}
            columns={columns}
            rowKey={(row) => row.query_id}
            onOpen={(row) => onSearch({ ...search, statement: row.query_id })}
            selected={search.statement}
            onMore={history.hasNextPage ? () => void history.fetchNextPage() : undefined}
            loadingMore={history.isFetchingNextPage}
            empty={
              <EmptyState
                icon={FileSearch}
                title={filtered ? "No statement fits" : "No statements yet"}
                action={
                  filtered ? undefined : (
                    <Link to="/sql" className="text-accent underline">
                      Write one
                    </Link>
                  )
                }
              >
                {filtered
                  ? "Take a filter away to see more."
                  : "What you and others ask of warehouses is listed here."}
              </EmptyState>
            }
          />
        ) : (
          <Skeleton lines={10} />
        )}
      </Panel>
      {shown && (
        <StatementDialog
          item={shown}
          warehouse={names.get(shown.warehouse_id)?.name ?? shown.warehouse_id}
          engine={names.get(shown.warehouse_id)?.engine}
          onClose={() => onSearch({ ...search, statement: undefined })}
          onEdit={() => void navigate({ to: "/sql", search: { text: shown.query_text } })}
        />
      )}
    </Page>
  );
}

interface StatementDialogProps {
  item: HistoryItem;
  warehouse: string;
  engine?: string;
  onClose: () => void;
  onEdit: () => void;
}

function StatementDialog({ item, warehouse, engine, onClose, onEdit }: StatementDialogProps) {
  const cancel = useCancelStatement();
  return (
    <Dialog
      open
      wide
      onOpenChange={onClose}
      title={
        <span className="flex items-center gap-2.5">
          Statement <StatementStatus status={item.status} />
        </span>
      }
      footer={
        <>
          {!item.is_final && (
            <Button
              kind="danger"
              busy={cancel.isPending}
              onClick={() => cancel.mutate(item.query_id)}
            >
              <CircleStop aria-hidden />
              Cancel it
            </Button>
          )}
          <Button kind="primary" onClick={onEdit}>
            <SquarePen aria-hidden />
            Open in the editor
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <div className="relative">
          <pre
            tabIndex={0}
            className="max-h-72 overflow-auto rounded-md border border-line bg-sunken p-3 pr-10 font-mono text-xs leading-relaxed whitespace-pre-wrap"
          >
            <SqlText text={item.query_text} />
          </pre>
          <div className="absolute top-1 right-1">
            <CopyButton text={item.query_text} label="Copy the statement" />
          </div>
        </div>
        {item.error_message && (
          <pre className="rounded-md bg-bad-soft p-3 font-mono text-xs whitespace-pre-wrap text-bad">
            {item.error_message}
          </pre>
        )}
        <Facts
          items={[
            ["User", item.user_name],
            ["Warehouse", engine ? `${warehouse} (${engine})` : warehouse],
            ["Started", <Time key="start" at={item.query_start_time_ms} as="instant" />],
            [
              "Duration",
              item.is_final ? (
                formatDuration(item.duration)
              ) : (
                <Elapsed key="took" from={item.query_start_time_ms} />
              ),
            ],
            [
              "Of it at work",
              item.metrics ? formatDuration(item.metrics.execution_time_ms) : "not known",
            ],
            ["Rows", item.rows_produced == null ? "none" : formatCount(item.rows_produced)],
            ["Size", item.result_bytes == null ? "none" : formatBytes(item.result_bytes)],
            ["Sent by", item.client_application || "not said"],
            [
              "Id",
              <code key="id" className="font-mono text-xs">
                {item.query_id}
              </code>,
            ],
            ...(item.query_source?.sql_query_id
              ? [
                  [
                    "Saved query",
                    <Link
                      key="query"
                      to="/sql/queries/$queryId"
                      params={{ queryId: item.query_source.sql_query_id }}
                      className="text-accent underline"
                    >
                      Open it
                    </Link>,
                  ] as [string, React.ReactNode],
                ]
              : []),
          ]}
        />
      </div>
    </Dialog>
  );
}
