import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
import { isNotFound } from "./query-client";
import { runKey } from "./run";

export type RunTransaction = Schema["RunTransaction"];

/** The transaction of a run; null when the run is none, or has not begun one yet. */
export function transactionQuery(runId: number) {
  return queryOptions({
    queryKey: [...runKey(runId), "transaction"],
    queryFn: async (): Promise<RunTransaction | null> => {
      try {
        return await data(
          api.GET("/api/openlake/1.0/runs/{run_id}/transaction", {
            params: { path: { run_id: runId } },
          }),
        );
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
  });
}

/** Give up what a run has kept on its branch. */
export function useDropTransaction(runId: number) {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: () =>
      data(
        api.POST("/api/openlake/1.0/runs/{run_id}/transaction/drop", {
          params: { path: { run_id: runId } },
        }),
      ),
    onSuccess: () => cache.invalidateQueries({ queryKey: runKey(runId) }),
  });
}
