import type { TaskSettings } from "@/lib/job-settings";

/** What a task runs, as short as it can be said: a file's name, a comparison, a job. */
export function whatItRuns(task: TaskSettings): string {
  const part = (name: string) => (task[name] ?? null) as Record<string, unknown> | null;
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const python = part("spark_python_task");
  if (python) return fileName(text(python.python_file));
  const notebook = part("notebook_task");
  if (notebook) return fileName(text(notebook.notebook_path));
  const sql = part("sql_task");
  if (sql) return sqlWords(sql);
  const condition = part("condition_task");
  if (condition)
    return `${text(condition.left)} ${OPERATORS[text(condition.op)] ?? text(condition.op)} ${text(condition.right)}`;
  const loop = part("for_each_task");
  if (loop) return loopWords(loop);
  const call = part("run_job_task");
  if (call) return `job ${String(call.job_id)}`;
  const dbt = part("dbt_task");
  if (dbt) return (dbt.commands as string[]).join(", ");
  const wheel = part("python_wheel_task");
  if (wheel) return `${text(wheel.package_name)}: ${text(wheel.entry_point)}`;
  const jar = part("spark_jar_task");
  if (jar) return text(jar.main_class_name).split(".").at(-1) ?? "";
  const check = part("check_task");
  if (check) return text(check.table) || text(check.sql).replace(/\s+/g, " ");
  return otherWords(part, text);
}

const OPERATORS: Record<string, string> = {
  EQUAL_TO: "=",
  NOT_EQUAL: "≠",
  GREATER_THAN: ">",
  GREATER_THAN_OR_EQUAL: "≥",
  LESS_THAN: "<",
  LESS_THAN_OR_EQUAL: "≤",
};

function sqlWords(sql: Record<string, unknown>): string {
  const { file, query, alert } = sql as {
    file?: { path: string };
    query?: { query_id: string };
    alert?: { alert_id: string };
  };
  if (file) return fileName(file.path);
  return query ? `query ${query.query_id}` : `alert ${alert?.alert_id ?? ""}`;
}

function loopWords(loop: Record<string, unknown>): string {
  const inputs = String(loop.inputs ?? "");
  const limit = Number(loop.concurrency ?? 1);
  const width = limit > 1 ? `${limit} at a time` : "one at a time";
  try {
    const values = JSON.parse(inputs) as unknown;
    if (Array.isArray(values)) return `${values.length} inputs, ${width}`;
  } catch {
    // A reference, which only a run knows the value of.
  }
  return `${inputs}, ${width}`;
}

function otherWords(
  part: (name: string) => Record<string, unknown> | null,
  text: (value: unknown) => string,
): string {
  const load = part("load_task");
  if (load) return text(load.table);
  const care = part("table_care_task");
  if (care) return text(care.table) || text(care.schema);
  const dag = part("airflow_task");
  if (dag) return text(dag.dag_id);
  const replay = part("replay_task");
  if (replay) return `run ${String(replay.run_id)}`;
  const submit = part("spark_submit_task");
  return submit ? (submit.parameters as string[]).join(" ") : "";
}

function fileName(path: string): string {
  return path.split("/").filter(Boolean).at(-1) ?? path;
}

const RUN_IF: Record<string, string> = {
  AT_LEAST_ONE_SUCCESS: "if one succeeded",
  NONE_FAILED: "if none failed",
  ALL_DONE: "when all are done",
  AT_LEAST_ONE_FAILED: "if one failed",
  ALL_FAILED: "if all failed",
};

/** When a task runs, where that is not the usual "all have succeeded"; else nothing. */
export function runIfWords(task: TaskSettings): string {
  const rule = typeof task.run_if === "string" ? task.run_if : "";
  return rule === "ALL_SUCCESS" ? "" : (RUN_IF[rule] ?? rule);
}
