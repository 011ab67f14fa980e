import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
import { runKey } from "./run";

export type LineageGraph = Schema["Graph"];

/** What the tasks of a run read and wrote. */
export function runLineageQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "lineage"],
    queryFn: () =>
      data(
        api.GET("/api/openlake/1.0/lineage/runs/{run_id}", {
          params: { path: { run_id: runId } },
        }),
      ),
  });
}
