import { useNavigate } from "@tanstack/react-router";
import { CirclePlay, Ellipsis, History, Square } from "lucide-react";
import { type Run, useCancelRun, useReplay, useRunAgain } from "@/api/run";
import { Button, IconButton } from "@/components/button";
import { Confirm, Menu } from "@/components/overlay";
import { isOpen } from "@/lib/states";
import { RepairButton } from "./repair-button";
import type { RunNow } from "./use-run";

/** What can be done with a run as it stands. */
export function RunActions({ run, now }: { run: Run; now: RunNow }) {
  const cancel = useCancelRun();
  const again = useRunAgain();
  const replay = useReplay();
  const navigate = useNavigate();
  const open = isOpen(now.state);
  const isJob = run.run_type === "JOB_RUN";
  const show = (runId: number) =>
    navigate({
      to: "/jobs/$jobId/runs/$runId",
      params: { jobId: String(run.job_id), runId: String(runId) },
    });
  return (
    <>
      {open && (
        <Confirm
          trigger={
            <Button kind="danger" disabled={now.state === "TERMINATING"}>
              <Square aria-hidden />
              {now.state === "TERMINATING" ? "Cancelling" : "Cancel run"}
            </Button>
          }
          title="Cancel this run?"
          action="Cancel run"
          onConfirm={() => cancel.mutateAsync(run.run_id)}
        >
          Tasks that run are stopped, tasks that wait are not begun. It can be repaired afterwards.
        </Confirm>
      )}
      <RepairButton run={run} now={now} />
      {!open && isJob && (
        <Button
          busy={again.isPending}
          onClick={() => void again.mutateAsync(run).then(show, () => undefined)}
        >
          <CirclePlay aria-hidden />
          Run again
        </Button>
      )}
      <Menu
        label="More actions"
        trigger={
          <IconButton label="More actions" className="border border-line-strong">
            <Ellipsis />
          </IconButton>
        }
        items={[
          ...(open && isJob
            ? [
                {
                  label: "Run again with the same parameters",
                  icon: <CirclePlay aria-hidden />,
                  onSelect: () => void again.mutateAsync(run).then(show, () => undefined),
                },
              ]
            : []),
          {
            label: "Replay on the data it had",
            icon: <History aria-hidden />,
            disabled: open || replay.isPending,
            onSelect: () => void replay.mutateAsync(run.run_id).then(show, () => undefined),
          },
        ]}
      />
    </>
  );
}
