import { Link } from "@tanstack/react-router";
import { ExternalLink, ScrollText, X } from "lucide-react";
import type { TaskEntry } from "@/api/run";
import { buttonClass, IconButton } from "@/components/button";
import { Facts } from "@/components/panel";
import { StateBadge, StateIcon } from "@/components/state-badge";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { runIfWords, whatItRuns } from "@/components/tasks/task-words";
import { Elapsed, Time } from "@/components/time";
import { taskTypeLabel, taskTypeOf } from "@/lib/job-settings";
import { isFailure, lookOf, oneWord } from "@/lib/states";
import { hasBegun, type RunTask } from "./run-tasks";

interface TaskPanelProps {
  jobId: number;
  runId: number;
  task: RunTask;
  onSelect: (task: string | undefined) => void;
}

/** The task that is looked at: what it is, its attempts, what it said; the same beside every part of the page. */
export function TaskPanel({ jobId, runId, task, onSelect }: TaskPanelProps) {
  const type = taskTypeOf(task.settings);
  const link = { jobId: String(jobId), runId: String(runId) };
  const call = task.settings.run_job_task as { job_id: number } | undefined;
  return (
    <aside
      aria-label={`Task ${task.key}`}
      className="flex w-88 shrink-0 flex-col overflow-y-auto rounded-lg border border-line bg-surface"
    >
      <header className="flex items-start gap-2 border-b border-line px-4 py-3">
        <TaskTypeIcon type={type} className="mt-1 text-ink-soft" />
        <div className="min-w-0 flex-1">
          <h2 className="text-sm font-semibold break-words">{task.key}</h2>
          <p className="text-xs text-ink-faint">{taskTypeLabel(type)}</p>
        </div>
        <IconButton label="Close" className="-mt-1 -mr-2" onClick={() => onSelect(undefined)}>
          <X />
        </IconButton>
      </header>
      <div className="flex flex-col gap-4 p-4">
        <div className="flex items-center gap-2">
          <StateBadge state={task.state} />
          <Elapsed from={task.startedAt} to={task.endedAt} className="text-ink-soft" />
        </div>
        {task.message && (
          <p
            className={
              isFailure(task.state)
                ? "rounded-md bg-bad-soft px-3 py-2 text-sm break-words whitespace-pre-wrap text-bad"
                : "text-sm break-words whitespace-pre-wrap text-ink-soft"
            }
          >
            {task.message}
          </p>
        )}
        {task.taskRunId && task.attempts > 0 && (
          <Link
            to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
            params={{ ...link, taskRunId: String(task.taskRunId) }}
            className={buttonClass()}
          >
            <ScrollText aria-hidden />
            Log and output
          </Link>
        )}
        {task.settings.description && (
          <p className="text-sm text-ink-soft">{task.settings.description}</p>
        )}
        <Facts items={factsOf(task, onSelect)} />
        {call && (
          <Link
            to="/jobs/$jobId"
            params={{ jobId: String(call.job_id) }}
            className="inline-flex items-center gap-1 text-sm text-accent hover:underline"
          >
            Open job {call.job_id}
            <ExternalLink aria-hidden className="size-3.5" />
          </Link>
        )}
        <Attempts entries={task.entries} link={link} />
      </div>
    </aside>
  );
}

function factsOf(task: RunTask, onSelect: (task: string) => void): [string, React.ReactNode][] {
  const { settings, iterations } = task;
  const needs = settings.depends_on ?? [];
  const rule = runIfWords(settings);
  const what = whatItRuns(settings);
  const facts: [string, React.ReactNode | false | ""][] = [
    ["Runs", what && <code className="font-mono text-xs break-all">{what}</code>],
    ["Outcome", task.outcome],
    [
      "Iterations",
      iterations &&
        `${iterations.succeeded_iterations} succeeded, ${iterations.failed_iterations} failed, ${iterations.active_iterations} at work, of ${iterations.total_iterations}`,
    ],
    [
      "After",
      needs.length > 0 && (
        <span className="flex flex-wrap gap-x-2 gap-y-0.5">
          {needs.map((need) => (
            <button
              key={need.task_key}
              type="button"
              className="text-accent hover:underline"
              onClick={() => onSelect(need.task_key)}
            >
              {need.task_key}
              {need.outcome && ` = ${need.outcome}`}
            </button>
          ))}
        </span>
      ),
    ],
    ["Runs only", rule],
    ["Started", task.startedAt && <Time at={task.startedAt} as="instant" />],
    ["Ended", task.endedAt && <Time at={task.endedAt} as="instant" />],
  ];
  return facts.filter((fact): fact is [string, React.ReactNode] => Boolean(fact[1]));
}

/** Each attempt, newest first; it leads to the attempt's log. */
function Attempts({
  entries,
  link,
}: {
  entries: TaskEntry[];
  link: { jobId: string; runId: string };
}) {
  const begun = entries.filter((entry) => entry.run_id && hasBegun(entry)).reverse();
  if (begun.length < 2) return null;
  return (
    <section>
      <h3 className="mb-1.5 text-xs font-medium text-ink-faint">Attempts</h3>
      <ol className="flex flex-col rounded-md border border-line">
        {begun.map((entry) => (
          <li key={entry.run_id} className="border-b border-line last:border-0">
            <Link
              to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
              params={{ ...link, taskRunId: String(entry.run_id) }}
              className="flex items-center gap-2 px-2.5 py-1.5 text-sm hover:bg-sunken"
            >
              <StateIcon state={oneWord(entry.state)} />
              <span className="flex-1">Attempt {(entry.attempt_number ?? 0) + 1}</span>
              <span className="sr-only">{lookOf(oneWord(entry.state)).label}</span>
              <Elapsed
                className="text-xs text-ink-soft"
                from={entry.start_time}
                to={entry.end_time}
              />
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}
