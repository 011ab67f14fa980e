import jobSchema from "../../../spec/openlake-orchestrator/job.schema.json";

import type { JobSettings, TaskSettings } from "./job-settings";

/** The part of JSON Schema that the job's schema is written in. */
export interface JsonSchema {
  $ref?: string;
  anyOf?: JsonSchema[];
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  minimum?: number;
  maximum?: number;
  $defs?: Record<string, JsonSchema>;
}

/** What a job's settings may be, as the API publishes it. */
export const JOB_SCHEMA = jobSchema as JsonSchema;

/** A schema without references and without "or null", and the name of its definition. */
export interface Resolved extends JsonSchema {
  name?: string;
}

/** Follow references, and take "or null" away: a field that may be null is one that may be left out. */
export function resolve(schema: JsonSchema): Resolved {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    const found = JOB_SCHEMA.$defs?.[name] ?? {};
    return { ...resolve(found), name, default: schema.default ?? found.default };
  }
  const others = schema.anyOf?.filter((each) => each.type !== "null") ?? [];
  const [only] = others;
  if (only && others.length === 1) {
    const found = resolve(only);
    return { ...found, default: schema.default, title: schema.title ?? found.title };
  }
  return schema;
}

/** The schema of a definition's field: `fieldOf("Task", "libraries")`. */
export function fieldOf(definition: string, field: string): JsonSchema {
  return JOB_SCHEMA.$defs?.[definition]?.properties?.[field] ?? {};
}

/** The schema of one of the job's own fields. */
export function jobField(field: string): JsonSchema {
  return JOB_SCHEMA.properties?.[field] ?? {};
}

const WORDS: Record<string, string> = {
  id: "ID",
  sql: "SQL",
  url: "URL",
  csv: "CSV",
  pypi: "PyPI",
  dbt: "dbt",
  whl: "Wheel",
  jar: "JAR",
  dag: "DAG",
};

/** Spell a field's name for people: `max_concurrent_runs` is "Max concurrent runs". */
export function labelOf(name: string): string {
  const words = name.split("_").map((word) => WORDS[word] ?? word);
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Leave out what says only what would hold anyway: defaults, and empty lists and mappings. */
export function withoutDefaults(settings: JobSettings): JobSettings {
  const kept = pruned(settings, JOB_SCHEMA) as JobSettings;
  // Where files come from is filled in when a job is read; without a repository there is one place.
  if (!kept.git_source) for (const task of kept.tasks ?? []) forgetWorkspace(task);
  return kept;
}

/** The same for one task of a job. */
export function plainTask(task: TaskSettings): TaskSettings {
  return pruned(task, { $ref: "#/$defs/Task" }) as TaskSettings;
}

function forgetWorkspace(owner: unknown): void {
  if (typeof owner !== "object" || owner === null) return;
  const fields = owner as Record<string, unknown>;
  if (fields.source === "WORKSPACE") delete fields.source;
  for (const inner of Object.values(fields)) forgetWorkspace(inner);
}

function pruned(value: unknown, schema: JsonSchema): unknown {
  const { type, properties, items } = resolve(schema);
  if (Array.isArray(value)) return value.map((each) => pruned(each, items ?? {}));
  if (typeof value !== "object" || value === null || type !== "object") return value;
  if (!properties) return value;
  const kept: Record<string, unknown> = {};
  for (const name of orderOf(value, properties)) {
    const inner = (value as Record<string, unknown>)[name];
    const field = properties[name] ?? {};
    const preset = resolve(field).default ?? field.default ?? null;
    if (inner === null || JSON.stringify(inner) === JSON.stringify(preset)) continue;
    const made = pruned(inner, field);
    if (isEmpty(made) && !name.endsWith("_task")) continue;
    kept[name] = made;
  }
  return kept;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

const FIRST = ["name", "description", "tags", "schedule", "trigger", "continuous", "parameters"];
const LAST = ["edit_mode", "deployment", "parent_path"];

/** The order in which a person would write a mapping's fields. */
function orderOf(value: object, properties: Record<string, JsonSchema>): string[] {
  const known = Object.keys(properties);
  const order = "tasks" in properties ? [...FIRST, ...known] : known;
  const rank = (name: string) => {
    if (LAST.includes(name)) return 1000 + LAST.indexOf(name);
    const place = order.indexOf(name);
    return place < 0 ? 999 : place;
  };
  return Object.keys(value).sort((a, b) => rank(a) - rank(b));
}
