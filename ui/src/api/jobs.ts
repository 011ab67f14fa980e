import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { JobSettings } from "@/lib/job-settings";
import { api, data, fetchRaw, JOBS_VERSION } from "./client";
import { useChange } from "./use-change";

const PATH = { path: { version: JOBS_VERSION } } as const;

/** A job's settings, whole, and the version of them that this is. */
export interface CurrentSettings {
  version: number;
  editor: string;
  created_at: number;
  settings: JobSettings;
}

/** A job's settings as they are now: all of its tasks, not a page of them. */
export function jobSettingsQuery(jobId: number) {
  return queryOptions({
    queryKey: ["jobs", jobId, "settings"],
    queryFn: (): Promise<CurrentSettings> => readSettings(jobId),
  });
}

/** Read a job's settings now, whatever the cache has. */
export async function readSettings(jobId: number): Promise<CurrentSettings> {
  const { versions } = await data(
    api.GET("/api/openlake/1.0/jobs/{job_id}/versions", {
      params: { path: { job_id: jobId }, query: { limit: 1 } },
    }),
  );
  const found = await data(
    api.GET("/api/openlake/1.0/jobs/{job_id}/versions/{version}", {
      params: { path: { job_id: jobId, version: versions?.[0]?.version ?? 1 } },
    }),
  );
  return { ...found, settings: found.settings as JobSettings };
}

const YAML = { "Content-Type": "application/yaml" };

/** Make a job from the YAML of its settings; gives its id. */
export function useCreateJob() {
  return useChange(["jobs"], async (text: string): Promise<number> => {
    const init = { method: "POST", headers: YAML, body: text };
    const answer = await fetchRaw(`/api/${JOBS_VERSION}/jobs/create`, init);
    return ((await answer.json()) as { job_id: number }).job_id;
  });
}

/** Replace a job's settings by those of a YAML text. */
export function useResetJob(jobId: number) {
  return useChange(["jobs"], async (text: string) => {
    const init = { method: "POST", headers: YAML, body: text };
    await fetchRaw(`/api/${JOBS_VERSION}/jobs/reset?job_id=${jobId}`, init);
  });
}

/** Pause what starts a job by itself, or let it go on. */
export function usePauseJob() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async ({ jobId, paused }: { jobId: number; paused: boolean }) => {
      const { settings } = await readSettings(jobId);
      const pause_status = paused ? "PAUSED" : "UNPAUSED";
      const starter = (["schedule", "trigger", "continuous"] as const).find((n) => settings[n]);
      if (!starter) return;
      const changed = { [starter]: { ...(settings[starter] as object), pause_status } };
      await data(
        api.POST("/api/{version}/jobs/update", {
          params: PATH,
          body: { job_id: jobId, new_settings: changed, fields_to_remove: [] },
        }),
      );
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

/** Delete a job; its runs stay. */
export function useDeleteJob() {
  return useChange(["jobs"], (jobId: number) =>
    data(api.POST("/api/{version}/jobs/delete", { params: PATH, body: { job_id: jobId } })),
  );
}

/** What a run is given beside the job's settings. */
export interface RunNowChoice {
  jobId: number;
  parameters?: Record<string, string>;
  /** Keys of tasks; `+key` takes what it depends on too, `key+` what depends on it. */
  only?: string[];
  /** Two requests with the same token make one run. */
  token?: string;
}

/** Start a run of a job; gives its id. */
export function useRunNow() {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: async ({ jobId, parameters, only, token }: RunNowChoice): Promise<number> => {
      const { run_id } = await data(
        api.POST("/api/{version}/jobs/run-now", {
          params: PATH,
          body: {
            job_id: jobId,
            job_parameters: parameters ?? {},
            only: only?.length ? only : null,
            idempotency_token: token ?? null,
          },
        }),
      );
      return run_id;
    },
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: ["jobs"] }),
        cache.invalidateQueries({ queryKey: ["runs"] }),
      ]),
  });
}
