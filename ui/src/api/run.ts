import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, body, data, JOBS_VERSION, type Schema } from "./client";
import { useEvents } from "./events";

/** One run: what it was asked for, how it stands, and what can be done with it. */

export type Run = Schema["RunView"];
export type { TaskSettings } from "@/lib/job-settings";

const PATH = { version: JOBS_VERSION } as const;

/** How a run or task run stands, in Databricks' older form. */
export interface State {
  life_cycle_state: string;
  result_state?: string | null;
  state_message?: string;
}

/** How far a for-each is. */
export interface IterationStats {
  total_iterations: number;
  scheduled_iterations: number;
  active_iterations: number;
  completed_iterations: number;
  succeeded_iterations: number;
  failed_iterations: number;
}

/** One attempt of a task, or a task that has none yet. */
export interface TaskEntry {
  task_key: string;
  /** Absent between two attempts. */
  run_id?: number;
  attempt_number?: number;
  state: State;
  start_time?: number;
  end_time?: number;
  execution_duration?: number;
  condition_task?: { outcome?: string };
  for_each_task?: { stats?: { task_run_stats?: IterationStats } | null };
}

/** A run with all its tasks, compact: what its event stream says at each change. */
export interface LiveRun {
  run_id: number;
  job_id: number;
  run_name: string;
  state: State;
  tasks: TaskEntry[];
}

/** What `key`s of one run begin with. */
export const runKey = (runId: number) => ["run", runId] as const;

/** A run with its history; of its tasks only the first page: see `useLiveRun` for all of them. */
export function runQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "run"],
    queryFn: () =>
      data(
        api.GET("/api/{version}/jobs/runs/get", {
          params: { path: PATH, query: { run_id: runId, include_history: true } },
        }),
      ),
  });
}

/** The settings that a run uses, whole. They change only when the run is repaired. */
export function runSettingsQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "settings"],
    queryFn: () =>
      data(
        api.GET("/api/openlake/1.0/runs/{run_id}/settings", {
          params: { path: { run_id: runId } },
        }),
      ),
    staleTime: 60_000,
  });
}

export type Timeline = Schema["RunTimeline"];
export type TimelineTask = Schema["TimelineTask"];
export type TimelineAttempt = Schema["TimelineAttempt"];

/** When each attempt of each task did what. */
export function timelineQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "timeline"],
    queryFn: () =>
      data(
        api.GET("/api/openlake/1.0/runs/{run_id}/timeline", {
          params: { path: { run_id: runId } },
        }),
      ),
  });
}

const BREATH_MS = 500;

/**
 * Follow a run: its tasks as they are now, and all that is cached of it asked again when it changes.
 *
 * Nothing until the server's first word, which comes at once. A stream ends with the run; the next
 * `execution` (a repair) opens a new one.
 */
export function useLiveRun(runId: number, execution: number): LiveRun | null {
  const cache = useQueryClient();
  const stream = `${runId}/${execution}`;
  const [live, setLive] = useState<LiveRun | null>(null);
  const [over, setOver] = useState("");
  const heard = useRef("");
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  function refresh(): void {
    waiting.current ??= setTimeout(() => {
      waiting.current = undefined;
      void cache.invalidateQueries({ queryKey: runKey(runId) });
    }, BREATH_MS);
  }
  useEvents(over === stream ? null : `/api/openlake/1.0/runs/${runId}/events`, {
    run: (text) => {
      setLive(JSON.parse(text) as LiveRun);
      // The first word says what the page has just asked for anyway.
      if (heard.current === stream) refresh();
      heard.current = stream;
    },
    end: () => setOver(stream),
  });
  return live?.run_id === runId ? live : null;
}

/** Ask a run to stop. */
export function useCancelRun() {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: (runId: number) =>
      data(
        api.POST("/api/{version}/jobs/runs/cancel", {
          params: { path: PATH },
          body: { run_id: runId },
        }),
      ),
    onSuccess: (_done, runId) => cache.invalidateQueries({ queryKey: runKey(runId) }),
  });
}

/** Run a run's job again with the parameters that the run had; the answer is the new run's id. */
export function useRunAgain() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (run: Run): Promise<number> => {
      const parameters = (run.job_parameters ?? []).map(
        ({ name, value }) => [name, value] as const,
      );
      const made = await data(
        api.POST("/api/{version}/jobs/run-now", {
          params: { path: PATH },
          body: body<Schema["RunNow"]>({
            job_id: run.job_id,
            // The API takes one kind of parameters or the other.
            ...(run.overriding_parameters ?? { job_parameters: Object.fromEntries(parameters) }),
          }),
        }),
      );
      return made.run_id;
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

/** Replay a run: same settings, files and parameters, on the tables as they were then; the answer is the new run's id. */
export function useReplay() {
  return useMutation({
    mutationFn: async (runId: number): Promise<number> => {
      const made = await data(
        api.POST("/api/openlake/1.0/runs/{run_id}/replay", {
          params: { path: { run_id: runId } },
        }),
      );
      return made.run_id;
    },
  });
}

const HOUR_MS = 3_600_000;
const WINDOWS_MS = [HOUR_MS, 24 * HOUR_MS, 30 * 24 * HOUR_MS, 10_000 * 24 * HOUR_MS];

/** The job's run just before or after a run; null when there is none. */
export async function neighbourOf(run: Run, way: "earlier" | "later"): Promise<number | null> {
  const { job_id, start_time: start } = run;
  if (way === "earlier") {
    const found = await listRuns({ job_id, limit: 1, start_time_to: start - 1 });
    return found.runs?.[0]?.run_id ?? null;
  }
  // Lists are newest first, so what comes next is the last of them: look not far ahead first.
  for (const window of WINDOWS_MS) {
    const query = {
      job_id,
      limit: 100,
      start_time_from: start + 1,
      start_time_to: start + window,
    };
    let found = await listRuns(query);
    while (found.next_page_token)
      found = await listRuns({ ...query, page_token: found.next_page_token });
    const next = found.runs?.at(-1);
    if (next) return next.run_id;
  }
  return null;
}

function listRuns(query: {
  job_id: number;
  limit: number;
  start_time_from?: number;
  start_time_to?: number;
  page_token?: string;
}) {
  return data(api.GET("/api/{version}/jobs/runs/list", { params: { path: PATH, query } }));
}
