import type { LineageGraph } from "@/api/run-lineage";
import type { AttemptTables } from "@/api/run-tables";

/** A table, file or task in the lineage of a run. */
export interface LineageNode {
  id: string;
  kind: "table" | "file" | "task";
  /** Without the lakehouse's own name before it, or the job's before a task. */
  name: string;
  fullName: string;
  taskRunId: number | null;
  /** Of a table: its newest snapshot that the run knows. */
  snapshotId: string | null;
}

export interface LineageEdge {
  from: string;
  to: string;
  /** Rows that came by a change, where they were counted. */
  rows: number | null;
}

const CATALOG = "lakehouse.";

/**
 * Return what is drawn of a run's lineage.
 *
 * A task that looks again at what it has just written reads nothing: such edges are left out, unless
 * they are all that is known.
 */
export function lineageOf(
  graph: LineageGraph,
  seen: AttemptTables[],
): { nodes: LineageNode[]; edges: LineageEdge[] } {
  const all = graph.edges ?? [];
  const written = new Map<string, Set<string>>();
  for (const edge of all)
    if (edge.source.startsWith("job:"))
      written.set(`${edge.source} ${edge.target}`, new Set(edge.snapshot_ids ?? []));
  const edges = all.filter((edge) => {
    if (edge.source.startsWith("job:")) return true;
    const own = written.get(`${edge.target} ${edge.source}`);
    const ids = edge.snapshot_ids ?? [];
    return !own || ids.some((id) => !own.has(id));
  });
  const newest = new Map<string, string>();
  for (const edge of edges) {
    const id = edge.snapshot_ids?.at(-1);
    const isWrite = edge.source.startsWith("job:");
    const table = isWrite ? edge.target : edge.source;
    if (id && (isWrite || !newest.has(table))) newest.set(table, id);
  }
  return {
    nodes: (graph.nodes ?? []).map((node) => {
      const isTask = node.type === "JOB";
      const isTable = node.name.startsWith(CATALOG);
      return {
        id: node.id,
        kind: isTask ? "task" : isTable ? "table" : "file",
        name: isTask
          ? node.name.slice(node.name.lastIndexOf(".") + 1)
          : node.name.replace(CATALOG, ""),
        fullName: node.name,
        taskRunId: isTask ? ((node as { task_run_id?: number | null }).task_run_id ?? null) : null,
        snapshotId: newest.get(node.id) ?? null,
      };
    }),
    edges: edges.map((edge) => ({
      from: edge.source,
      to: edge.target,
      rows: edge.source.startsWith("job:")
        ? rowsOf(seen, edge.task_run_id ?? null, edge.target.slice("dataset:".length))
        : null,
    })),
  };
}

function rowsOf(seen: AttemptTables[], taskRunId: number | null, name: string): number | null {
  const own = seen.find((each) => each.taskRunId === taskRunId);
  const counts = (own?.writes ?? [])
    .filter((write) => `${CATALOG}${write.table}` === name && write.state === "committed")
    .flatMap((write) => (write.added === null ? [] : [write.added]));
  return counts.length > 0 ? counts.reduce((all, each) => all + each, 0) : null;
}
