/** The one word in which the console says how a run or a task run is, and how that looks. */

export type Tone = "good" | "bad" | "live" | "warn" | "calm";

interface Look {
  tone: Tone;
  label: string;
}

const LOOKS: Record<string, Look> = {
  SUCCESS: { tone: "good", label: "Succeeded" },
  SUCCESS_WITH_FAILURES: { tone: "warn", label: "Succeeded with failures" },
  FAILED: { tone: "bad", label: "Failed" },
  TIMEDOUT: { tone: "bad", label: "Timed out" },
  INTERNAL_ERROR: { tone: "bad", label: "Internal error" },
  UPSTREAM_FAILED: { tone: "warn", label: "Upstream failed" },
  UPSTREAM_CANCELED: { tone: "calm", label: "Upstream cancelled" },
  MAXIMUM_CONCURRENT_RUNS_REACHED: { tone: "warn", label: "Too many runs" },
  CANCELED: { tone: "calm", label: "Cancelled" },
  SKIPPED: { tone: "calm", label: "Skipped" },
  EXCLUDED: { tone: "calm", label: "Excluded" },
  DISABLED: { tone: "calm", label: "Disabled" },
  RUNNING: { tone: "live", label: "Running" },
  TERMINATING: { tone: "live", label: "Ending" },
  PENDING: { tone: "calm", label: "Pending" },
  QUEUED: { tone: "warn", label: "Queued" },
  BLOCKED: { tone: "calm", label: "Waiting" },
  WAITING_FOR_RETRY: { tone: "warn", label: "Waiting to retry" },
};

const OPEN = new Set([
  "RUNNING",
  "TERMINATING",
  "PENDING",
  "QUEUED",
  "BLOCKED",
  "WAITING_FOR_RETRY",
]);

/** Return how a state looks; a state that is new to the console is shown as it is spelled. */
export function lookOf(state: string): Look {
  return LOOKS[state] ?? { tone: "calm", label: state };
}

/** True while something may still happen. */
export function isOpen(state: string): boolean {
  return OPEN.has(state);
}

/** True when a person has to look at it. */
export function isFailure(state: string): boolean {
  return lookOf(state).tone === "bad" || state === "UPSTREAM_FAILED";
}

/** Databricks' `state` of a run or task run, in one word: the result once it has ended. */
export function oneWord(
  state?: {
    life_cycle_state?: string | null;
    result_state?: string | null;
  } | null,
): string {
  if (!state) return "PENDING";
  return state.result_state ?? state.life_cycle_state ?? "PENDING";
}

export const TONE_TEXT: Record<Tone, string> = {
  good: "text-good",
  bad: "text-bad",
  live: "text-live",
  warn: "text-warn",
  calm: "text-calm",
};

export const TONE_SOFT: Record<Tone, string> = {
  good: "bg-good-soft text-good",
  bad: "bg-bad-soft text-bad",
  live: "bg-live-soft text-live",
  warn: "bg-warn-soft text-warn",
  calm: "bg-calm-soft text-calm",
};

export const TONE_FILL: Record<Tone, string> = {
  good: "bg-good-fill",
  bad: "bg-bad-fill",
  live: "bg-live-fill",
  warn: "bg-warn-fill",
  calm: "bg-calm-fill",
};
