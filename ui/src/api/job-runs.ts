import { infiniteQueryOptions } from "@tanstack/react-query";
import { isOpen } from "@/lib/states";
import { api, data, JOBS_VERSION, type Schema } from "./client";

/** The runs of one job: beside one another task by task, and as a list. */

export type JobMatrix = Schema["JobMatrix"];
export type MatrixRun = Schema["MatrixRun"];
export type MatrixCell = Schema["MatrixCell"];
export type MatrixTask = Schema["MatrixTask"];

const WHILE_RUNNING_MS = 4000;

/** The runs of a job, newest first, with how each task went in each; a page is 25 runs. */
export function matrixQuery(jobId: number) {
  return infiniteQueryOptions({
    queryKey: ["jobs", jobId, "matrix"],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/openlake/1.0/jobs/{job_id}/matrix", {
          params: { path: { job_id: jobId }, query: { limit: 25, page_token: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_page_token ?? undefined,
    // The workspace's stream tells of runs, not of the tasks in them.
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.runs.some((run) => isOpen(run.state)))
        ? WHILE_RUNNING_MS
        : false,
  });
}

/** The runs of a job, newest first. */
export function jobRunsQuery(jobId: number) {
  return infiniteQueryOptions({
    queryKey: ["jobs", jobId, "runs"],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/{version}/jobs/runs/list", {
          params: {
            path: { version: JOBS_VERSION },
            query: { job_id: jobId, limit: 25, page_token: pageParam },
          },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_page_token ?? undefined,
  });
}
