import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data, JOBS_VERSION } from "./client";
import { type Run, runKey } from "./run";

/** What a repair is to do. */
export interface RepairChoice {
  /** Exactly these; none asks only to publish again. */
  tasks: string[];
  /** Only those that differ from the run's. */
  parameters: Record<string, string>;
  settings: "CURRENT" | "ORIGINAL";
}

/** Let an ended run go on; the answer is the repair's id. */
export function useRepair(run: Run) {
  const cache = useQueryClient();
  return useMutation({
    meta: { quiet: true },
    mutationFn: (choice: RepairChoice) =>
      data(
        api.POST("/api/{version}/jobs/runs/repair", {
          params: { path: { version: JOBS_VERSION } },
          body: {
            run_id: run.run_id,
            // The API wants one or the other; what depends on them is among the chosen ones already.
            rerun_tasks: choice.tasks.length > 0 ? choice.tasks : null,
            rerun_all_failed_tasks: choice.tasks.length === 0,
            rerun_dependent_tasks: false,
            job_parameters: choice.parameters,
            openlake_settings: choice.settings,
            latest_repair_id: latestRepair(run),
          },
        }),
      ),
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: runKey(run.run_id) }),
        cache.invalidateQueries({ queryKey: ["jobs"] }),
      ]),
  });
}

/** The newest repair, which the next one has to name: so two people do not repair at once. */
function latestRepair(run: Run): number | undefined {
  return run.repair_history?.findLast((item) => item.type === "REPAIR")?.id ?? undefined;
}
