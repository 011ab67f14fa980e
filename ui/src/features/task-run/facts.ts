import type { TaskRunEntry } from "@/api/task-runs";
import { taskTypeOf } from "@/lib/job-settings";
import { plural } from "@/lib/numbers";
import { formatDuration } from "@/lib/time";

/** What an attempt's settings and end say, in words for people. */

/** Where a task runs: what its settings name; null when they name nothing. */
export function computeOf(entry: TaskRunEntry): { kind: string; name: string } | null {
  const type = taskTypeOf(entry);
  const own = (type ? entry[type] : null) as { warehouse_id?: string } | null;
  if (own?.warehouse_id) return { kind: "Warehouse", name: own.warehouse_id };
  const named: [string, unknown][] = [
    ["Environment", entry.environment_key],
    ["Job cluster", entry.job_cluster_key],
    ["Cluster", entry.existing_cluster_id],
  ];
  for (const [kind, name] of named) if (typeof name === "string") return { kind, name };
  return entry.new_cluster ? { kind: "Cluster", name: "of its own" } : null;
}

/** What to do about an attempt that did not end well; null when nothing is to be done. */
export function adviceOn(state: string, code: string, type: string | null): string | null {
  if (state === "TIMEDOUT")
    return "It ran longer than its timeout_seconds. Raise the timeout, or see in the log where the time went.";
  if (state === "UPSTREAM_FAILED")
    return "It never ran, because a task that it depends on failed. Mend that one and repair the run: this task then runs as well.";
  if (state === "UPSTREAM_CANCELED")
    return "It never ran, because a task that it depends on was cancelled. Repair the run to run both.";
  if (state === "CANCELED") return "Repair the run to run it again.";
  if (state !== "FAILED" && state !== "INTERNAL_ERROR") return null;
  if (CODES[code]) return CODES[code];
  if (type === "check_task")
    return "The rows that broke the rule are under Output. Mend the data or the rule, then repair the run.";
  if (type === "for_each_task")
    return "The iterations that failed are under Output. A repair runs those alone again.";
  if (type === "run_job_task") return "The run that it made did not end well; see it under Output.";
  return "See where it failed in the log, mend the code or the data, then repair the run: what succeeded is kept.";
}

const CODES: Record<string, string> = {
  LIBRARY_INSTALLATION_ERROR:
    "What it needs could not be installed. Check the environment's dependencies, then repair the run.",
  CLUSTER_ERROR: "The machine it ran on was lost. Repair the run to run it again.",
  CLUSTER_REQUEST_LIMIT_EXCEEDED: "All machines were busy. Repair the run when there is room.",
  RESOURCE_NOT_FOUND:
    "Something that its settings name is not there any more. Mend the settings, then repair the run.",
  UNAUTHORIZED_ERROR:
    "The run's user may not use something that it names. Give the permission, then repair the run.",
  INVALID_RUN_CONFIGURATION: "Mend the task's settings, then repair the run.",
};

/** One parameter as it was written and what it came to. */
export interface ResolvedRow {
  name: string;
  written: string;
  value: string;
}

/** Put the parameters as written beside what their references came to. */
export function resolvedRows(
  entry: TaskRunEntry,
  resolved: Record<string, unknown> | undefined,
): ResolvedRow[] {
  const type = taskTypeOf(entry);
  const own = (type ? entry[type] : null) as Record<string, unknown> | null;
  if (!resolved) return [];
  return Object.entries(resolved).flatMap(([field, value]) => {
    const before = own?.[field];
    if (Array.isArray(value))
      return value.map((each, place) => ({
        name: `${field} ${place + 1}`,
        written: spell(Array.isArray(before) ? before[place] : undefined),
        value: spell(each),
      }));
    if (value && typeof value === "object")
      return Object.entries(value).map(([name, each]) => ({
        name,
        written: spell((before as Record<string, unknown> | undefined)?.[name]),
        value: spell(each),
      }));
    return [{ name: field, written: spell(before), value: spell(value) }];
  });
}

/** A value in one line. */
export function spell(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The inputs of a for-each, by their place; nothing when they are no list. */
export function inputsOf(text: unknown): unknown[] {
  if (typeof text !== "string") return [];
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read : [];
  } catch {
    return [];
  }
}

/** How a comparison of a condition task is spelled. */
export const OPERATORS: Record<string, string> = {
  EQUAL_TO: "=",
  NOT_EQUAL: "≠",
  GREATER_THAN: ">",
  GREATER_THAN_OR_EQUAL: "≥",
  LESS_THAN: "<",
  LESS_THAN_OR_EQUAL: "≤",
};

/** The rules that a check task has for a table, in words. */
export function rulesOf(entry: TaskRunEntry): string[] {
  const { min_rows, max_rows, freshness } = (entry.check_task ?? {}) as {
    min_rows?: number;
    max_rows?: number;
    freshness?: { column: string; max_age_seconds: number };
  };
  const rules: string[] = [];
  if (min_rows !== undefined) rules.push(`at least ${plural(min_rows, "row")}`);
  if (max_rows !== undefined) rules.push(`at most ${plural(max_rows, "row")}`);
  if (freshness)
    rules.push(
      `the newest ${freshness.column} is at most ${formatDuration(freshness.max_age_seconds * 1000)} old`,
    );
  return rules;
}

/** `model.shop.orders` in parts; a test's name comes without the hash that dbt adds. */
export function dbtName(uniqueId: string): { kind: string; name: string } {
  const [kind = "", , ...rest] = uniqueId.split(".");
  const named = kind === "test" && rest.length > 1 ? rest.slice(0, -1) : rest;
  return { kind, name: named.join(".") || uniqueId };
}

/** dbt's word for how a node ended, as one of the console's states. */
export function dbtState(status: string): string {
  if (["success", "pass", "no-op", "partial success"].includes(status)) return "SUCCESS";
  if (status === "warn") return "SUCCESS_WITH_FAILURES";
  if (status === "skipped") return "SKIPPED";
  return "FAILED";
}
