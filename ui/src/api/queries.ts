import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, data, type Schema } from "./client";
import type { StatementView } from "./statements";
import { useChange } from "./use-change";

export type SavedQuery = Schema["QueryView"];
export type QueryParameter = Schema["QueryParameter"];
export type QueryVersion = Schema["VersionItem"];

const MOST = 1000;
const VERSIONS = 100;

/** The saved queries that one may see, newest first. */
export const savedQueriesQuery = queryOptions({
  queryKey: ["queries", "list"],
  queryFn: async (): Promise<SavedQuery[]> =>
    (await data(api.GET("/api/2.0/sql/queries", { params: { query: { page_size: MOST } } })))
      .results ?? [],
});

export function savedQueryQuery(query_id: string) {
  return queryOptions({
    queryKey: ["queries", "one", query_id],
    queryFn: () =>
      data(api.GET("/api/2.0/sql/queries/{query_id}", { params: { path: { query_id } } })),
  });
}

export type QueryWish = Partial<Schema["QueryFields"]>;

/** Save a new query, or change one when it has an id: only what is given. */
export function useSaveQuery() {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: ({ id, wish }: { id?: string; wish: QueryWish }): Promise<SavedQuery> =>
      id
        ? data(
            api.PATCH("/api/2.0/sql/queries/{query_id}", {
              params: { path: { query_id: id } },
              body: body<Schema["UpdateQuery"]>({
                query: wish,
                update_mask: Object.keys(wish).join(","),
              }),
            }),
          )
        : data(
            api.POST("/api/2.0/sql/queries", {
              body: { query: body<Schema["QueryFields"]>(wish), auto_resolve_display_name: false },
            }),
          ),
    onSuccess: (saved) => {
      cache.setQueryData(savedQueryQuery(saved.id).queryKey, saved);
      return cache.invalidateQueries({ queryKey: ["queries"] });
    },
  });
}

export function useTrashQuery() {
  return useChange(["queries"], (query_id: string) =>
    data(api.DELETE("/api/2.0/sql/queries/{query_id}", { params: { path: { query_id } } })),
  );
}

/** Run a query as it is saved, with values for its parameters. */
export function runSavedQuery(
  query_id: string,
  wish: {
    warehouse_id: string;
    parameters: Record<string, string | null>;
    row_limit?: number;
    idempotency_token?: string;
  },
): Promise<StatementView> {
  return data(
    api.POST("/api/openlake/1.0/queries/{query_id}/run", {
      params: { path: { query_id } },
      body: body<Schema["RunQuery"]>({
        ...wish,
        wait_timeout: "0s",
        disposition: "EXTERNAL_LINKS",
      }),
    }),
  );
}

// Versions ------------------------------------------------------------------------------------

export function queryVersionsQuery(query_id: string) {
  return queryOptions({
    queryKey: ["queries", "versions", query_id],
    queryFn: async (): Promise<QueryVersion[]> =>
      (
        await data(
          api.GET("/api/openlake/1.0/queries/{query_id}/versions", {
            params: { path: { query_id }, query: { limit: VERSIONS } },
          }),
        )
      ).versions ?? [],
  });
}

export function queryVersionQuery(query_id: string, version: number) {
  return queryOptions({
    queryKey: ["queries", "version", query_id, version],
    queryFn: () =>
      data(
        api.GET("/api/openlake/1.0/queries/{query_id}/versions/{version}", {
          params: { path: { query_id, version } },
        }),
      ),
  });
}

export function useRestoreQuery() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (at: { query_id: string; version: number }) =>
      data(
        api.POST("/api/openlake/1.0/queries/{query_id}/versions/{version}/restore", {
          params: { path: at },
        }),
      ),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["queries"] }),
  });
}
