import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, data, fetchRaw, type Schema } from "./client";

/** Tables and volumes as their pages show them. Names alone, for trees: `catalog-names`. */

const UNITY = "/api/2.1/unity-catalog";
const TABLES = "/api/openlake/1.0/tables/{name}";

export type TablePage = Schema["TablePage"];
export type Snapshot = Schema["Snapshot"];

const key = (name: string) => ["tables", name] as const;
const path = (name: string) => ({ params: { path: { name } } });

export function tablePageQuery(name: string) {
  return queryOptions({
    queryKey: [...key(name), "page"],
    queryFn: () => data(api.GET(TABLES, path(name))),
  });
}

/** A schema's tables with their size and last writer, a page after the other. */
export function schemaTablesQuery(schema: string) {
  return infiniteQueryOptions({
    queryKey: ["tables", "of-schema", schema],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/openlake/1.0/tables", {
          params: { query: { schema, limit: 100, page_token: pageParam } },
        }),
      ),
    getNextPageParam: (page) => page.next_page_token ?? undefined,
  });
}

export function snapshotsQuery(name: string) {
  return infiniteQueryOptions({
    queryKey: [...key(name), "snapshots"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      data(
        api.GET(`${TABLES}/snapshots`, {
          params: { path: { name }, query: { limit: 50, page_token: pageParam } },
        }),
      ),
    getNextPageParam: (page) => page.next_page_token ?? undefined,
  });
}

/** How the table changed from one snapshot to a later one. */
export function diffQuery(name: string, from: string, to: string) {
  return queryOptions({
    queryKey: [...key(name), "diff", from, to],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () =>
      data(api.GET(`${TABLES}/diff`, { params: { path: { name }, query: { from, to } } })),
  });
}

/** The rows that the two do not share, up to 200 of each side. */
export function rowDiffQuery(name: string, from: string, to: string) {
  return queryOptions({
    queryKey: [...key(name), "diff", from, to, "rows"],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () =>
      data(api.GET(`${TABLES}/diff/rows`, { params: { path: { name }, query: { from, to } } })),
  });
}

export function sampleQuery(name: string, limit: number) {
  return queryOptions({
    queryKey: [...key(name), "sample", limit],
    placeholderData: keepPreviousData,
    queryFn: () =>
      data(api.GET(`${TABLES}/sample`, { params: { path: { name }, query: { limit } } })),
  });
}

/** The branches of runs that have changed the table; a run that goes on may make one any time. */
export function branchesQuery(name: string) {
  return queryOptions({
    queryKey: ["runs", "branches", name],
    queryFn: () => data(api.GET(`${TABLES}/branches`, path(name))),
  });
}

export function partitionsQuery(name: string) {
  return queryOptions({
    queryKey: [...key(name), "partitions"],
    queryFn: () => data(api.GET(`${TABLES}/partitions`, path(name))),
  });
}

export function filesQuery(name: string) {
  return infiniteQueryOptions({
    queryKey: [...key(name), "files"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      data(
        api.GET(`${TABLES}/files`, {
          params: { path: { name }, query: { limit: 200, page_token: pageParam } },
        }),
      ),
    getNextPageParam: (page) => page.next_page_token ?? undefined,
  });
}

export type Volume = Schema["VolumeInfo"];

export function volumesQuery(catalog_name: string, schema_name: string) {
  return queryOptions({
    queryKey: ["volumes", catalog_name, schema_name],
    queryFn: async (): Promise<Volume[]> =>
      (
        (await data(
          api.GET(`${UNITY}/volumes`, { params: { query: { catalog_name, schema_name } } }),
        )) as { volumes?: Volume[] }
      ).volumes ?? [],
  });
}

export function volumeQuery(full_name: string) {
  return queryOptions({
    queryKey: ["volumes", full_name],
    queryFn: () =>
      data(api.GET(`${UNITY}/volumes/{full_name}`, { params: { path: { full_name } } })),
  });
}

/** Where a volume's files are in the Files API: `/Volumes/<catalog>/<schema>/<volume>`. */
export function volumePath(fullName: string, below = ""): string {
  const parts = [...fullName.split("."), ...below.split("/").filter(Boolean)];
  return `/Volumes/${parts.join("/")}`;
}

export function filesUrl(absolute: string): string {
  return `/api/2.0/fs/files${absolute.split("/").map(encodeURIComponent).join("/")}`;
}

export interface VolumeEntry {
  name: string;
  path: string;
  is_directory: boolean;
  file_size?: number;
  last_modified?: number;
}

/** A folder of a volume, a page after the other. */
export function folderQuery(absolute: string) {
  return infiniteQueryOptions({
    queryKey: ["folder", absolute],
    initialPageParam: "",
    queryFn: async ({ pageParam }) => {
      const encoded = absolute.split("/").map(encodeURIComponent).join("/");
      const token = pageParam ? `?page_token=${encodeURIComponent(pageParam)}` : "";
      const answer = await fetchRaw(`/api/2.0/fs/directories${encoded}${token}`);
      return (await answer.json()) as { contents?: VolumeEntry[]; next_page_token?: string };
    },
    getNextPageParam: (page) => page.next_page_token || undefined,
  });
}
