import { Link } from "@tanstack/react-router";
import { CalendarClock, CircleDashed, CirclePause, Infinity as Forever, Play } from "lucide-react";
import type { JobOverview } from "@/api/job-overviews";
import { IconButton } from "@/components/button";
import type { Column } from "@/components/data-table";
import { RunBars } from "@/components/run-bars";
import { StateIcon } from "@/components/state-badge";
import { Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { lookOf } from "@/lib/states";
import { JobMenu } from "./job-menu";
import { canRun } from "./job-rights";

interface Doing {
  onTag: (tag: string) => void;
  onOwner: (owner: string) => void;
  onRun: (job: JobOverview) => void;
  onBackfill: (job: JobOverview) => void;
}

/** What the list shows of a job. */
export function jobColumns({ onTag, onOwner, onRun, onBackfill }: Doing): Column<JobOverview>[] {
  return [
    {
      id: "state",
      header: <span className="sr-only">State of the last run</span>,
      width: "2.25rem",
      className: "pr-0",
      cell: (job) => <LastState job={job} />,
    },
    {
      id: "name",
      header: "Name",
      sort: (job) => job.name,
      className: "max-w-0",
      cell: (job) => (
        <span className="flex items-center gap-2">
          <Link
            to="/jobs/$jobId"
            params={{ jobId: String(job.job_id) }}
            title={job.description ?? job.name}
            className="min-w-0 truncate font-medium hover:text-accent hover:underline"
          >
            {job.name}
          </Link>
          <Tags tags={job.tags} onTag={onTag} />
        </span>
      ),
    },
    {
      id: "trigger",
      header: "Trigger",
      width: "29%",
      className: "max-w-0",
      cell: (job) => <Trigger job={job} />,
    },
    {
      id: "owner",
      header: "Owner",
      width: "9rem",
      wide: true,
      className: "max-w-0",
      cell: ({ owner_user_name: owner }) => (
        <button
          type="button"
          title={`${owner}: show only theirs`}
          onClick={() => onOwner(owner)}
          className="block max-w-full truncate text-ink-soft hover:text-accent"
        >
          {owner.split("@")[0]}
        </button>
      ),
    },
    {
      id: "last",
      header: "Last run",
      width: "7rem",
      sort: (job) => job.last_runs[0]?.start_time,
      cell: (job) => <Time at={job.last_runs[0]?.start_time} className="text-ink-soft" />,
    },
    {
      id: "runs",
      header: "Last runs",
      width: "8.5rem",
      cell: (job) => <RunBars jobId={job.job_id} runs={job.last_runs} />,
    },
    {
      id: "actions",
      header: <span className="sr-only">Actions</span>,
      width: "5.5rem",
      className: "pl-0",
      cell: (job) => (
        <span className="flex justify-end">
          <IconButton
            label={`Run ${job.name} now`}
            disabled={!canRun(job)}
            onClick={() => onRun(job)}
          >
            <Play />
          </IconButton>
          <JobMenu job={job} onBackfill={() => onBackfill(job)} />
        </span>
      ),
    },
  ];
}

function LastState({ job }: { job: JobOverview }) {
  const state = job.last_runs[0]?.state;
  const label = state ? lookOf(state).label : "No runs yet";
  return (
    <span title={label} className="flex">
      {state ? (
        <StateIcon state={state} />
      ) : (
        <CircleDashed aria-hidden className="size-4 text-ink-faint/60" />
      )}
      <span className="sr-only">{label}</span>
    </span>
  );
}

const TAGS_SHOWN = 2;

function Tags({ tags, onTag }: { tags: Record<string, string>; onTag: (tag: string) => void }) {
  const all = Object.entries(tags);
  return (
    <span className="flex shrink-0 items-center gap-1 max-xl:hidden">
      {all.slice(0, TAGS_SHOWN).map(([key, value]) => (
        <button
          key={key}
          type="button"
          title={`${key}: ${value}`}
          onClick={() => onTag(value ? `${key}:${value}` : key)}
          className="max-w-28 shrink-0 truncate rounded bg-sunken px-1.5 py-0.5 text-xs text-ink-soft hover:bg-accent-soft hover:text-accent"
        >
          {value ? `${key}: ${value}` : key}
        </button>
      ))}
      {all.length > TAGS_SHOWN && (
        <span className="shrink-0 text-xs text-ink-faint">+{all.length - TAGS_SHOWN}</span>
      )}
    </span>
  );
}

function Trigger({ job: { trigger } }: { job: JobOverview }) {
  if (trigger.kind === "none") return <span className="text-ink-faint">By hand</span>;
  const paused = trigger.pause_status === "PAUSED";
  const Icon = paused ? CirclePause : trigger.kind === "continuous" ? Forever : CalendarClock;
  const words = trigger.words.charAt(0).toUpperCase() + trigger.words.slice(1);
  return (
    <span className={cx("flex items-center gap-2", paused ? "text-ink-faint" : "text-ink-soft")}>
      <Icon aria-hidden className={cx("size-4 shrink-0", paused && "text-warn")} />
      <span className="min-w-0 truncate" title={words}>
        {words}
      </span>
      {paused ? (
        <span className="shrink-0 rounded bg-warn-soft px-1.5 py-0.5 text-xs font-medium text-warn">
          Paused
        </span>
      ) : (
        trigger.next_fire_at && (
          <span className="shrink-0 text-xs text-ink-faint">
            next <Time at={trigger.next_fire_at} />
          </span>
        )
      )}
    </span>
  );
}
