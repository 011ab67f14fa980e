/** What started a run, in words. */
export interface Cause {
  /** After "Started": "by its schedule", "by ada@example.com". */
  words: string;
  /** The task run of another job that asked for this run. */
  parentTaskRunId?: number;
  /** The backfill that asked for this run. */
  backfillId?: number;
}

const BY_ITSELF: Record<string, string> = {
  PERIODIC: "by its schedule",
  FILE_ARRIVAL: "by files that arrived",
  TABLE: "by a table that was updated",
  CONTINUOUS: "because it runs continuously",
  CONTINUOUS_RESTART: "because it runs continuously",
};

/** What the API says of that. */
interface Started {
  trigger: string;
  trigger_info?: Record<string, unknown> | null;
  creator_user_name: string;
  run_type: string;
}

/** Say what started a run; a trigger that is new to the console is shown as it is spelled. */
export function causeOf(run: Started): Cause {
  const info = run.trigger_info ?? {};
  if (typeof info.backfill_id === "number")
    return { words: "by a backfill", backfillId: info.backfill_id };
  if (run.trigger === "RUN_JOB_TASK")
    return {
      words: "by a task of another job",
      parentTaskRunId: typeof info.run_id === "number" ? info.run_id : undefined,
    };
  if (run.trigger === "ONE_TIME")
    return {
      words:
        run.run_type === "SUBMIT_RUN"
          ? `as a one-time run by ${run.creator_user_name}`
          : `by ${run.creator_user_name}`,
    };
  return { words: BY_ITSELF[run.trigger] ?? `by ${run.trigger}` };
}

/** A short word for lists. */
export function triggerWord(trigger: string): string {
  return TRIGGER_WORDS[trigger] ?? trigger;
}

const TRIGGER_WORDS: Record<string, string> = {
  ONE_TIME: "By hand",
  PERIODIC: "Schedule",
  FILE_ARRIVAL: "File arrival",
  TABLE: "Table update",
  CONTINUOUS: "Continuous",
  CONTINUOUS_RESTART: "Continuous",
  RUN_JOB_TASK: "Another job",
};
