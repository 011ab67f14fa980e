import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";

export type Workspace = Schema["WorkspaceView"];

/** A workspace with its defaults and quota. */
export function workspaceQuery(workspaceId: number) {
  return queryOptions({
    queryKey: ["workspaces", workspaceId],
    queryFn: () =>
      data(
        api.GET("/api/openlake/1.0/workspaces/{workspace_id}", {
          params: { path: { workspace_id: workspaceId } },
        }),
      ),
  });
}

/** Change a workspace's name, defaults or, by the operator, its quota. */
export function useUpdateWorkspace(workspaceId: number) {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: (body: Schema["UpdateWorkspace"]) =>
      data(
        api.PATCH("/api/openlake/1.0/workspaces/{workspace_id}", {
          params: { path: { workspace_id: workspaceId } },
          body,
        }),
      ),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["workspaces"] });
      void cache.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
}
