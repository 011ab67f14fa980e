/** A job's settings as the API reads and writes them; only what the console itself looks at has a type. */
export interface JobSettings {
  name?: string;
  description?: string;
  tags?: Record<string, string>;
  tasks?: TaskSettings[];
  parameters?: JobParameter[];
  schedule?: Schedule;
  [field: string]: unknown;
}

export interface JobParameter {
  name: string;
  default: string;
}

export interface Schedule {
  quartz_cron_expression?: string;
  timezone_id?: string;
  pause_status?: "PAUSED" | "UNPAUSED";
}

export interface TaskDependency {
  task_key: string;
  outcome?: "true" | "false";
}

export interface TaskSettings {
  task_key?: string;
  description?: string;
  depends_on?: TaskDependency[];
  run_if?: string;
  disabled?: boolean;
  [field: string]: unknown;
}

/** The types of tasks in the order of how often they are used: field, word, and what it does. */
export const TASK_TYPES = [
  { type: "notebook_task", label: "Notebook", hint: "An .ipynb, or a .py in Databricks' form" },
  { type: "spark_python_task", label: "Python file", hint: "On Spark, or as a plain process" },
  { type: "python_wheel_task", label: "Python wheel", hint: "An entry point of a package" },
  { type: "sql_task", label: "SQL", hint: "A saved query, a file or an alert" },
  { type: "dbt_task", label: "dbt", hint: "dbt commands in a project folder" },
  { type: "condition_task", label: "If / else", hint: "Two ways on, by comparing two values" },
  { type: "for_each_task", label: "For each", hint: "One task for each of many inputs" },
  { type: "run_job_task", label: "Run a job", hint: "Another job, whose end is this task's end" },
  { type: "check_task", label: "Data check", hint: "A rule that data has to keep" },
  { type: "spark_jar_task", label: "JAR", hint: "The main class of a jar on Spark" },
  { type: "spark_submit_task", label: "Spark submit", hint: "spark-submit with your arguments" },
  { type: "airflow_task", label: "Airflow DAG", hint: "A DAG run of an Airflow, followed" },
  { type: "load_task", label: "Load a file", hint: "An uploaded file into a table" },
  { type: "table_care_task", label: "Table care", hint: "Compact, expire, clean up" },
  { type: "replay_task", label: "Replay", hint: "An old run, on the data that it had" },
  { type: "compare_task", label: "Compare", hint: "What a replay came to with the original" },
] as const;

/** Return which `…_task` field a task has set; null for a task that is not finished. */
export function taskTypeOf(task: Record<string, unknown>): string | null {
  return TASK_TYPES.find(({ type }) => task[type] != null)?.type ?? null;
}

/** Return the word for a task's type. */
export function taskTypeLabel(type: string | null): string {
  return TASK_TYPES.find((each) => each.type === type)?.label ?? "No type yet";
}
