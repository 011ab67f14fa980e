/** Defaults that the API fills in: they say nothing to a reader. */
const USUAL: Record<string, unknown> = {
  run_if: "ALL_SUCCESS",
  disabled: false,
  max_retries: 0,
  min_retry_interval_millis: 0,
  retry_on_timeout: false,
  timeout_seconds: 0,
  max_concurrent_runs: 1,
  format: "MULTI_TASK",
};

/** The order in which people write settings; what is not named follows. */
const FIRST = ["name", "description", "task_key", "depends_on", "run_if"];

/** Leave out of settings what is empty or as usual, and put first what names them. */
export function plainSettings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainSettings);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name, own]) => !isEmpty(own) && !(name in USUAL && USUAL[name] === own),
  );
  kept.sort(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(kept.map(([name, own]) => [name, plainSettings(own)]));
}

function rank(name: string): number {
  const place = FIRST.indexOf(name);
  return place < 0 ? FIRST.length : place;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}
