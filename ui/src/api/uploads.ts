import { queryOptions } from "@tanstack/react-query";
import {
  ApiError,
  api,
  body,
  currentWorkspace,
  data,
  JOBS_VERSION,
  OfflineError,
  type Schema,
} from "./client";

/** Files on their way into tables and volumes. */

export type Upload = Schema["UploadView"];
export type LoadRequest = Schema["LoadRequest"];

/** Send a file's bytes, telling how far it is (0 to 1); `fetch` cannot tell. */
export function send(
  method: "POST" | "PUT",
  path: string,
  file: Blob,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    const workspace = currentWorkspace();
    if (workspace) request.setRequestHeader("X-Databricks-Org-Id", workspace);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () =>
      request.status < 300 ? resolve(request.responseText) : reject(refusal(request));
    request.onerror = () => reject(new OfflineError());
    request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function refusal(request: XMLHttpRequest): ApiError {
  try {
    const said = JSON.parse(request.responseText) as { error_code: string; message: string };
    return new ApiError(request.status, said.error_code, said.message);
  } catch {
    return new ApiError(request.status, `HTTP ${request.status}`, request.statusText);
  }
}

export async function uploadFile(
  file: File,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<Upload> {
  const path = `/api/openlake/1.0/uploads?name=${encodeURIComponent(file.name)}`;
  return JSON.parse(await send("POST", path, file, onProgress, signal)) as Upload;
}

/** Start the run that loads the file, or only checks it. */
export async function startLoad(uploadId: string, request: Partial<LoadRequest>): Promise<number> {
  const answer = await data(
    api.POST("/api/openlake/1.0/uploads/{upload_id}/load", {
      params: { path: { upload_id: uploadId } },
      body: body<LoadRequest>(request),
    }),
  );
  return answer.run_id;
}

export interface BadRow {
  line: string;
  column: string;
  problem: string;
  text: string;
}

export interface LoadResult {
  state: string;
  error: string | null;
  /** What the columns are, when all is well. */
  columns: { name: string; type: string }[];
  /** What is wrong with the file, row by row. */
  bad: BadRow[];
  jobId: number;
}

/** How a load goes, and once it has ended what came of it. */
export function loadResultQuery(runId: number | null) {
  return queryOptions({
    queryKey: ["runs", "load", runId],
    enabled: runId !== null,
    // The run has a row of its own in the workspace's events; this is for a lost one.
    refetchInterval: (query) => (query.state.data?.ended ? false : 2_000),
    queryFn: async (): Promise<(LoadResult & { ended: boolean }) | null> => {
      if (runId === null) return null;
      const path = { version: JOBS_VERSION } as const;
      const run = await data(
        api.GET("/api/{version}/jobs/runs/get", { params: { path, query: { run_id: runId } } }),
      );
      const result = run.state?.result_state;
      const state = result ?? run.state?.life_cycle_state ?? "PENDING";
      const none = { state, error: null, columns: [], bad: [], jobId: run.job_id, ended: false };
      const tasks = (run.tasks ?? []) as { run_id: number; attempt_number?: number }[];
      const task = tasks.toSorted((a, b) => (b.attempt_number ?? 0) - (a.attempt_number ?? 0))[0];
      if (!result || !task) return { ...none, ended: Boolean(result) };
      const left = await data(
        api.GET("/api/{version}/jobs/runs/get-output", {
          params: { path, query: { run_id: task.run_id } },
        }),
      );
      const rows = rowsOf(left);
      const error = left.error ?? (result === "SUCCESS" ? null : (run.state?.state_message ?? ""));
      return {
        ...none,
        ended: true,
        error,
        columns: error === null ? rows.map(([name = "", type = ""]) => ({ name, type })) : [],
        bad:
          error === null
            ? []
            : rows.map(([line = "", column = "", problem = "", text = ""]) => ({
                line,
                column,
                problem,
                text,
              })),
      };
    },
  });
}

function rowsOf(output: unknown): string[][] {
  const rows = (output as { sql_output?: { query_output?: { rows?: unknown[][] } } }).sql_output
    ?.query_output?.rows;
  return (rows ?? []).map((row) => row.map((cell) => (cell == null ? "" : String(cell))));
}
