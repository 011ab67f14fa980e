import { queryOptions } from "@tanstack/react-query";
import { api, data, JOBS_VERSION } from "./client";

/** Jobs whose name contains a text, few of them: for menus. */
export function jobNamesQuery(text: string) {
  return queryOptions({
    queryKey: ["jobs", "names", text],
    queryFn: async () => {
      const found = await data(
        api.GET("/api/{version}/jobs/list", {
          params: {
            path: { version: JOBS_VERSION },
            query: { limit: 20, name: text || undefined },
          },
        }),
      );
      return (found.jobs ?? []).map((job) => ({
        job_id: job.job_id,
        name: String(job.settings?.name ?? "Untitled"),
      }));
    },
  });
}
