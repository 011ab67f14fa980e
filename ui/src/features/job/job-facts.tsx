import { Link } from "@tanstack/react-router";
import { CalendarClock, CirclePause, Tag, UserRound } from "lucide-react";
import type { JobOverview } from "@/api/job-overviews";
import { Time } from "@/components/time";
import { plural } from "@/lib/numbers";

/** The job's tags; each leads to the jobs that have it too. */
export function JobTags({ job }: { job: JobOverview }) {
  return (
    <>
      {job.trigger.pause_status === "PAUSED" && (
        <span className="inline-flex items-center gap-1 rounded-full bg-warn-soft px-2 py-0.5 text-xs font-medium text-warn">
          <CirclePause aria-hidden className="size-3.5" />
          Paused
        </span>
      )}
      {Object.entries(job.tags).map(([name, value]) => (
        <Link
          key={name}
          to="/jobs"
          search={{ tag: value ? `${name}:${value}` : name }}
          className="inline-flex items-center gap-1 rounded-full border border-line px-2 py-0.5 text-xs text-ink-soft hover:border-accent hover:text-accent"
        >
          <Tag aria-hidden className="size-3" />
          {value ? `${name}: ${value}` : name}
        </Link>
      ))}
    </>
  );
}

/** What starts the job, when next, and as whom it runs. */
export function JobFacts({ job }: { job: JobOverview }) {
  const { trigger } = job;
  return (
    <div className="flex flex-col gap-1 text-sm">
      {job.description && <p className="max-w-3xl">{job.description}</p>}
      <p className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <span className="inline-flex items-center gap-1.5">
          <CalendarClock aria-hidden className="size-3.5 text-ink-faint" />
          {trigger.kind === "none" ? "Started by hand" : capital(trigger.words)}
          {trigger.next_fire_at && (
            <span className="text-ink-faint">
              , next <Time at={trigger.next_fire_at} />
            </span>
          )}
        </span>
        <span className="inline-flex items-center gap-1.5">
          <UserRound aria-hidden className="size-3.5 text-ink-faint" />
          {job.owner_user_name}
          {job.run_as_user_name !== job.owner_user_name && (
            <span className="text-ink-faint">, runs as {job.run_as_user_name}</span>
          )}
        </span>
        <span className="text-ink-faint">
          {plural(job.task_count, "task")} · job {job.job_id}
        </span>
      </p>
    </div>
  );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
