import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Wrench } from "lucide-react";
import { useMemo } from "react";
import { type Run, runSettingsQuery } from "@/api/run";
import { Button } from "@/components/button";
import { isOpen } from "@/lib/states";
import { type Shortcuts, useShortcuts } from "@/lib/use-shortcuts";
import { RepairDialog } from "./repair-dialog";
import type { RunNow } from "./use-run";

const route = getRouteApi("/_shell/jobs/$jobId/runs/$runId/");

/** Opens the repair of a run that has ended; so does the key r. The address says that it is open. */
export function RepairButton({ run, now }: { run: Run; now: RunNow }) {
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/jobs/$jobId/runs/$runId/" });
  const settings = useQuery(runSettingsQuery(run.run_id));
  const ended = !isOpen(now.state);
  const show = (open: boolean) =>
    void navigate({
      search: (before) => ({ ...before, repair: open || undefined }),
      replace: true,
    });
  const shortcuts = useMemo((): Shortcuts => {
    const open = () =>
      void navigate({ search: (before) => ({ ...before, repair: true }), replace: true });
    return ended ? { r: open } : {};
  }, [ended, navigate]);
  useShortcuts(shortcuts);
  if (!ended) return null;
  return (
    <>
      <Button kind={now.state === "SUCCESS" ? "plain" : "primary"} onClick={() => show(true)}>
        <Wrench aria-hidden />
        Repair
      </Button>
      <RepairDialog
        run={run}
        tasks={now.tasks}
        isTransaction={Boolean(settings.data?.settings.publish)}
        open={search.repair === true && now.whole}
        onOpenChange={show}
      />
    </>
  );
}
