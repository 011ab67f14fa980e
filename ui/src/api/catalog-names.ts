import { queryOptions } from "@tanstack/react-query";
import { api, data } from "./client";

/** Names of catalogs, schemas, tables and columns, kept for some minutes: for trees and completion. */

const KEPT_MS = 5 * 60_000;
const UNITY = "/api/2.1/unity-catalog";

export interface TableName {
  schema: string;
  name: string;
  full_name: string;
  type: string;
}

export interface ColumnName {
  name: string;
  type: string;
}

export const catalogNamesQuery = queryOptions({
  queryKey: ["catalog-names", "catalogs"],
  staleTime: KEPT_MS,
  queryFn: async (): Promise<string[]> =>
    ((await data(api.GET(`${UNITY}/catalogs`))).catalogs ?? []).map((each) => each.name),
});

export function schemaNamesQuery(catalog_name: string) {
  return queryOptions({
    queryKey: ["catalog-names", "schemas", catalog_name],
    staleTime: KEPT_MS,
    queryFn: async (): Promise<string[]> =>
      (
        (await data(api.GET(`${UNITY}/schemas`, { params: { query: { catalog_name } } })))
          .schemas ?? []
      ).map((each) => each.name),
  });
}

/** The tables of a schema. */
export function tableNamesQuery(catalog: string, schema: string) {
  return queryOptions({
    queryKey: ["catalog-names", "tables", catalog, schema],
    staleTime: KEPT_MS,
    // An underscore stands for any character in a pattern.
    queryFn: async () =>
      (await summaries(catalog, schema)).filter((each) => each.schema === schema),
  });
}

/** The tables of a catalog, of any schema, whose name contains a text. */
export function tableSearchQuery(catalog: string, text: string) {
  return queryOptions({
    queryKey: ["catalog-names", "search", catalog, text],
    staleTime: KEPT_MS,
    queryFn: () => summaries(catalog, undefined, `%${text}%`),
  });
}

async function summaries(
  catalog_name: string,
  schema_name_pattern?: string,
  table_name_pattern?: string,
): Promise<TableName[]> {
  const query = { catalog_name, schema_name_pattern, table_name_pattern };
  const found = await data(api.GET(`${UNITY}/table-summaries`, { params: { query } }));
  return (found.tables ?? []).map((each) => {
    const [, schema = "", ...rest] = each.full_name.split(".");
    return {
      schema,
      name: rest.join("."),
      full_name: each.full_name,
      type: each.table_type ?? "MANAGED",
    };
  });
}

export function columnNamesQuery(full_name: string) {
  return queryOptions({
    queryKey: ["catalog-names", "columns", full_name],
    staleTime: KEPT_MS,
    queryFn: async (): Promise<ColumnName[]> =>
      (
        (await data(api.GET(`${UNITY}/tables/{full_name}`, { params: { path: { full_name } } })))
          .columns ?? []
      ).map((each) => ({ name: each.name, type: each.type_text ?? each.type_name ?? "" })),
  });
}
