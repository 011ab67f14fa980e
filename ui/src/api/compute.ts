import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type Profile = Schema["ClusterView"];
export type Policy = Schema["PolicyView"];
export type Pool = Schema["PoolView"];

/** The compute profiles that jobs may name, as Databricks' clusters. */
export const profilesQuery = queryOptions({
  queryKey: ["compute", "profiles"],
  queryFn: async () =>
    (await data(api.GET("/api/{version}/clusters/list", { params: { path: { version: "2.1" } } })))
      .clusters,
});

/** The cluster policies that the caller may use. */
export const policiesQuery = queryOptions({
  queryKey: ["compute", "policies"],
  queryFn: async () => (await data(api.GET("/api/2.0/policies/clusters/list"))).policies,
});

/** The instance pools that the caller may attach to. */
export const poolsQuery = queryOptions({
  queryKey: ["compute", "pools"],
  queryFn: async () => (await data(api.GET("/api/2.0/instance-pools/list"))).instance_pools ?? [],
});

export interface PolicyDraft {
  policy_id?: string;
  name: string;
  description: string;
  /** JSON as text: attribute → rule. */
  definition: string;
}

/** Make a policy, or change the one that is named. */
export function useSavePolicy() {
  return useChange(["compute"], ({ policy_id, ...body }: PolicyDraft) =>
    policy_id
      ? data(api.POST("/api/2.0/policies/clusters/edit", { body: { ...body, policy_id } }))
      : data(api.POST("/api/2.0/policies/clusters/create", { body })),
  );
}

export function useDeletePolicy() {
  return useChange(["compute"], (policy_id: string) =>
    data(api.POST("/api/2.0/policies/clusters/delete", { body: { policy_id } })),
  );
}
