/** What the run page shows, as its address says. */

export const RUN_TABS = [
  "graph",
  "timeline",
  "tasks",
  "output",
  "transaction",
  "mlflow",
  "lineage",
  "details",
] as const;

export type RunTab = (typeof RUN_TABS)[number];

export interface RunSearch {
  /** Which part; the graph when nothing is said. */
  tab?: RunTab;
  /** The task that is looked at, in all parts alike. */
  task?: string;
  /** Of the tasks table: show only these. */
  state?: string;
  /** The repair is open. */
  repair?: true;
}

export function readRunSearch(search: Record<string, unknown>): RunSearch {
  const text = (value: unknown) => (typeof value === "string" && value ? value : undefined);
  const found: RunSearch = {};
  const tab = RUN_TABS.find((each) => each === search.tab);
  if (tab && tab !== "graph") found.tab = tab;
  // A task key of digits is read as a number by the router.
  const task = text(typeof search.task === "number" ? String(search.task) : search.task);
  if (task) found.task = task;
  const state = text(search.state);
  if (state) found.state = state;
  if (search.repair === true) found.repair = true;
  return found;
}
