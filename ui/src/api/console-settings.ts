import { queryOptions } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";

export type ConsoleSettings = Schema["ConsoleFacts"];

/** What the console has to know of its installation: OpenLake's version, where Temporal's own UI is. */
export const consoleSettingsQuery = queryOptions({
  queryKey: ["console-settings"],
  queryFn: () => data(api.GET("/api/openlake/1.0/console/settings")),
  staleTime: Number.POSITIVE_INFINITY,
});
