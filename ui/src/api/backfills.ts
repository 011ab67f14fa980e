import { keepPreviousData, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
import { useChange } from "./use-change";

export type Backfill = Schema["BackfillView"];

/** An order to run a job for each date of a range; see the API's `StartBackfill`. */
export interface BackfillOrder {
  from: string;
  to: string;
  every: string | null;
  timezone_id: string | null;
  max_concurrent_runs: number;
  parameters: Record<string, string>;
  reverse: boolean;
}

const PATH = "/api/openlake/1.0/jobs/{job_id}/backfills";

/** A job's backfills, newest first, without their dates. */
export function backfillsQuery(jobId: number) {
  return queryOptions({
    queryKey: ["jobs", jobId, "backfills"],
    queryFn: async () =>
      (await data(api.GET(PATH, { params: { path: { job_id: jobId } } }))).backfills ?? [],
  });
}

/** One backfill with its first thousand dates. */
export function backfillQuery(jobId: number, backfillId: number) {
  return queryOptions({
    queryKey: ["jobs", jobId, "backfills", backfillId],
    queryFn: () =>
      data(
        api.GET(`${PATH}/{backfill_id}`, {
          params: { path: { job_id: jobId, backfill_id: backfillId } },
        }),
      ),
  });
}

/** Which runs an order would make; asks the server, which makes none. */
export function backfillPreviewQuery(jobId: number, order: BackfillOrder | null) {
  return queryOptions({
    queryKey: ["backfill-preview", jobId, order],
    queryFn: () => post(jobId, order as BackfillOrder, true),
    enabled: order !== null,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
}

async function post(jobId: number, order: BackfillOrder, dry_run: boolean, token?: string) {
  const body = { ...order, dry_run, idempotency_token: token ?? null };
  return data(api.POST(PATH, { params: { path: { job_id: jobId } }, body }));
}

/** Begin a backfill. */
export function useStartBackfill(jobId: number) {
  return useChange(["jobs"], ({ order, token }: { order: BackfillOrder; token: string }) =>
    post(jobId, order, false, token),
  );
}

/** Stop a backfill, or run again those dates of an ended one that did not succeed. */
export function useBackfillAction(jobId: number) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, action }: { id: number; action: "cancel" | "rerun" }) => {
      const params = { path: { job_id: jobId, backfill_id: id } };
      if (action === "cancel") await data(api.POST(`${PATH}/{backfill_id}/cancel`, { params }));
      else await data(api.POST(`${PATH}/{backfill_id}/rerun`, { params }));
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: ["jobs"] }),
  });
}
