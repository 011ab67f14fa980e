import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";

/** Which jobs made which tables from what; see `control/lineage` for how it becomes known. */

export type LineageMap = Schema["LineageMap"];
export type MapNode = Schema["MapNode"];
export type MapEdge = Schema["MapEdge"];
export type ColumnMap = Schema["ColumnMap"];
export type ImpactItem = Schema["ImpactItem"];

export const DIRECTIONS = ["both", "up", "down"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface Around {
  root?: string;
  direction?: Direction;
  depth?: number;
  limit?: number;
}

/** The map of the workspace, or what is around one node. */
export function lineageMapQuery(around: Around) {
  return queryOptions({
    queryKey: ["lineage", "map", around],
    staleTime: 30_000,
    queryFn: (): Promise<LineageMap> =>
      data(api.GET("/api/openlake/1.0/lineage/graph", { params: { query: around } })),
  });
}

/** Everything that depends on a table. */
export function impactQuery(table: string) {
  return queryOptions({
    queryKey: ["lineage", "impact", table],
    staleTime: 30_000,
    queryFn: () =>
      data(api.GET("/api/openlake/1.0/lineage/impact", { params: { query: { table } } })),
  });
}

const MOST_TABLES = 200;

/** The columns of tables, what they are made from and what is made from them. */
export function columnMapQuery(tables: string[]) {
  const table = tables.slice(0, MOST_TABLES).sort();
  return queryOptions({
    queryKey: ["lineage", "columns", table],
    staleTime: 30_000,
    enabled: table.length > 0,
    queryFn: (): Promise<ColumnMap> =>
      data(api.GET("/api/openlake/1.0/lineage/columns", { params: { query: { table } } })),
  });
}
