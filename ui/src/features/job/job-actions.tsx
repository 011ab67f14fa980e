import { useNavigate } from "@tanstack/react-router";
import {
  CirclePause,
  CirclePlay,
  Ellipsis,
  FileClock,
  History,
  Pencil,
  Play,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import type { JobOverview } from "@/api/job-overviews";
import { useDeleteJob, usePauseJob } from "@/api/jobs";
import { Button, IconButton } from "@/components/button";
import { BackfillDialog } from "@/components/jobs/backfill-dialog";
import { RunNowDialog } from "@/components/jobs/run-now-dialog";
import { Dialog, Menu } from "@/components/overlay";
import { ErrorNote } from "@/components/states";

type Open = "run" | "backfill" | "delete" | null;

/** What can be done with a job. */
export function JobActions({ job }: { job: JobOverview }) {
  const [open, setOpen] = useState<Open>(null);
  const navigate = useNavigate();
  const pause = usePauseJob();
  const params = { jobId: String(job.job_id) };
  const paused = job.trigger.pause_status === "PAUSED";
  const dialog = (which: Open) => ({
    jobId: job.job_id,
    open: open === which,
    onOpenChange: (on: boolean) => setOpen(on ? which : null),
  });
  return (
    <>
      <Button onClick={() => void navigate({ to: "/jobs/$jobId/edit", params })}>
        <Pencil aria-hidden />
        Edit
      </Button>
      <Button kind="primary" onClick={() => setOpen("run")}>
        <Play aria-hidden />
        Run now
      </Button>
      <Menu
        label="More actions"
        trigger={
          <IconButton label="More actions" className="border border-line-strong">
            <Ellipsis />
          </IconButton>
        }
        items={[
          {
            label: "Backfill…",
            icon: <History aria-hidden />,
            onSelect: () => setOpen("backfill"),
          },
          {
            label: paused ? "Resume" : "Pause",
            icon: paused ? <CirclePlay aria-hidden /> : <CirclePause aria-hidden />,
            disabled: job.trigger.kind === "none",
            onSelect: () => pause.mutate({ jobId: job.job_id, paused: !paused }),
          },
          {
            label: "Versions",
            icon: <FileClock aria-hidden />,
            onSelect: () => void navigate({ to: "/jobs/$jobId/versions", params }),
          },
          null,
          {
            label: "Delete job…",
            icon: <Trash2 aria-hidden />,
            danger: true,
            onSelect: () => setOpen("delete"),
          },
        ]}
      />
      <RunNowDialog
        {...dialog("run")}
        onStarted={(runId) =>
          void navigate({
            to: "/jobs/$jobId/runs/$runId",
            params: { ...params, runId: String(runId) },
          })
        }
      />
      <BackfillDialog {...dialog("backfill")} />
      <DeleteDialog {...dialog("delete")} name={job.name} />
    </>
  );
}

interface DeleteDialogProps {
  jobId: number;
  name: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

function DeleteDialog({ jobId, name, open, onOpenChange }: DeleteDialogProps) {
  const remove = useDeleteJob();
  const navigate = useNavigate();
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete ${name}?`}
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Keep it</Button>
          <Button
            kind="danger"
            busy={remove.isPending}
            onClick={() =>
              remove.mutate(jobId, { onSuccess: () => void navigate({ to: "/jobs" }) })
            }
          >
            Delete job
          </Button>
        </>
      }
    >
      <p>
        Nothing starts it any more, and its settings cannot be brought back. Runs that are under way
        go on; what has run can still be read.
      </p>
      <ErrorNote error={remove.error} className="mt-3" />
    </Dialog>
  );
}
