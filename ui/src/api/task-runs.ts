import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { TaskSettings } from "@/lib/job-settings";
import { api, data, fetchRaw, JOBS_VERSION, type Schema } from "./client";
import { isNotFound } from "./query-client";
import { runKey, type State } from "./run";

/** One attempt of a task: how it went and what it left. */

export type AttemptOutput = Schema["AttemptOutput"];
export type DbtNode = Schema["DbtNode"];

const PATH = { version: JOBS_VERSION } as const;

/** An attempt with the settings of its task beside, as the API shows it. */
export interface TaskRunEntry extends TaskSettings {
  task_key: string;
  run_id?: number;
  state: State;
  status?: { termination_details?: { code?: string; message?: string } };
  start_time: number;
  end_time: number;
  setup_duration: number;
  execution_duration: number;
  cleanup_duration: number;
  run_duration: number;
  attempt_number: number;
  /** Of an iteration: its place among the inputs. */
  iteration?: number;
  retry_time?: number;
  resolved_values?: Record<string, Record<string, unknown>>;
}

export interface TaskRun {
  run: Schema["RunView"];
  entry: TaskRunEntry;
}

function key(runId: number, taskRunId: number) {
  return [...runKey(runId), "task", taskRunId] as const;
}

/** One attempt. */
export function taskRunQuery(runId: number, taskRunId: number) {
  return queryOptions({
    queryKey: [...key(runId, taskRunId), "run"],
    queryFn: async (): Promise<TaskRun> => {
      const run = await data(
        api.GET("/api/{version}/jobs/runs/get", {
          params: {
            path: PATH,
            query: { run_id: taskRunId, include_resolved_values: true },
          },
        }),
      );
      return { run, entry: (run.tasks ?? [])[0] as unknown as TaskRunEntry };
    },
  });
}

/** What an attempt left: error, result, first rows, values. */
export function taskOutputQuery(runId: number, taskRunId: number) {
  return queryOptions({
    queryKey: [...key(runId, taskRunId), "output"],
    queryFn: () =>
      data(
        api.GET("/api/openlake/1.0/task-runs/{task_run_id}/output", {
          params: { path: { task_run_id: taskRunId } },
        }),
      ),
  });
}

/** The SQL that an attempt ran, as it was pinned. */
export function taskQueryTextQuery(runId: number, taskRunId: number) {
  return queryOptions({
    queryKey: [...key(runId, taskRunId), "sql"],
    queryFn: async () => {
      const output = await data(
        api.GET("/api/{version}/jobs/runs/get-output", {
          params: { path: PATH, query: { run_id: taskRunId } },
        }),
      );
      const sql = output.sql_output;
      return sql?.query_output?.query_text ?? sql?.alert_output?.query_text ?? "";
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The executed notebook as one page; null when the attempt has left none. */
export function notebookQuery(runId: number, taskRunId: number) {
  return queryOptions({
    queryKey: [...key(runId, taskRunId), "notebook"],
    queryFn: async () => {
      try {
        const exported = await data(
          api.GET("/api/{version}/jobs/runs/export", {
            params: { path: PATH, query: { run_id: taskRunId } },
          }),
        );
        return exported.views?.[0]?.content ?? null;
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function artifactsPath(taskRunId: number): string {
  return `/api/openlake/1.0/task-runs/${taskRunId}/artifacts`;
}

/** The archive that an attempt left, unpacked to a tar; null when it has left none. */
export function archiveQuery(runId: number, taskRunId: number) {
  return queryOptions({
    queryKey: [...key(runId, taskRunId), "archive"],
    queryFn: async (): Promise<ArrayBuffer | null> => {
      try {
        const answer = await fetchRaw(artifactsPath(taskRunId));
        const tar = answer.body?.pipeThrough(new DecompressionStream("gzip"));
        return await new Response(tar).arrayBuffer();
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The newest attempt of each iteration of a for-each, in order, page by page. */
export function iterationsQuery(runId: number, taskRunId: number) {
  return infiniteQueryOptions({
    queryKey: [...key(runId, taskRunId), "iterations"],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/{version}/jobs/runs/get", {
          params: { path: PATH, query: { run_id: taskRunId, page_token: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_page_token ?? undefined,
  });
}

/** Any run, by its id: whose job it is, and how it went. */
export function childRunQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "child"],
    queryFn: () =>
      data(
        api.GET("/api/{version}/jobs/runs/get", {
          params: { path: PATH, query: { run_id: runId } },
        }),
      ),
  });
}
