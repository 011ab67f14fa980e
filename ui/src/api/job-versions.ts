import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type JobVersion = Schema["VersionItem"];

const PATH = "/api/openlake/1.0/jobs/{job_id}/versions";

/** The versions of a job's settings, newest first. */
export function jobVersionsQuery(jobId: number) {
  return infiniteQueryOptions({
    queryKey: ["jobs", jobId, "versions"],
    queryFn: ({ pageParam }) =>
      data(
        api.GET(PATH, {
          params: { path: { job_id: jobId }, query: { limit: 50, page_token: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_page_token ?? undefined,
  });
}

/** The settings of one version; they never change. */
export function jobVersionQuery(jobId: number, version: number) {
  return queryOptions({
    queryKey: ["job-version", jobId, version],
    queryFn: () =>
      data(api.GET(`${PATH}/{version}`, { params: { path: { job_id: jobId, version } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What changed from one version to another, place by place. */
export function jobDiffQuery(jobId: number, version: number, against: number) {
  return queryOptions({
    queryKey: ["job-diff", jobId, version, against],
    queryFn: () =>
      data(
        api.GET(`${PATH}/{version}/diff`, {
          params: { path: { job_id: jobId, version }, query: { against } },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Give a job the settings of one of its versions again. */
export function useRestoreVersion(jobId: number) {
  return useChange(["jobs", jobId], (version: number) =>
    data(api.POST(`${PATH}/{version}/restore`, { params: { path: { job_id: jobId, version } } })),
  );
}
