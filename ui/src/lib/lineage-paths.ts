/** Ways through a graph of lineage: what leads to a node, what comes of it. */

export interface Step {
  from: string;
  to: string;
}

/** All that is reached from some places by following steps one way, themselves included. */
export function reach(steps: Step[], start: Iterable<string>, way: "up" | "down"): Set<string> {
  const next = new Map<string, string[]>();
  for (const { from, to } of steps) {
    const [here, there] = way === "down" ? [from, to] : [to, from];
    next.set(here, [...(next.get(here) ?? []), there]);
  }
  const found = new Set(start);
  const todo = [...found];
  while (todo.length > 0) {
    for (const there of next.get(todo.pop() as string) ?? []) {
      if (found.has(there)) continue;
      found.add(there);
      todo.push(there);
    }
  }
  return found;
}

/** All that leads to a place and all that comes of it, itself included. */
export function throughout(steps: Step[], place: string): Set<string> {
  return new Set([...reach(steps, [place], "up"), ...reach(steps, [place], "down")]);
}

export interface ColumnStep {
  from_table: string;
  from_column: string;
  to_table: string;
  to_column: string;
}

/** One column of one table as one text; neither name has a line break. */
export function columnKey(table: string, column: string): string {
  return `${table}\n${column}`;
}

export function columnSteps(edges: ColumnStep[]): Step[] {
  return edges.map((edge) => ({
    from: columnKey(edge.from_table, edge.from_column),
    to: columnKey(edge.to_table, edge.to_column),
  }));
}

/** The columns of each table: as engines told them, and those that only edges name. */
export function columnsByTable(
  told: { table: string; columns: { name: string }[] }[],
  edges: ColumnStep[],
): Map<string, string[]> {
  const found = new Map(told.map((each) => [each.table, each.columns.map(({ name }) => name)]));
  const note = (table: string, column: string) => {
    const known = found.get(table) ?? [];
    if (!known.includes(column)) found.set(table, [...known, column]);
  };
  for (const edge of edges) {
    note(edge.from_table, edge.from_column);
    note(edge.to_table, edge.to_column);
  }
  return found;
}

const DAY = 86_400_000;

export type Freshness = "today" | "week" | "old" | "unknown";

/** How long ago something was written, roughly. */
export function freshness(at: number | null | undefined, now: number): Freshness {
  if (!at) return "unknown";
  if (now - at < DAY) return "today";
  return now - at < 7 * DAY ? "week" : "old";
}
