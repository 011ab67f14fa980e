import type { TaskSettings } from "@/lib/job-settings";

/** How a task stands in a run, as its node shows it. */
export interface TaskStand {
  state: string;
  startedAt: number | null;
  endedAt: number | null;
  attempts: number;
  outcome: "true" | "false" | null;
  iterations: {
    total_iterations: number;
    active_iterations: number;
    succeeded_iterations: number;
    failed_iterations: number;
    completed_iterations: number;
  } | null;
}

export interface ModelNode {
  id: string;
  task: TaskSettings;
  /** The for-each that runs it. */
  parent?: string;
  width: number;
  height: number;
}

export interface ModelEdge {
  from: string;
  to: string;
  label?: string;
  /** The run did not come this way. */
  faint?: boolean;
  /** What it leads to is at work. */
  live?: boolean;
}

const WIDTH = 208;
const HEIGHT = 62;

/** Draw a job's tasks as a graph: a for-each holds the task it repeats, a condition's ways have names. */
export function graphOf(
  tasks: TaskSettings[],
  stands?: ReadonlyMap<string, TaskStand>,
): { nodes: ModelNode[]; edges: ModelEdge[] } {
  const nodes: ModelNode[] = [];
  const edges: ModelEdge[] = [];
  for (const task of tasks) {
    const id = task.task_key ?? "";
    nodes.push({ id, task, width: WIDTH, height: HEIGHT });
    const nested = nestedOf(task);
    if (nested)
      nodes.push({ id: nestedId(id), task: nested, parent: id, width: WIDTH, height: HEIGHT });
    for (const { task_key: from, outcome } of task.depends_on ?? []) {
      edges.push({ from, to: id, ...way(stands, from, id, outcome) });
    }
  }
  return { nodes, edges };
}

/** The id of the node that a for-each repeats. */
export function nestedId(key: string): string {
  return `${key}/each`;
}

/** The task that a node stands for: a for-each's inner node leads to the for-each. */
export function taskOfNode(id: string): string {
  return id.endsWith("/each") ? id.slice(0, -"/each".length) : id;
}

/** The task that a for-each repeats. */
export function nestedOf(task: TaskSettings): TaskSettings | null {
  const loop = task.for_each_task as { task?: TaskSettings } | null | undefined;
  return loop?.task ?? null;
}

function way(
  stands: ReadonlyMap<string, TaskStand> | undefined,
  from: string,
  to: string,
  outcome?: string | null,
): Omit<ModelEdge, "from" | "to"> {
  const source = stands?.get(from);
  const target = stands?.get(to);
  const notTaken = Boolean(outcome && source?.outcome && source.outcome !== outcome);
  const skipped = source?.state === "EXCLUDED" || target?.state === "EXCLUDED";
  return {
    ...(outcome ? { label: outcome } : {}),
    ...(notTaken || skipped ? { faint: true } : {}),
    ...(target?.state === "RUNNING" ? { live: true } : {}),
  };
}

/**
 * Tell whether a graph is easier to read from top to bottom: long and narrow ones are, for names
 * are wider than high and screens are wide.
 */
export function readsDown({ nodes, edges }: { nodes: ModelNode[]; edges: ModelEdge[] }): boolean {
  const before = new Map<string, string[]>();
  for (const edge of edges) before.set(edge.to, [...(before.get(edge.to) ?? []), edge.from]);
  const layers = new Map<string, number>();
  const layerOf = (id: string): number => {
    const known = layers.get(id);
    if (known !== undefined) return known;
    layers.set(id, 0); // A circle, which the API refuses, would not end.
    const own = Math.max(-1, ...(before.get(id) ?? []).map(layerOf)) + 1;
    layers.set(id, own);
    return own;
  };
  const sizes: number[] = [];
  for (const node of nodes) {
    if (node.parent) continue;
    const layer = layerOf(node.id);
    sizes[layer] = (sizes[layer] ?? 0) + 1;
  }
  const deep = sizes.length;
  const broad = Math.max(1, ...sizes);
  const across = zoomOf(deep * (WIDTH + 56), broad * (HEIGHT + 20));
  const down = zoomOf(broad * (WIDTH + 28), deep * (HEIGHT + 44));
  return down > across * 1.15;
}

/** How large a graph of this size is drawn on a usual page. */
function zoomOf(width: number, height: number): number {
  return Math.min(1, 1000 / width, 600 / height);
}
