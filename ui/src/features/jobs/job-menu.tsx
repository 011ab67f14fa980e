import { useNavigate } from "@tanstack/react-router";
import {
  CalendarDays,
  CirclePause,
  CirclePlay,
  Copy,
  Ellipsis,
  History,
  Pencil,
  ShieldCheck,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import type { JobOverview } from "@/api/job-overviews";
import { useDeleteJob, usePauseJob } from "@/api/jobs";
import { IconButton } from "@/components/button";
import { Confirm, Menu } from "@/components/overlay";
import { canManage, canRun } from "./job-rights";

/** What else can be done with a job of the list. */
export function JobMenu({ job, onBackfill }: { job: JobOverview; onBackfill: () => void }) {
  const [asking, setAsking] = useState(false);
  const navigate = useNavigate();
  const remove = useDeleteJob();
  const pause = usePauseJob();
  const manage = canManage(job);
  const paused = job.trigger.pause_status === "PAUSED";
  const params = { jobId: String(job.job_id) };

  async function flip(): Promise<void> {
    await pause.mutateAsync({ jobId: job.job_id, paused: !paused });
    toast.success(paused ? `${job.name} goes on` : `${job.name} is paused`);
  }

  return (
    <>
      <Menu
        label={`More about ${job.name}`}
        trigger={
          <IconButton label={`More for ${job.name}`}>
            <Ellipsis />
          </IconButton>
        }
        items={[
          {
            label: "Edit",
            icon: <Pencil aria-hidden />,
            disabled: !manage,
            onSelect: () => void navigate({ to: "/jobs/$jobId/edit", params }),
          },
          {
            label: "Clone as YAML",
            icon: <Copy aria-hidden />,
            onSelect: () => void navigate({ to: "/jobs/new", search: { from: job.job_id } }),
          },
          {
            label: "Versions",
            icon: <History aria-hidden />,
            onSelect: () => void navigate({ to: "/jobs/$jobId/versions", params }),
          },
          null,
          {
            label: paused ? "Resume" : "Pause",
            icon: paused ? <CirclePlay aria-hidden /> : <CirclePause aria-hidden />,
            disabled: !manage || job.trigger.kind === "none",
            onSelect: () => void flip().catch(() => undefined),
          },
          {
            label: "Backfill",
            icon: <CalendarDays aria-hidden />,
            disabled: !canRun(job),
            onSelect: onBackfill,
          },
          {
            label: "Permissions",
            icon: <ShieldCheck aria-hidden />,
            onSelect: () =>
              void navigate({
                to: "/permissions",
                search: { type: "jobs", id: String(job.job_id) } as never,
              }),
          },
          null,
          {
            label: "Delete",
            icon: <Trash2 aria-hidden />,
            danger: true,
            disabled: !manage,
            onSelect: () => setAsking(true),
          },
        ]}
      />
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={`Delete ${job.name}?`}
        action="Delete job"
        onConfirm={async () => {
          await remove.mutateAsync(job.job_id);
          toast.success(`${job.name} is deleted`);
        }}
      >
        It starts no more, and runs that wait are cancelled. Runs that have ended stay.
      </Confirm>
    </>
  );
}
