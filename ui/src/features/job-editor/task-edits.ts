import type { JobSettings, TaskDependency, TaskSettings } from "@/lib/job-settings";
import type { Edit } from "./yaml-edit";

/** Changes of tasks that reach into others: what depends on a task names it by its key. */

/** Give a task another key, also where others name it. */
export function renameTask(settings: JobSettings, place: number, key: string): Edit[] {
  const old = settings.tasks?.[place]?.task_key;
  const edits: Edit[] = [{ path: ["tasks", place, "task_key"], value: key }];
  if (!old || isTwice(settings, old)) return edits;
  for (const [i, task] of (settings.tasks ?? []).entries())
    for (const [j, each] of listOf(task.depends_on).entries())
      if (each.task_key === old)
        edits.push({ path: ["tasks", i, "depends_on", j, "task_key"], value: key });
  for (const [i, audited] of auditOf(settings).entries())
    if (audited === old) edits.push({ path: ["publish", "audit", i], value: key });
  return edits;
}

/** Take a task out, also of what depends on it. */
export function removeTask(settings: JobSettings, place: number): Edit[] {
  const gone = settings.tasks?.[place]?.task_key;
  const edits: Edit[] = [];
  if (gone && !isTwice(settings, gone)) {
    for (const [i, task] of (settings.tasks ?? []).entries()) {
      const given = listOf(task.depends_on);
      const kept = given.filter((each) => each.task_key !== gone);
      if (kept.length !== given.length)
        edits.push({ path: ["tasks", i, "depends_on"], value: kept.length > 0 ? kept : undefined });
    }
    const audit = auditOf(settings);
    const kept = audit.filter((each) => each !== gone);
    if (kept.length !== audit.length)
      edits.push({ path: ["publish", "audit"], value: kept.length > 0 ? kept : undefined });
  }
  return [...edits, { path: ["tasks", place], value: undefined }];
}

/** A key that no task has yet: `task`, `task_2` … */
export function freeKey(settings: JobSettings, base: string): string {
  const taken = new Set(settings.tasks?.map((task) => task.task_key));
  if (!taken.has(base)) return base;
  let count = 2;
  while (taken.has(`${base}_${count}`)) count += 1;
  return `${base}_${count}`;
}

const BEGINNINGS: Record<string, Record<string, unknown>> = {
  notebook_task: { notebook_path: "" },
  spark_python_task: { python_file: "" },
  python_wheel_task: { package_name: "", entry_point: "" },
  sql_task: { query: { query_id: "" } },
  dbt_task: { commands: ["dbt build"] },
  condition_task: { op: "EQUAL_TO", left: "", right: "" },
  for_each_task: {
    inputs: "[1, 2, 3]",
    task: { task_key: "each", notebook_task: { notebook_path: "" } },
  },
  run_job_task: { job_id: 0 },
  check_task: { sql: "SELECT * FROM … WHERE …" },
  spark_jar_task: { main_class_name: "" },
  spark_submit_task: { parameters: [""] },
  airflow_task: { dag_id: "" },
  load_task: { table: "", upload_id: "" },
  table_care_task: { tables: [""] },
};

/** What a task of a type begins with. */
export function beginningOf(type: string): Record<string, unknown> {
  return BEGINNINGS[type] ?? {};
}

/** Give a task another type; what it had of the old one goes. */
export function retypeTask(task: TaskSettings, path: (string | number)[], type: string): Edit[] {
  const old = Object.keys(task).filter((field) => field.endsWith("_task") && field !== type);
  return [
    ...old.map((field) => ({ path: [...path, field], value: undefined })),
    { path: [...path, type], value: beginningOf(type) },
  ];
}

/** Let a task wait for another one, or no longer. */
export function setDependency(
  task: TaskSettings,
  place: number,
  key: string,
  choice: "no" | "yes" | "true" | "false",
): Edit {
  const others = listOf(task.depends_on);
  const at = others.findIndex((each) => each.task_key === key);
  const entry: TaskDependency =
    choice === "true" || choice === "false"
      ? { task_key: key, outcome: choice }
      : { task_key: key };
  const path = ["tasks", place, "depends_on"];
  if (choice === "no") {
    const kept = others.filter((each) => each.task_key !== key);
    return { path, value: kept.length > 0 ? kept : undefined };
  }
  return { path: [...path, at < 0 ? others.length : at], value: entry };
}

/** The keys of the tasks that may not come before a task: they wait for it themselves. */
export function downstreamOf(settings: JobSettings, key: string): Set<string> {
  const found = new Set<string>([key]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const task of settings.tasks ?? []) {
      if (!task.task_key || found.has(task.task_key)) continue;
      if (listOf(task.depends_on).some((each) => found.has(each.task_key))) {
        found.add(task.task_key);
        grown = true;
      }
    }
  }
  return found;
}

function isTwice(settings: JobSettings, key: string): boolean {
  return (settings.tasks ?? []).filter((task) => task.task_key === key).length > 1;
}

function auditOf(settings: JobSettings): unknown[] {
  return listOf((settings.publish as { audit?: unknown[] } | undefined)?.audit);
}

/** What is being written may be anything: only a list is one. */
function listOf<T>(value: T[] | undefined): T[] {
  return Array.isArray(value) ? value : [];
}
