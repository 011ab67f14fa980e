import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import {
  ChartColumn,
  CircleStop,
  Ellipsis,
  Pencil,
  Play,
  Plus,
  ShieldCheck,
  Trash2,
  TriangleAlert,
  Warehouse as WarehouseIcon,
} from "lucide-react";
import { useState } from "react";
import {
  useDeleteWarehouse,
  useStartWarehouse,
  useStopWarehouse,
  type Warehouse,
  warehousesQuery,
} from "@/api/warehouses";
import { Button, IconButton } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { SearchBox } from "@/components/form";
import { Dialog, Menu } from "@/components/overlay";
import { Page } from "@/components/page";
import { Panel } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { EmptyState, ErrorNote } from "@/components/states";
import { cx } from "@/lib/cx";
import { TONE_SOFT, type Tone } from "@/lib/states";
import { Monitor } from "./monitor";
import { WarehouseForm } from "./warehouse-form";

/** What of the page is in its address. */
export interface WarehousesSearch {
  search?: string;
  /** The warehouse whose load is looked at. */
  monitor?: string;
}

interface PageProps {
  search: WarehousesSearch;
  onSearch: (search: WarehousesSearch) => void;
}

const BUILT_IN = "openlake";

const STATES: Record<string, [Tone, string]> = {
  RUNNING: ["good", "Running"],
  STARTING: ["live", "Starting"],
  STOPPING: ["warn", "Stopping"],
  STOPPED: ["calm", "Stopped"],
};

const ENGINES: Record<string, string> = { duckdb: "DuckDB", trino: "Trino" };

/** What runs SQL: its state, its size, and what can be done with it. */
export function WarehousesPage({ search, onSearch }: PageProps) {
  const query = useQuery(warehousesQuery);
  const start = useStartWarehouse();
  const stop = useStopWarehouse();
  const [form, setForm] = useState<Warehouse | "new" | null>(null);
  const [deleting, setDeleting] = useState<Warehouse | null>(null);
  const monitored = query.data?.find((each) => each.id === search.monitor);
  const wanted = search.search?.toLowerCase() ?? "";

  const columns: Column<Warehouse>[] = [
    {
      id: "name",
      header: "Name",
      sort: (row) => row.name,
      cell: (row) => (
        <span className="flex items-center gap-2">
          <Link
            to="/warehouses"
            search={{ ...search, monitor: row.id }}
            className="font-medium hover:text-accent hover:underline"
          >
            {row.name}
          </Link>
          {row.creator_name === BUILT_IN && (
            <span className="rounded bg-sunken px-1.5 py-0.5 text-xs text-ink-faint">built in</span>
          )}
        </span>
      ),
    },
    {
      id: "state",
      header: "State",
      sort: (row) => row.state,
      width: "9rem",
      cell: (row) => <State warehouse={row} />,
    },
    {
      id: "engine",
      header: "Engine",
      sort: (row) => row.engine,
      width: "11rem",
      cell: (row) => (
        <>
          {ENGINES[row.engine] ?? row.engine}
          <span className="block text-xs text-ink-faint">
            {row.dialect === "databricks" ? "Databricks SQL" : "its own SQL"}
          </span>
        </>
      ),
    },
    { id: "size", header: "Size", width: "6.5rem", cell: (row) => row.cluster_size },
    {
      id: "clusters",
      header: "Processes",
      align: "right",
      width: "8rem",
      cell: (row) => (
        <>
          {row.num_clusters}
          <span className="text-ink-faint">
            {" "}
            of{" "}
            {row.min_num_clusters === row.max_num_clusters
              ? row.max_num_clusters
              : `${row.min_num_clusters}–${row.max_num_clusters}`}
          </span>
        </>
      ),
    },
    {
      id: "statements",
      header: "Open statements",
      align: "right",
      width: "9rem",
      sort: (row) => row.num_active_sessions,
      cell: (row) =>
        row.num_active_sessions > 0 ? (
          <Link
            to="/sql/history"
            search={{ warehouse: row.id }}
            className="text-accent hover:underline"
          >
            {row.num_active_sessions}
          </Link>
        ) : (
          <span className="text-ink-faint">0</span>
        ),
    },
    {
      id: "stop",
      header: "Stops when idle",
      width: "9rem",
      className: "text-ink-soft",
      cell: (row) => (row.auto_stop_mins ? `after ${row.auto_stop_mins} min` : "never"),
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      width: "8.5rem",
      cell: (row) => (
        <span className="flex items-center justify-end gap-1">
          <StartStop
            warehouse={row}
            busy={
              (start.isPending && start.variables === row.id) ||
              (stop.isPending && stop.variables === row.id)
            }
            onStart={() => start.mutate(row.id)}
            onStop={() => stop.mutate(row.id)}
          />
          <Actions
            warehouse={row}
            onEdit={() => setForm(row)}
            onDelete={() => setDeleting(row)}
            onMonitor={() => onSearch({ ...search, monitor: row.id })}
          />
        </span>
      ),
    },
  ];

  return (
    <Page
      title="Warehouses"
      lead="What runs SQL. One starts by itself with the first statement, and stops when nobody asks."
      actions={
        <Button kind="primary" onClick={() => setForm("new")}>
          <Plus aria-hidden />
          New warehouse
        </Button>
      }
    >
      <SearchBox
        label="Search warehouses"
        value={search.search ?? ""}
        onChange={(text) => onSearch({ ...search, search: text || undefined })}
      />
      <Panel flush>
        <QueryView query={query}>
          {(all) => (
            <DataTable
              label="Warehouses"
              rows={all.filter((each) => each.name.toLowerCase().includes(wanted))}
              columns={columns}
              rowKey={(row) => row.id}
              onOpen={(row) => onSearch({ ...search, monitor: row.id })}
              empty={
                <EmptyState
                  icon={WarehouseIcon}
                  title={wanted ? "No warehouse is called so" : "No warehouses"}
                >
                  {wanted ? "Clear the search to see all." : "Make one to run SQL."}
                </EmptyState>
              }
            />
          )}
        </QueryView>
      </Panel>
      {form && (
        <WarehouseForm
          warehouse={form === "new" ? undefined : form}
          onClose={() => setForm(null)}
        />
      )}
      {deleting && <DeleteDialog warehouse={deleting} onClose={() => setDeleting(null)} />}
      {monitored && (
        <Monitor
          warehouse={monitored}
          onClose={() => onSearch({ ...search, monitor: undefined })}
        />
      )}
    </Page>
  );
}

function State({ warehouse }: { warehouse: Warehouse }) {
  const [tone, word] = STATES[warehouse.state] ?? (["calm", warehouse.state] as [Tone, string]);
  const ill = warehouse.health.status !== "HEALTHY" && warehouse.health.summary;
  return (
    <span className="flex items-center gap-1.5">
      <span
        className={cx(
          "inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium",
          TONE_SOFT[tone],
        )}
      >
        <span
          aria-hidden
          className={cx("size-1.5 rounded-full bg-current", tone === "live" && "animate-pulse")}
        />
        {word}
      </span>
      {ill && (
        <span title={warehouse.health.summary} className="text-warn">
          <TriangleAlert aria-hidden className="size-4" />
          <span className="sr-only">{warehouse.health.summary}</span>
        </span>
      )}
    </span>
  );
}

interface StartStopProps {
  warehouse: Warehouse;
  busy: boolean;
  onStart: () => void;
  onStop: () => void;
}

function StartStop({ warehouse, busy, onStart, onStop }: StartStopProps) {
  const up = warehouse.state === "RUNNING" || warehouse.state === "STARTING";
  const Icon = up ? CircleStop : Play;
  const verb = up ? "Stop" : "Start";
  return (
    <Button
      size="small"
      busy={busy}
      disabled={warehouse.state === "STOPPING"}
      aria-label={`${verb} ${warehouse.name}`}
      onClick={up ? onStop : onStart}
    >
      {!busy && <Icon aria-hidden />}
      {verb}
    </Button>
  );
}

interface ActionsProps {
  warehouse: Warehouse;
  onEdit: () => void;
  onDelete: () => void;
  onMonitor: () => void;
}

function Actions({ warehouse, onEdit, onDelete, onMonitor }: ActionsProps) {
  const navigate = useNavigate();
  const builtIn = warehouse.creator_name === BUILT_IN;
  return (
    <Menu
      label={`Actions on ${warehouse.name}`}
      trigger={
        <IconButton label={`More for ${warehouse.name}`}>
          <Ellipsis />
        </IconButton>
      }
      items={[
        { label: "Load of the last day", icon: <ChartColumn aria-hidden />, onSelect: onMonitor },
        { label: "Edit", icon: <Pencil aria-hidden />, onSelect: onEdit },
        {
          label: "Permissions",
          icon: <ShieldCheck aria-hidden />,
          onSelect: () =>
            void navigate({
              to: "/permissions",
              search: { tab: "objects", type: "warehouses", id: warehouse.id },
            }),
        },
        null,
        {
          label: "Delete",
          icon: <Trash2 aria-hidden />,
          onSelect: onDelete,
          danger: true,
          disabled: builtIn,
        },
      ]}
    />
  );
}

function DeleteDialog({ warehouse, onClose }: { warehouse: Warehouse; onClose: () => void }) {
  const remove = useDeleteWarehouse();
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete ${warehouse.name}?`}
      lead="Its open statements are cancelled. Queries and jobs that name it fail until they name another."
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button
            kind="danger"
            busy={remove.isPending}
            onClick={() => remove.mutate(warehouse.id, { onSuccess: onClose })}
          >
            Delete warehouse
          </Button>
        </>
      }
    >
      <p className="text-ink-soft">Its history of statements stays.</p>
      <ErrorNote error={remove.error} className="mt-3" />
    </Dialog>
  );
}
