import { ChevronDown, ChevronRight, Cog, FileText, Lock, Table2 } from "lucide-react";
import { memo, useCallback, useMemo } from "react";
import type { ColumnMap, LineageMap, MapEdge, MapNode } from "@/api/lineage";
import { cx } from "@/lib/cx";
import {
  columnKey,
  columnSteps,
  columnsByTable,
  type Freshness,
  freshness,
  throughout,
} from "@/lib/lineage-paths";
import { formatRelative } from "@/lib/time";
import { Graph, type GraphEdge, type GraphNode } from "./graph";
import { StateIcon } from "./state-badge";

const WIDTH = 232;
const HEAD = 54;
const ROW = 24;
const MOST_COLUMNS = 60;

interface LineageMapProps {
  map: LineageMap;
  label: string;
  /** The node that is looked at: its ways stand out, the view moves there. */
  selected?: string;
  onSelect: (id: string) => void;
  /** The tables (ids) that show their columns. */
  open?: string[];
  /** Show or hide columns: those of the tables a job away come along, so that there is a way to see. */
  onOpen?: (ids: string[], open: boolean) => void;
  columns?: ColumnMap;
  /** The column (`columnKey`) whose ways stand out. */
  column?: string;
  onColumn?: (key: string) => void;
  className?: string;
}

/** Tables and jobs, and what flows between them, from left to right. */
export function LineageGraph(props: LineageMapProps) {
  const { map, selected, column, columns, onSelect, onOpen, onColumn } = props;
  const open = useMemo(() => new Set(props.open), [props.open]);
  const byTable = useMemo(
    () => columnsByTable(columns?.tables ?? [], columns?.edges ?? []),
    [columns],
  );
  const bright = useMemo(() => {
    if (column || !selected) return null;
    return map.nodes.some((node) => node.id === selected) ? throughout(map.edges, selected) : null;
  }, [map, selected, column]);
  const path = useMemo(
    () => (column ? throughout(columnSteps(columns?.edges ?? []), column) : null),
    [columns, column],
  );
  // As of this map, not of each drawing: what has not changed is not drawn again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  const now = useMemo(() => Date.now(), [map]);
  const toggle = useCallback(
    (id: string, show: boolean) => onOpen?.(show ? [id, ...besides(map.edges, id)] : [id], show),
    [map, onOpen],
  );
  const nodes = useMemo(() => {
    return map.nodes.map((node): GraphNode => {
      const shown = open.has(node.id) ? (byTable.get(node.full_name) ?? []) : null;
      const listed = shown?.slice(0, MOST_COLUMNS);
      const onPath = path ? touches(path, node.full_name) : true;
      return {
        id: node.id,
        label: labelOf(node),
        width: WIDTH,
        height: HEAD + (listed ? Math.max(listed.length, 1) * ROW + 6 : 0),
        ports: listed?.map((name, at) => ({
          id: columnKey(node.full_name, name),
          y: HEAD + at * ROW + ROW / 2,
        })),
        content: (
          <Card
            node={node}
            now={now}
            selected={node.id === selected}
            dim={(bright !== null && !bright.has(node.id)) || (path !== null && !onPath)}
            columns={listed ?? null}
            path={listed ? path : null}
            column={listed && column}
            onSelect={onSelect}
            onOpen={node.kind === "table" && node.id === selected && onOpen ? toggle : undefined}
            onColumn={onColumn}
          />
        ),
      };
    });
  }, [map, now, open, byTable, bright, path, selected, column, onSelect, onOpen, toggle, onColumn]);
  const edges = useMemo(() => {
    const flows = bothWays(map.edges).map((edge): GraphEdge => {
      const lit = bright?.has(edge.from) && bright.has(edge.to);
      return {
        from: edge.from,
        to: edge.to,
        both: edge.both,
        faint: !edge.proven,
        tone: path ? "weak" : bright ? (lit ? "strong" : "weak") : undefined,
      };
    });
    const shown = new Set(nodes.flatMap((node) => (node.ports ? [node.id] : [])));
    const links = (columns?.edges ?? []).flatMap((edge): GraphEdge[] => {
      const [from, to] = [`table:${edge.from_table}`, `table:${edge.to_table}`];
      if (!shown.has(from) || !shown.has(to)) return [];
      const [fromPort, toPort] = [
        columnKey(edge.from_table, edge.from_column),
        columnKey(edge.to_table, edge.to_column),
      ];
      const lit = path?.has(fromPort) && path.has(toPort);
      return [
        {
          from,
          to,
          fromPort,
          toPort,
          overlay: true,
          tone: path ? (lit ? "strong" : "weak") : undefined,
        },
      ];
    });
    return [...flows, ...links];
  }, [map, columns, nodes, bright, path]);
  return (
    <Graph
      label={props.label}
      nodes={nodes}
      edges={edges}
      focus={selected}
      miniMap={map.nodes.length > 12}
      className={props.className}
    />
  );
}

/** A task that reads what it writes is one edge to what it writes: the table is its work. */
function bothWays(edges: MapEdge[]): (MapEdge & { both?: boolean })[] {
  const written = new Set(
    edges.filter((edge) => edge.from.startsWith("job:")).map((edge) => `${edge.from} ${edge.to}`),
  );
  const read = new Set(edges.map((edge) => `${edge.to} ${edge.from}`));
  return edges
    .filter((edge) => !written.has(`${edge.to} ${edge.from}`))
    .map((edge) => ({ ...edge, both: read.has(`${edge.from} ${edge.to}`) }));
}

/** The tables that are one job away. */
function besides(edges: MapEdge[], id: string): string[] {
  const found = (from: string, down: boolean) =>
    edges.flatMap((edge) =>
      down ? (edge.from === from ? [edge.to] : []) : edge.to === from ? [edge.from] : [],
    );
  const tables = [true, false].flatMap((down) =>
    found(id, down).flatMap((job) => found(job, down)),
  );
  return [...new Set(tables)].filter((each) => each !== id && each.startsWith("table:"));
}

function touches(path: Set<string>, table: string): boolean {
  for (const each of path) if (each.startsWith(`${table}\n`)) return true;
  return false;
}

function labelOf(node: MapNode): string {
  if (node.hidden) return "A job that you may not see";
  return `${node.kind === "job" ? "Task" : node.kind === "table" ? "Table" : "Path"} ${node.full_name}`;
}

export const FRESH: Record<Freshness, { stripe: string; label: string }> = {
  today: { stripe: "bg-good-fill", label: "Written within a day" },
  week: { stripe: "bg-warn-fill", label: "Within a week" },
  old: { stripe: "bg-bad-fill", label: "Longer ago" },
  unknown: { stripe: "bg-calm-fill", label: "Written by no known job" },
};

interface CardProps {
  node: MapNode;
  now: number;
  selected: boolean;
  dim: boolean;
  columns: string[] | null;
  path: Set<string> | null;
  column?: string;
  onSelect: (id: string) => void;
  onOpen?: (id: string, open: boolean) => void;
  onColumn?: (key: string) => void;
}

const Card = memo(function Card(props: CardProps) {
  const { node, now, selected, dim, columns, path, column, ...act } = props;
  const isJob = node.kind === "job";
  const Icon = node.hidden ? Lock : isJob ? Cog : node.kind === "table" ? Table2 : FileText;
  const parent = node.full_name.slice(0, Math.max(0, node.full_name.length - node.name.length - 1));
  const at = isJob ? node.last_at : node.last_written_at;
  return (
    <div
      className={cx(
        "nopan relative h-full w-full overflow-hidden border bg-raised text-left",
        isJob ? "rounded-full border-line-strong bg-sunken" : "rounded-md border-line-strong",
        selected && "border-accent ring-2 ring-accent/40",
        dim && "opacity-35",
      )}
    >
      {!isJob && (
        <span
          aria-hidden
          className={cx("absolute inset-y-0 left-0 w-1", FRESH[freshness(at, now)].stripe)}
        />
      )}
      <div
        className={cx("flex items-center", isJob ? "px-4" : "pl-3")}
        style={{ height: HEAD - 2 }}
      >
        <button
          type="button"
          title={labelOf(node)}
          aria-pressed={selected}
          onClick={() => act.onSelect(node.id)}
          className="flex min-w-0 flex-1 items-center gap-2.5 text-left"
        >
          {isJob && node.last_state ? (
            <StateIcon state={node.last_state} />
          ) : (
            <Icon aria-hidden className="size-4 shrink-0 text-ink-faint" />
          )}
          <span className="min-w-0 flex-1">
            <span className="block truncate text-sm font-medium">
              {node.hidden ? "Another job" : node.name}
            </span>
            <span className="block truncate text-xs text-ink-soft">
              {node.hidden
                ? "You may not see it"
                : [parent, at && formatRelative(at, now)].filter(Boolean).join(" · ")}
            </span>
          </span>
        </button>
        {act.onOpen && (
          <button
            type="button"
            aria-expanded={columns !== null}
            aria-label={`Columns of ${node.full_name}`}
            title={columns ? "Hide the columns" : "Show the columns"}
            onClick={() => act.onOpen?.(node.id, columns === null)}
            className="flex h-full w-12 shrink-0 items-center justify-center text-ink-faint hover:bg-sunken hover:text-ink"
          >
            {columns ? (
              <ChevronDown aria-hidden className="size-4" />
            ) : (
              <ChevronRight aria-hidden className="size-4" />
            )}
          </button>
        )}
      </div>
      {columns && (
        <ul className="border-t border-line" aria-label={`Columns of ${node.full_name}`}>
          {columns.length === 0 && (
            <li className="px-3 text-xs text-ink-faint" style={{ lineHeight: `${ROW}px` }}>
              No engine told its columns
            </li>
          )}
          {columns.map((name) => {
            const key = columnKey(node.full_name, name);
            return (
              <li key={name} style={{ height: ROW }}>
                <button
                  type="button"
                  aria-pressed={column === key}
                  onClick={() => act.onColumn?.(key)}
                  className={cx(
                    "block h-full w-full truncate px-3 text-left font-mono text-xs hover:bg-accent-soft",
                    path?.has(key) && "bg-accent-soft text-accent",
                    column === key && "font-semibold",
                  )}
                >
                  {name}
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
});
