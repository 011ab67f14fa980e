import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ExternalLink, TriangleAlert } from "lucide-react";
import { Fragment, type ReactNode } from "react";
import type { ConsoleSettings } from "@/api/console-settings";
import { type Run, runQuery } from "@/api/run";
import { transactionQuery } from "@/api/transaction";
import { Elapsed, Time } from "@/components/time";
import { causeOf } from "@/lib/run-trigger";
import { isFailure, isOpen, lookOf } from "@/lib/states";
import { firstFailed } from "./run-tasks";
import { temporalUrl } from "./temporal";
import type { RunNow } from "./use-run";

/** One line below the run's name: what started it, when, for how long, with which parameters. */
export function RunFacts({ run, temporal }: { run: Run; temporal: ConsoleSettings | null }) {
  // Replays are no runs of the job itself.
  const transaction = useQuery({
    ...transactionQuery(run.run_id),
    enabled: run.run_type !== "JOB_RUN",
  });
  const job = { jobId: String(run.job_id) };
  const repairs = (run.repair_history ?? []).filter((item) => item.type === "REPAIR");
  const url = temporal && temporalUrl(temporal, run.run_id, repairs.length);
  const facts: (ReactNode | false | null | "")[] = [
    <>
      Started <Time at={run.start_time} /> <StartedBy run={run} />
    </>,
    <>
      Took <Elapsed className="font-medium text-ink" from={run.start_time} to={run.end_time} />
    </>,
    repairs.length > 0 && (
      <>
        Repaired {repairs.length === 1 ? "once" : `${repairs.length} times`}, last{" "}
        <Time at={repairs.at(-1)?.start_time} />
      </>
    ),
    transaction.data?.replay_of && <ReplayOf runId={transaction.data.replay_of} />,
    run.job_version && (
      <Link
        to="/jobs/$jobId/versions"
        params={job}
        search={{ version: run.job_version }}
        className="hover:text-accent hover:underline"
      >
        Version {run.job_version}
      </Link>
    ),
    url && (
      <a
        href={url}
        target="_blank"
        rel="noreferrer"
        className="inline-flex items-center gap-1 hover:text-accent hover:underline"
      >
        Temporal
        <ExternalLink aria-hidden className="size-3" />
      </a>
    ),
  ];
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
      {facts.filter(Boolean).map((fact, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a fact is its place
        <Fragment key={place}>
          {place > 0 && <span className="text-line-strong">·</span>}
          <span className="inline-flex items-center gap-1">{fact}</span>
        </Fragment>
      ))}
      {run.job_parameters.map((parameter) => (
        <span
          key={parameter.name}
          title={`${parameter.name} = ${parameter.value}`}
          className="inline-flex max-w-64 items-center truncate rounded bg-sunken px-1.5 py-0.5 font-mono text-xs text-ink"
        >
          <span className="text-ink-faint">{parameter.name}=</span>
          <span className="truncate">{parameter.value}</span>
        </span>
      ))}
    </div>
  );
}

function StartedBy({ run }: { run: Run }) {
  const cause = causeOf(run);
  if (cause.parentTaskRunId) return <Parent taskRunId={cause.parentTaskRunId} />;
  if (cause.backfillId)
    return (
      <Link
        to="/jobs/$jobId"
        params={{ jobId: String(run.job_id) }}
        search={{ tab: "details" }}
        className="text-accent hover:underline"
      >
        by backfill {cause.backfillId}
      </Link>
    );
  return <>{cause.words}</>;
}

/** The run that this one runs again on the data that it had. */
function ReplayOf({ runId }: { runId: number }) {
  const { data: original } = useQuery(runQuery(runId));
  if (!original) return <>Replays run {runId}</>;
  return (
    <>
      Replays{" "}
      <Link
        to="/jobs/$jobId/runs/$runId"
        params={{ jobId: String(original.job_id), runId: String(runId) }}
        className="text-accent hover:underline"
      >
        run {runId}
      </Link>
    </>
  );
}

/** The task of another job that asked for this run. */
function Parent({ taskRunId }: { taskRunId: number }) {
  const { data: parent } = useQuery(runQuery(taskRunId));
  if (!parent?.job_run_id) return <>by a task of another job</>;
  return (
    <>
      by{" "}
      <Link
        to="/jobs/$jobId/runs/$runId"
        params={{ jobId: String(parent.job_id), runId: String(parent.job_run_id) }}
        className="text-accent hover:underline"
      >
        a run of {parent.run_name}
      </Link>
    </>
  );
}

/** What went wrong, and where to look; nothing while all is well. */
export function RunTrouble({ run, now }: { run: Run; now: RunNow }) {
  if (now.state === "QUEUED" && now.message) return <Note tone="warn">{now.message}</Note>;
  const failed = firstFailed(now.tasks);
  const over = !isOpen(now.state);
  const bad = isFailure(now.state);
  if (!failed && !(over && (bad || now.state === "SKIPPED"))) return null;
  // That a task failed, as the run says it, is less than what the task says.
  const ofTask = failed && (!now.message || now.message.startsWith("Task "));
  const said = ofTask ? `${failed.key}: ${failed.message}` : now.message;
  return (
    <Note tone={bad ? "bad" : "warn"}>
      <span className="whitespace-pre-wrap">
        {failed ? said.replace(/\.$/, "") : said || lookOf(now.state).label}
      </span>
      {failed?.taskRunId && (
        <>
          {". "}
          <Link
            to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
            params={{
              jobId: String(run.job_id),
              runId: String(run.run_id),
              taskRunId: String(failed.taskRunId),
            }}
            className="font-medium underline"
          >
            Open the log of {failed.key}
          </Link>
          {over && ", mend what failed, then repair the run: what succeeded is kept."}
        </>
      )}
    </Note>
  );
}

function Note({ tone, children }: { tone: "bad" | "warn"; children: ReactNode }) {
  const colours = tone === "bad" ? "bg-bad-soft text-bad" : "bg-warn-soft text-warn";
  return (
    <div className={`flex items-start gap-2 rounded-lg px-3 py-2 text-sm ${colours}`}>
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <p className="min-w-0 break-words">{children}</p>
    </div>
  );
}
