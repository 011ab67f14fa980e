import type { RunFilters } from "@/api/runs";

/** What the list of runs shows, as its address says it. */
export interface RunSearch {
  job?: number;
  state?: "active" | "completed";
  kind?: "job" | "once";
  /** How far it looks back: `1h`, `24h`, `7d`, `30d`; nothing is all there is. */
  since?: (typeof SPANS)[number]["value"];
}

const HOUR = 3_600_000;

export const SPANS = [
  { value: "1h", label: "Last hour", ms: HOUR },
  { value: "24h", label: "Last 24 hours", ms: 24 * HOUR },
  { value: "7d", label: "Last 7 days", ms: 7 * 24 * HOUR },
  { value: "30d", label: "Last 30 days", ms: 30 * 24 * HOUR },
] as const;

/** Read the list's address; what makes no sense is left out. */
export function readRunSearch(search: Record<string, unknown>): RunSearch {
  const job = Number(search.job);
  const state = (["active", "completed"] as const).find((each) => each === search.state);
  const kind = (["job", "once"] as const).find((each) => each === search.kind);
  const since = SPANS.find((span) => span.value === search.since)?.value;
  return {
    ...(Number.isInteger(job) && job > 0 ? { job } : {}),
    ...(state ? { state } : {}),
    ...(kind ? { kind } : {}),
    ...(since ? { since } : {}),
  };
}

const KINDS = { job: "JOB_RUN", once: "SUBMIT_RUN" } as const;

/** Turn the address into what the API is asked; a span counts back from the whole minute, so that the answer is not another one each moment. */
export function filtersOf({ job, state, kind, since }: RunSearch, now: number): RunFilters {
  const span = SPANS.find((each) => each.value === since);
  return {
    jobId: job,
    active: state === undefined ? undefined : state === "active",
    kind: kind && KINDS[kind],
    from: span && Math.floor((now - span.ms) / 60_000) * 60_000,
  };
}

/** True when the list does not show every run. */
export function isFiltered({ job, state, kind, since }: RunSearch): boolean {
  return [job, state, kind, since].some((value) => value !== undefined);
}
