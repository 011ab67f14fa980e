/** What the page of a task run shows, as its address says. */

export const TASK_TABS = ["logs", "output", "inputs"] as const;

export type TaskTab = (typeof TASK_TABS)[number];

export interface TaskSearch {
  /** Which part; the logs when nothing is said, or the output where a task has no logs. */
  tab?: TaskTab;
  /** What is searched for in the log. */
  q?: string;
  /** Show only lines with a match. */
  only?: true;
  /** The line that is pointed at, or several: `12-20`. */
  line?: number | string;
  /** Another attempt, whose log is shown beside. */
  beside?: number;
  /** Of a for-each's iterations: show only those that failed. */
  failed?: true;
}

export function readTaskSearch(search: Record<string, unknown>): TaskSearch {
  const found: TaskSearch = {};
  const tab = TASK_TABS.find((each) => each === search.tab);
  if (tab) found.tab = tab;
  const q = typeof search.q === "number" ? String(search.q) : search.q;
  if (typeof q === "string" && q) found.q = q;
  if (search.only === true) found.only = true;
  if (search.failed === true) found.failed = true;
  const lines = readLines(search.line);
  if (lines) found.line = writeLines(lines);
  const beside = Number(search.beside);
  if (Number.isInteger(beside) && beside > 0) found.beside = beside;
  return found;
}

/** Read `12` or `12-20`; null for anything else. */
export function readLines(value: unknown): { from: number; to: number } | null {
  const text = String(value ?? "");
  if (!/^[1-9]\d*(-[1-9]\d*)?$/.test(text)) return null;
  const [from = 0, to = from] = text.split("-").map(Number);
  return from <= to ? { from, to } : { from: to, to: from };
}

/** Spell lines as the address does. */
export function writeLines(lines: { from: number; to: number }): number | string {
  return lines.from === lines.to ? lines.from : `${lines.from}-${lines.to}`;
}
