import type { JobSettings, TaskSettings } from "@/lib/job-settings";

/** Say in a few words what differs between two versions of a job's settings: its tasks by their keys, else its fields. */
export function changesOf(before: JobSettings, after: JobSettings): string[] {
  const found: string[] = [];
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  fields.delete("tasks");
  for (const field of fields) {
    if (same(before[field], after[field])) continue;
    const name = field.replaceAll("_", " ");
    if (before[field] === undefined) found.push(`${name} added`);
    else if (after[field] === undefined) found.push(`${name} removed`);
    else found.push(`${name} changed`);
  }
  const [old, now] = [byKey(before), byKey(after)];
  for (const [key, task] of now) {
    if (!old.has(key)) found.push(`task ${key} added`);
    else if (!same(old.get(key), task)) found.push(`task ${key} changed`);
  }
  for (const key of old.keys()) if (!now.has(key)) found.push(`task ${key} removed`);
  if (found.length === 0 && !same(before.tasks, after.tasks)) found.push("tasks in another order");
  return found;
}

function byKey({ tasks }: JobSettings): Map<string, TaskSettings> {
  const list = Array.isArray(tasks) ? tasks : [];
  return new Map(list.map((task) => [String(task?.task_key), task]));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** The order of a mapping's fields says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
