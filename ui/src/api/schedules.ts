import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, data } from "./client";

interface Schedule {
  quartz_cron_expression: string;
  timezone_id: string;
  /** So many of the next instants. */
  count: number;
}

/** What a schedule means, in words and in instants. */
export function schedulePreviewQuery(schedule: Schedule) {
  return queryOptions({
    queryKey: ["schedule-preview", schedule],
    queryFn: () => data(api.POST("/api/openlake/1.0/schedules/preview", { body: schedule })),
    enabled: Boolean(schedule.quartz_cron_expression && schedule.timezone_id),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
}
