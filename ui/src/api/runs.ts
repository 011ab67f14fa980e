import {
  infiniteQueryOptions,
  keepPreviousData,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, JOBS_VERSION, type Schema } from "./client";

export type RunEntry = Schema["RunView"];

/** Which runs of the workspace. */
export interface RunFilters {
  jobId?: number;
  /** Only those that go on, or that have ended. */
  active?: boolean;
  kind?: "JOB_RUN" | "SUBMIT_RUN";
  /** Begun since then and until then, in milliseconds since 1970. */
  from?: number;
  to?: number;
}

const PAGE = 50;

/** Runs, newest first, page after page. */
export function runsQuery(filters: RunFilters) {
  return infiniteQueryOptions({
    queryKey: ["runs", "list", filters],
    queryFn: ({ pageParam, signal }) =>
      data(
        api.GET("/api/{version}/jobs/runs/list", {
          params: {
            path: { version: JOBS_VERSION },
            query: {
              job_id: filters.jobId,
              active_only: filters.active === true || undefined,
              completed_only: filters.active === false || undefined,
              run_type: filters.kind,
              start_time_from: filters.from,
              start_time_to: filters.to,
              limit: PAGE,
              page_token: pageParam,
            },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_page_token ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** Ask a run of the list to stop. */
export function useCancelRunOfList() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (runId: number) =>
      data(
        api.POST("/api/{version}/jobs/runs/cancel", {
          params: { path: { version: JOBS_VERSION } },
          body: { run_id: runId },
        }),
      ),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["runs"] }),
  });
}
