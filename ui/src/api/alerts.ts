import { queryOptions } from "@tanstack/react-query";
import { api, body, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type Alert = Schema["AlertView"];
export type AlertWish = Schema["AlertFields"];
export type AlertOp = Schema["AlertOp"];

const MOST = 1000;

/** All alerts that one may see, newest first. */
export const alertsQuery = queryOptions({
  queryKey: ["alerts"],
  queryFn: async (): Promise<Alert[]> =>
    (await data(api.GET("/api/2.0/sql/alerts", { params: { query: { page_size: MOST } } })))
      .results ?? [],
});

export function useCreateAlert() {
  return useChange(["alerts"], (alert: Partial<AlertWish>) =>
    data(
      api.POST("/api/2.0/sql/alerts", {
        body: body<Schema["CreateAlert"]>({ alert: body<AlertWish>(alert) }),
      }),
    ),
  );
}

export function useTrashAlert() {
  return useChange(["alerts"], (alert_id: string) =>
    data(api.DELETE("/api/2.0/sql/alerts/{alert_id}", { params: { path: { alert_id } } })),
  );
}
