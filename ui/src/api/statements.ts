import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import type { Cell } from "@/lib/cells";
import { api, body, data, fetchRaw, inWorkspaceUrl, type Schema } from "./client";

export type StatementView = Schema["StatementView"];
export type Manifest = Schema["ResultManifest"];
export type HistoryItem = Schema["QueryInfo"];

export interface StatementOrder {
  statement: string;
  warehouse_id: string;
  catalog?: string;
  schema?: string;
  parameters: { name: string; value: string | null; type: string }[];
  row_limit?: number;
  /** Sent again with the same one, it is still one statement. */
  idempotency_token?: string;
  /** The saved query whose editor sends it: it stands in the query's runs. */
  query_id?: string;
}

const QUERY_TAG = "openlake.query_id";
const OWN = "/api/openlake/1.0/statements/{statement_id}";

/** Send a statement; its answer may be of any size, and is read chunk by chunk. */
export function sendStatement({ query_id, ...order }: StatementOrder): Promise<StatementView> {
  return data(
    api.POST("/api/2.0/sql/statements", {
      body: body<Schema["ExecuteStatement"]>({
        ...order,
        parameters: order.parameters.map((each) => ({ ...each })),
        wait_timeout: "0s",
        disposition: "EXTERNAL_LINKS",
        query_tags: query_id ? [{ key: QUERY_TAG, value: query_id }] : [],
      }),
    }),
  );
}

/** Wait for a statement's end, up to `seconds`. */
export function followStatement(
  statement_id: string,
  seconds: number,
  signal?: AbortSignal,
): Promise<StatementView> {
  const params = { path: { statement_id }, query: { wait_s: seconds } };
  return data(api.GET(OWN, { params, signal: signal ?? null }));
}

export function cancelStatement(statement_id: string): Promise<unknown> {
  const params = { path: { statement_id } };
  return data(api.POST("/api/2.0/sql/statements/{statement_id}/cancel", { params }));
}

/** The rows of one chunk of an answer. */
export async function fetchChunk(
  statementId: string,
  index: number,
  signal: AbortSignal,
): Promise<Cell[][]> {
  const path = `/api/openlake/1.0/statements/${statementId}/chunks/${index}`;
  return (await (await fetchRaw(path, { signal })).json()) as Cell[][];
}

export type FileFormat = "csv" | "json" | "parquet";

/** A link that downloads all rows of an answer. */
export function downloadUrl(statementId: string, format: FileFormat): string {
  return inWorkspaceUrl(`/api/openlake/1.0/statements/${statementId}/download?format=${format}`);
}

// History -------------------------------------------------------------------------------------

export interface HistoryFilter {
  status?: Schema["QueryStatus"][];
  warehouse?: string;
  user?: number;
  /** Milliseconds since 1970. */
  since?: number;
  until?: number;
  query?: string;
}

const PAGE = 100;

/** Statements, newest first, page by page. */
export function historyQuery(filter: HistoryFilter) {
  return infiniteQueryOptions({
    queryKey: ["statements", "history", filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => historyPage(filter, pageParam),
    getNextPageParam: (page) => page.next_page_token ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.res?.some((each) => !each.is_final))
        ? RUNNING_AGAIN_MS
        : false,
  });
}

const RUNNING_AGAIN_MS = 3000;

function historyPage(filter: HistoryFilter, page_token?: string) {
  const start = filter.since;
  return data(
    api.GET("/api/2.0/sql/history/queries", {
      params: {
        query: {
          max_results: PAGE,
          include_metrics: true,
          page_token,
          "filter_by.statuses": filter.status,
          "filter_by.warehouse_ids": filter.warehouse ? [filter.warehouse] : undefined,
          "filter_by.user_ids": filter.user ? [filter.user] : undefined,
          "filter_by.query_start_time_range.start_time_ms": start,
          "filter_by.query_start_time_range.end_time_ms": filter.until,
          "filter_by.sql_query_id": filter.query,
        },
      },
    }),
  );
}

/** How busy a warehouse was: its last statements, at most a thousand. */
export function warehouseHistoryQuery(warehouse: string, since: number) {
  return queryOptions({
    queryKey: ["statements", "of-warehouse", warehouse, since],
    queryFn: () =>
      data(
        api.GET("/api/2.0/sql/history/queries", {
          params: {
            query: {
              max_results: 999,
              include_metrics: true,
              "filter_by.warehouse_ids": [warehouse],
              "filter_by.query_start_time_range.start_time_ms": since,
            },
          },
        }),
      ),
  });
}

/** Cancel a statement from a list of them. */
export function useCancelStatement() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: cancelStatement,
    onSuccess: () => cache.invalidateQueries({ queryKey: ["statements"] }),
  });
}
