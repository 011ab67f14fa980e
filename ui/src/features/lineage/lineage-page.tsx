import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ChartNetwork, Columns3, X } from "lucide-react";
import { useCallback } from "react";
import { columnMapQuery, type Direction, lineageMapQuery, type MapNode } from "@/api/lineage";
import { Button, buttonClass } from "@/components/button";
import { Select } from "@/components/form";
import { FRESH, LineageGraph } from "@/components/lineage-map";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { EmptyState } from "@/components/states";
import { cx } from "@/lib/cx";
import { plural } from "@/lib/numbers";
import { NodePanel } from "./node-panel";
import { NodeSearch } from "./node-search";
import { DEFAULT_HOPS, type LineageSearch } from "./search";

const route = getRouteApi("/_shell/lineage");
const MOST_NODES = 500;
/** Of a large graph only so many tables show their columns at once; single ones can be opened. */
const MOST_OPEN = 40;
const HOPS = ["1", "2", "3", "5", "10", "20"];

/** Which tables are made from what by which jobs: the whole workspace, or around one of them. */
export function LineagePage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { around, node, direction = "both", hops = DEFAULT_HOPS, column } = search;
  const query = useQuery(
    lineageMapQuery({
      root: around,
      limit: MOST_NODES,
      ...(around ? { direction, depth: hops } : {}),
    }),
  );
  const change = useCallback(
    (part: Partial<LineageSearch>, replace = false) =>
      void navigate({ search: (before) => ({ ...before, ...part }), replace }),
    [navigate],
  );
  const open = search.open ?? [];
  const tables = (query.data?.nodes ?? []).filter((each) => each.kind === "table");
  const columns = useQuery({
    ...columnMapQuery(tables.map((each) => each.full_name)),
    enabled: open.length > 0 && tables.length > 0,
  });
  const selected = query.data?.nodes.find((each) => each.id === node);
  const onSelect = useCallback((id: string) => change({ node: id, column: undefined }), [change]);
  const onOpen = useCallback(
    (ids: string[], show: boolean) =>
      void navigate({
        search: (before) => {
          const rest = (before.open ?? []).filter((each) => !ids.includes(each));
          return { ...before, open: show ? [...rest, ...ids] : rest, column: undefined };
        },
        replace: true,
      }),
    [navigate],
  );
  const onColumn = useCallback(
    (key: string) =>
      void navigate({
        search: (before) => ({ ...before, column: before.column === key ? undefined : key }),
        replace: true,
      }),
    [navigate],
  );

  return (
    <Page
      fill
      title="Lineage"
      lead={query.data && told(query.data.nodes, query.data.truncated, around)}
      actions={
        <>
          <NodeSearch nodes={query.data?.nodes ?? []} onFound={onSelect} />
          {around && (
            <>
              <Select
                label="Which way"
                className="w-40"
                value={direction}
                onChange={(value) => change({ direction: value as Direction })}
                options={[
                  { value: "both", label: "Up and down" },
                  { value: "up", label: "Only upstream" },
                  { value: "down", label: "Only downstream" },
                ]}
              />
              <Select
                label="How far"
                className="w-32"
                value={String(hops)}
                onChange={(value) => change({ hops: Number(value) })}
                options={HOPS.map((value) => ({ value, label: plural(Number(value), "job") }))}
              />
            </>
          )}
          {tables.length > 0 && (
            <Button
              aria-pressed={open.length > 0}
              onClick={() =>
                change({
                  open:
                    open.length > 0 ? undefined : tables.slice(0, MOST_OPEN).map((each) => each.id),
                  column: undefined,
                })
              }
            >
              <Columns3 aria-hidden />
              {open.length > 0 ? "Hide columns" : "Show columns"}
            </Button>
          )}
        </>
      }
    >
      {around && (
        <p className="flex items-center gap-2 text-sm">
          <span className="inline-flex max-w-full items-center gap-1 rounded-full bg-accent-soft py-0.5 pr-1 pl-3 text-accent">
            <span className="truncate">Around {nameOf(around)}</span>
            <button
              type="button"
              aria-label="Show the whole workspace"
              title="Show the whole workspace"
              className="rounded-full p-0.5 hover:bg-surface"
              onClick={() =>
                change({
                  around: undefined,
                  direction: undefined,
                  hops: undefined,
                  column: undefined,
                })
              }
            >
              <X aria-hidden className="size-3.5" />
            </button>
          </span>
        </p>
      )}
      <div className="flex min-h-0 flex-1 gap-4">
        <div className="flex min-h-0 min-w-0 flex-1 flex-col overflow-hidden rounded-lg border border-line bg-surface">
          <QueryView query={query}>
            {(map) =>
              map.edges.length === 0 && !around ? (
                <NoLineage />
              ) : (
                <LineageGraph
                  label="Lineage graph"
                  map={map}
                  selected={node}
                  onSelect={onSelect}
                  open={open}
                  onOpen={onOpen}
                  columns={open.length > 0 ? columns.data : undefined}
                  column={column}
                  onColumn={onColumn}
                  className="h-full min-h-0 flex-1"
                />
              )
            }
          </QueryView>
          <Legend />
        </div>
        {selected && (
          <NodePanel
            key={selected.id}
            node={selected}
            around={around}
            onAround={() => change({ around: selected.id, column: undefined })}
            onSelect={onSelect}
            onClose={() => change({ node: undefined })}
          />
        )}
      </div>
    </Page>
  );
}

function nameOf(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}

function told(nodes: MapNode[], truncated: boolean, around?: string): string {
  const jobs = nodes.filter((each) => each.kind === "job").length;
  const datasets = plural(nodes.length - jobs, "table or file", "tables and files");
  const what = `${datasets}, ${plural(jobs, "task")} between them`;
  if (!truncated) return what;
  return `${what}. There is more: ${around ? "look less far" : "these are the ones used last; focus on one of them for the rest"}.`;
}

function Legend() {
  return (
    <ul
      aria-label="Legend"
      className="flex flex-wrap items-center gap-x-5 gap-y-1 border-t border-line px-4 py-2 text-xs text-ink-soft"
    >
      {Object.values(FRESH).map(({ stripe, label }) => (
        <li key={label} className="flex items-center gap-1.5">
          <span aria-hidden className={cx("h-3 w-1 rounded-sm", stripe)} />
          {label}
        </li>
      ))}
      <li className="ml-auto flex items-center gap-1.5">
        <span aria-hidden className="w-6 border-t-2 border-line-strong" />
        Seen by the catalog
      </li>
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="w-6 border-t-2 border-dashed border-line-strong" />
        Told by the engine
      </li>
    </ul>
  );
}

function NoLineage() {
  return (
    <EmptyState
      icon={ChartNetwork}
      title="No lineage yet"
      action={
        <Link to="/jobs" className={buttonClass("primary")}>
          Go to the jobs
        </Link>
      }
    >
      It comes by itself: whenever a task of a job reads or writes a table, the catalog notes it,
      and Spark, SQL and dbt tell their columns. Run a job that writes a table, and it is here.
    </EmptyState>
  );
}
