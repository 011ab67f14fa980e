import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";

export type AuditEntry = Schema["AuditEntryView"];

/** What the trail is searched for; instants in milliseconds. */
export interface AuditFilter {
  actor?: string;
  action?: string;
  object_type?: string;
  object_id?: string;
  since?: number;
  until?: number;
}

const PAGE = 100;

/** What was done in the workspace, newest first, page by page; admins only. */
export function auditQuery(filter: AuditFilter) {
  return infiniteQueryOptions({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/openlake/1.0/audit", {
          params: { query: { ...filter, limit: PAGE, page_token: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_page_token ?? undefined,
  });
}
