import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Cog, Download, ExternalLink, Focus, Lock, Table2, X } from "lucide-react";
import { type ImpactItem, impactQuery, type MapNode } from "@/api/lineage";
import { Button, buttonClass, IconButton } from "@/components/button";
import { type Column, DataTable } from "@/components/data-table";
import { Facts } from "@/components/panel";
import { QueryView } from "@/components/query-view";
import { StateBadge, StateIcon } from "@/components/state-badge";
import { Time } from "@/components/time";
import { plural } from "@/lib/numbers";
import { impactCsv } from "./impact-csv";

interface NodePanelProps {
  node: MapNode;
  around?: string;
  onAround: () => void;
  onSelect: (id: string) => void;
  onClose: () => void;
}

const KINDS = { table: "Table", path: "File or other source", job: "Task of a job" };

/** What is known of the node that is looked at; of a table also all that depends on it. */
export function NodePanel({ node, around, onAround, onSelect, onClose }: NodePanelProps) {
  return (
    <aside
      aria-label={node.hidden ? "Another job" : node.full_name}
      className="flex w-[27rem] shrink-0 flex-col overflow-y-auto rounded-lg border border-line bg-surface"
    >
      <header className="flex items-start gap-2 border-b border-line py-3 pr-2 pl-4">
        <div className="min-w-0 flex-1">
          <p className="text-xs text-ink-faint">{KINDS[node.kind]}</p>
          <h2 className="text-base font-semibold break-words">
            {node.hidden ? "A job that you may not see" : node.full_name}
          </h2>
        </div>
        <IconButton label="Close" onClick={onClose}>
          <X />
        </IconButton>
      </header>
      <div className="flex flex-col gap-4 px-4 py-3">
        {node.hidden ? (
          <p className="text-ink-soft">Ask an admin of the workspace whose it is.</p>
        ) : (
          <>
            <div className="flex flex-wrap gap-2">
              {node.kind === "table" && (
                <Link
                  to="/catalog/$fullName"
                  params={{ fullName: node.full_name }}
                  className={buttonClass("primary", "small")}
                >
                  <Table2 aria-hidden />
                  Open table
                </Link>
              )}
              {node.job_id && (
                <Link
                  to="/jobs/$jobId"
                  params={{ jobId: String(node.job_id) }}
                  className={buttonClass("primary", "small")}
                >
                  <ExternalLink aria-hidden />
                  Open job
                </Link>
              )}
              {node.id !== around && (
                <Button size="small" onClick={onAround}>
                  <Focus aria-hidden />
                  Show only around it
                </Button>
              )}
            </div>
            <Facts items={factsOf(node)} />
          </>
        )}
      </div>
      {node.kind !== "job" && <ImpactList table={node.full_name} onSelect={onSelect} />}
    </aside>
  );
}

function factsOf(node: MapNode): [string, React.ReactNode][] {
  if (node.kind !== "job")
    return [["Last written", <Time key="at" at={node.last_written_at} as="relative" />]];
  return [
    ["Last seen", <Time key="at" at={node.last_at} />],
    ["Last state", node.last_state ? <StateBadge key="s" state={node.last_state} /> : "Not known"],
    [
      "Last run",
      node.job_id && node.last_run_id ? (
        <Link
          key="run"
          to="/jobs/$jobId/runs/$runId"
          params={{ jobId: String(node.job_id), runId: String(node.last_run_id) }}
          className="text-accent hover:underline"
        >
          {node.last_run_id}
        </Link>
      ) : (
        (node.last_run_id ?? "Not of this workspace's jobs")
      ),
    ],
  ];
}

/** Everything downstream of a table, nearest first. */
function ImpactList({ table, onSelect }: { table: string; onSelect: (id: string) => void }) {
  const query = useQuery(impactQuery(table));
  const items = query.data?.items ?? [];
  return (
    <section aria-label="Impact" className="border-t border-line">
      <header className="flex items-center gap-2 px-4 py-2">
        <h3 className="flex-1 text-sm font-semibold">
          What depends on it
          {query.data && (
            <span className="ml-2 font-normal text-ink-faint">
              {plural(items.length, "entry", "entries")}
              {query.data.truncated && ", and more"}
            </span>
          )}
        </h3>
        <Button
          size="small"
          kind="quiet"
          disabled={items.length === 0}
          onClick={() => download(`impact-${table}.csv`, impactCsv(items))}
        >
          <Download aria-hidden />
          CSV
        </Button>
      </header>
      <QueryView query={query}>
        {({ items: found }) => (
          <DataTable
            label={`What depends on ${table}`}
            rows={found}
            columns={columnsOf(onSelect)}
            rowKey={(item) => item.id}
            empty={
              <p className="px-4 pb-4 text-ink-soft">
                Nothing that is known: no job of this workspace has read it.
              </p>
            }
          />
        )}
      </QueryView>
    </section>
  );
}

function columnsOf(onSelect: (id: string) => void): Column<ImpactItem>[] {
  return [
    {
      id: "name",
      header: "Name",
      sort: (item) => item.name,
      className: "max-w-44",
      cell: (item) => <Name item={item} onSelect={onSelect} />,
    },
    {
      id: "distance",
      header: "Jobs away",
      align: "right",
      sort: (item) => item.distance,
      cell: (item) => item.distance,
    },
    {
      id: "last",
      header: "Last",
      sort: (item) => item.last_at,
      cell: (item) => <Time at={item.last_at} />,
    },
    {
      id: "next",
      header: "Next",
      sort: (item) => item.next_run_at,
      cell: (item) => <Time at={item.next_run_at} />,
    },
  ];
}

function Name({ item, onSelect }: { item: ImpactItem; onSelect: (id: string) => void }) {
  if (item.hidden)
    return (
      <span className="flex items-center gap-2 text-ink-soft">
        <Lock aria-hidden className="size-4 shrink-0" />
        Another job
      </span>
    );
  if (item.kind !== "job")
    return (
      <button
        type="button"
        title={item.name}
        onClick={() => onSelect(item.id)}
        className="flex w-full items-center gap-2 text-left hover:text-accent"
      >
        <Table2 aria-hidden className="size-4 shrink-0 text-ink-faint" />
        <span className="truncate">{item.name.split(".").slice(1).join(".") || item.name}</span>
      </button>
    );
  return (
    <span className="flex items-center gap-2">
      {item.last_state ? (
        <StateIcon state={item.last_state} />
      ) : (
        <Cog aria-hidden className="size-4" />
      )}
      <span className="min-w-0">
        {item.job_id ? (
          <Link
            to="/jobs/$jobId"
            params={{ jobId: String(item.job_id) }}
            className="block truncate font-medium hover:text-accent"
          >
            {item.name}
          </Link>
        ) : (
          <span className="block truncate font-medium">{item.name}</span>
        )}
        {item.owner && <span className="block truncate text-xs text-ink-faint">{item.owner}</span>}
      </span>
    </span>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
