import { queryOptions } from "@tanstack/react-query";
import { api, data, JOBS_VERSION } from "./client";

export interface NamedObject {
  id: string;
  name: string;
}

/** The kinds of objects that have permissions, as the permissions API names them. */
export const TYPES: { type: string; name: string }[] = [
  { type: "jobs", name: "Job" },
  { type: "warehouses", name: "SQL warehouse" },
  { type: "cluster-policies", name: "Cluster policy" },
  { type: "instance-pools", name: "Instance pool" },
  { type: "directories", name: "Folder" },
  { type: "notebooks", name: "Notebook" },
  { type: "files", name: "File" },
  { type: "experiments", name: "MLflow experiment" },
  { type: "registered-models", name: "Registered model" },
  { type: "authorization", name: "Who may use tokens" },
];

const MOST = 100;

const LISTS: Record<string, () => Promise<NamedObject[]>> = {
  jobs: async () => {
    const params = { path: { version: JOBS_VERSION }, query: { limit: MOST } } as const;
    const { jobs } = await data(api.GET("/api/{version}/jobs/list", { params }));
    return (jobs ?? []).map((job) => ({
      id: String(job.job_id),
      name: String(job.settings?.name ?? job.job_id),
    }));
  },
  warehouses: async () =>
    ((await data(api.GET("/api/2.0/sql/warehouses"))).warehouses ?? []).map((each) => ({
      id: String(each.id),
      name: String(each.name),
    })),
  "cluster-policies": async () =>
    (await data(api.GET("/api/2.0/policies/clusters/list"))).policies.map((each) => ({
      id: each.policy_id,
      name: each.name,
    })),
  "instance-pools": async () =>
    ((await data(api.GET("/api/2.0/instance-pools/list"))).instance_pools ?? []).map((each) => ({
      id: each.instance_pool_id,
      name: each.instance_pool_name,
    })),
  authorization: async () => [{ id: "tokens", name: "Tokens" }],
};

/** Some objects of a kind to choose from; none where they are too many to list: ask for their id. */
export function objectsQuery(type: string) {
  return queryOptions({
    queryKey: ["permissions", "objects", type],
    queryFn: async (): Promise<NamedObject[]> => (await LISTS[type]?.()) ?? [],
  });
}
