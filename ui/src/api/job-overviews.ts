import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";

/** Jobs at a glance: what starts them, and how their last runs went. */

export type JobOverview = Schema["JobOverview"];

export type JobSort = "name" | "-created_at" | "-last_run_at";

/** Which jobs, and in which order. */
export interface JobFilters {
  search?: string;
  /** `key`, or `key:value`. */
  tag?: string;
  owner?: string;
  /** The one word of the newest run's state. */
  state?: string;
  paused?: boolean;
  sort: JobSort;
}

const PAGE = 100;

/** The jobs that the filters let through, page after page. */
export function jobOverviewsQuery({ state, ...filters }: JobFilters) {
  return infiniteQueryOptions({
    queryKey: ["jobs", "overviews", { ...filters, state }],
    queryFn: ({ pageParam, signal }) =>
      data(
        api.GET("/api/openlake/1.0/jobs", {
          params: {
            query: { ...filters, last_state: state, limit: PAGE, page_token: pageParam },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_page_token ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** A few jobs whose name contains a text: for menus. */
export function jobChoicesQuery(text: string) {
  return queryOptions({
    queryKey: ["jobs", "choices", text],
    queryFn: async () => {
      const query = { search: text || undefined, limit: 20 };
      const { jobs } = await data(api.GET("/api/openlake/1.0/jobs", { params: { query } }));
      return jobs;
    },
    placeholderData: keepPreviousData,
  });
}

/** One job at a glance. */
export function jobOverviewQuery(jobId: number) {
  return queryOptions({
    queryKey: ["jobs", jobId, "overview"],
    queryFn: () =>
      data(
        api.GET("/api/openlake/1.0/jobs/{job_id}/overview", {
          params: { path: { job_id: jobId } },
        }),
      ),
  });
}
