import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { FileOutput, ScrollText, SlidersHorizontal, Wrench } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { runKey, runQuery, type TaskEntry, useLiveRun } from "@/api/run";
import { type TaskRun, type TaskRunEntry, taskRunQuery } from "@/api/task-runs";
import { buttonClass } from "@/components/button";
import { Page } from "@/components/page";
import { QueryView } from "@/components/query-view";
import { StateBadge, StateIcon } from "@/components/state-badge";
import { Tabs } from "@/components/tabs";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { Elapsed, Time } from "@/components/time";
import { cx } from "@/lib/cx";
import { taskTypeLabel, taskTypeOf } from "@/lib/job-settings";
import { isOpen, lookOf, oneWord, TONE_SOFT } from "@/lib/states";
import { adviceOn, computeOf } from "./facts";
import { InputsPanel } from "./inputs-panel";
import { type LogAttempt, LogPanel } from "./log-panel";
import { OutputPanel } from "./output-panel";
import type { TaskSearch, TaskTab } from "./search";

const route = getRouteApi("/_shell/jobs/$jobId/runs/$runId/tasks/$taskRunId");

interface TaskRunPageProps {
  jobId: number;
  runId: number;
  taskRunId: number;
}

/** One attempt of a task: its log, what it left, what it was given. */
export function TaskRunPage({ jobId, runId, taskRunId }: TaskRunPageProps) {
  const query = useQuery(taskRunQuery(runId, taskRunId));
  const run = useQuery(runQuery(runId));
  const live = useLiveRun(runId, run.data?.repair_history?.length ?? 1);
  const entry = query.data?.entry;
  const key = entry?.task_key;
  const attempts = useMemo(() => attemptsOf(entry, live?.tasks ?? []), [entry, live]);
  const state = oneWord(entry?.state);
  const params = { jobId: String(jobId), runId: String(runId) };
  const jobName = query.data?.run.run_type === "SUBMIT_RUN" ? null : run.data?.run_name;
  return (
    <Page
      fill
      title={entry ? nameOf(entry) : "Task"}
      heading={entry && <StateBadge state={state} />}
      crumbs={[
        jobName ? (
          <Link key="job" to="/jobs/$jobId" params={{ jobId: params.jobId }}>
            {jobName}
          </Link>
        ) : (
          <Link key="runs" to="/runs">
            Runs
          </Link>
        ),
        <Link key="run" to="/jobs/$jobId/runs/$runId" params={params} search={{ task: key }}>
          Run {runId}
        </Link>,
      ]}
      lead={entry && <Facts entry={entry} state={state} attempts={attempts.length} />}
      actions={
        attempts.length > 1 && (
          <AttemptSwitch attempts={attempts} current={taskRunId} params={params} />
        )
      }
    >
      <QueryView query={query}>
        {(found) => (
          <Body
            jobId={jobId}
            runId={runId}
            found={found}
            attempts={attempts}
            jobName={jobName ?? "run"}
          />
        )}
      </QueryView>
    </Page>
  );
}

interface BodyProps {
  jobId: number;
  runId: number;
  found: TaskRun;
  attempts: LogAttempt[];
  jobName: string;
}

/** Types of tasks that the control plane does itself: they print nothing. */
const WITHOUT_LOG = new Set(["condition_task", "for_each_task", "run_job_task", "replay_task"]);

function Body({ jobId, runId, found, attempts, jobName }: BodyProps) {
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/jobs/$jobId/runs/$runId/tasks/$taskRunId" });
  const cache = useQueryClient();
  const { entry } = found;
  const type = taskTypeOf(entry);
  const hasLog = !type || !WITHOUT_LOG.has(type);
  const first: TaskTab = hasLog ? "logs" : "output";
  const tab = search.tab === "logs" && !hasLog ? "output" : (search.tab ?? first);
  const change = (next: Partial<TaskSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const attempt =
    attempts.find((each) => each.taskRunId === found.run.run_id) ??
    attemptOf(entry, found.run.run_id);
  const tabs: { value: TaskTab; label: ReactNode }[] = [
    { value: "output", label: labelled(FileOutput, "Output") },
    { value: "inputs", label: labelled(SlidersHorizontal, "Inputs and tables") },
  ];
  if (hasLog) tabs.unshift({ value: "logs", label: labelled(ScrollText, "Log") });
  return (
    <>
      <Trouble entry={entry} jobId={jobId} runId={runId} />
      <div className="flex min-h-0 flex-1 flex-col">
        <Tabs
          label="Parts of the task run"
          value={tab}
          onChange={(next) =>
            void navigate({
              search: (before) => ({ ...before, tab: next === first ? undefined : next }),
            })
          }
          tabs={tabs}
        />
        <div
          role="tabpanel"
          aria-labelledby={`tab-Parts of the task run-${tab}`}
          className="flex min-h-0 flex-1 flex-col gap-4 pt-4"
        >
          {tab === "logs" && (
            <LogPanel
              key={attempt.taskRunId}
              attempt={attempt}
              attempts={attempts}
              name={`${jobName}-${entry.task_key}-${attempt.taskRunId}`}
              search={search}
              onSearch={change}
              onEnded={() => void cache.invalidateQueries({ queryKey: runKey(runId) })}
            />
          )}
          {tab === "output" && (
            <OutputPanel
              runId={runId}
              taskRunId={found.run.run_id}
              entry={entry}
              jobId={jobId}
              onlyFailed={search.failed === true}
              onOnlyFailed={(failed) => change({ failed: failed || undefined })}
            />
          )}
          {tab === "inputs" && (
            <InputsPanel runId={runId} taskRunId={found.run.run_id} entry={entry} run={found.run} />
          )}
        </div>
      </div>
    </>
  );
}

/** The name of a task, or of one iteration of it. */
function nameOf(entry: TaskRunEntry): string {
  return entry.iteration === undefined ? entry.task_key : `${entry.task_key} #${entry.iteration}`;
}

function attemptOf(entry: TaskRunEntry | TaskEntry, taskRunId: number): LogAttempt {
  const state = oneWord(entry.state);
  return {
    taskRunId,
    number: (entry.attempt_number ?? 0) + 1,
    state,
    isOpen: isOpen(state),
    hasBegun: Boolean(entry.start_time),
  };
}

/** All attempts of the same task, oldest first; an iteration stands alone. */
function attemptsOf(entry: TaskRunEntry | undefined, all: TaskEntry[]): LogAttempt[] {
  if (!entry || entry.iteration !== undefined) return [];
  return all.flatMap((each) =>
    each.task_key === entry.task_key && each.run_id !== undefined
      ? [attemptOf(each, each.run_id)]
      : [],
  );
}

/** One line of what there is to know at a glance. */
function Facts({
  entry,
  state,
  attempts,
}: {
  entry: TaskRunEntry;
  state: string;
  attempts: number;
}) {
  const type = taskTypeOf(entry);
  const compute = computeOf(entry);
  const number = entry.attempt_number + 1;
  const facts: [string, ReactNode][] = [
    [
      "type",
      <span key="type" className="inline-flex items-center gap-1.5">
        <TaskTypeIcon type={type} />
        {taskTypeLabel(type)}
      </span>,
    ],
  ];
  if (attempts > 1 || number > 1)
    facts.push(["attempt", `Attempt ${number} of ${Math.max(attempts, number)}`]);
  if (entry.start_time) {
    facts.push([
      "time",
      <span key="time">
        {isOpen(state) ? "For " : "Took "}
        <Elapsed
          from={entry.start_time}
          to={entry.end_time || null}
          className="font-medium text-ink"
        />
      </span>,
    ]);
    facts.push([
      "start",
      <span key="start">
        Began <Time at={entry.start_time} />
      </span>,
    ]);
  }
  if (compute)
    facts.push([
      "compute",
      <span key="compute">
        {compute.kind} <span className="font-mono text-[0.92em] text-ink">{compute.name}</span>
      </span>,
    ]);
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1 text-sm">
      {facts.map(([name, fact]) => (
        <li key={name}>{fact}</li>
      ))}
      {typeof entry.description === "string" && entry.description && (
        <li className="min-w-0 truncate text-ink-faint">{entry.description}</li>
      )}
    </ul>
  );
}

interface SwitchProps {
  attempts: LogAttempt[];
  current: number;
  params: { jobId: string; runId: string };
}

/** Goes from one attempt to another; what is looked for stays. */
function AttemptSwitch({ attempts, current, params }: SwitchProps) {
  const kept = route.useSearch();
  return (
    <nav
      aria-label="Attempts"
      className="flex max-w-full items-center gap-0.5 overflow-x-auto rounded-md border border-line bg-surface p-0.5"
    >
      {attempts.map((attempt) => (
        <Link
          key={attempt.taskRunId}
          to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
          params={{ ...params, taskRunId: String(attempt.taskRunId) }}
          search={{ tab: kept.tab, q: kept.q, only: kept.only }}
          aria-current={attempt.taskRunId === current ? "page" : undefined}
          aria-label={`Attempt ${attempt.number}: ${lookOf(attempt.state).label}`}
          className={cx(
            "inline-flex h-7 items-center gap-1.5 rounded px-2 text-sm whitespace-nowrap text-ink-soft hover:bg-sunken hover:text-ink",
            attempt.taskRunId === current && "bg-sunken font-medium text-ink",
          )}
        >
          <StateIcon state={attempt.state} className="size-3.5" />
          Attempt {attempt.number}
        </Link>
      ))}
    </nav>
  );
}

/** What went wrong, in the server's words, and what to do about it. */
function Trouble({ entry, jobId, runId }: { entry: TaskRunEntry; jobId: number; runId: number }) {
  const state = oneWord(entry.state);
  const code = entry.status?.termination_details?.code ?? "";
  const message = entry.state.state_message || entry.status?.termination_details?.message;
  const advice = adviceOn(state, code, taskTypeOf(entry));
  if (isOpen(state) || state === "SUCCESS" || (!advice && !message)) return null;
  return (
    <div
      role="status"
      className={cx(
        "flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg px-4 py-2.5",
        TONE_SOFT[lookOf(state).tone],
      )}
    >
      <div className="min-w-0 flex-1 basis-96">
        {message && (
          <p className="line-clamp-3 font-mono text-[0.92em] break-words whitespace-pre-wrap">
            {message}
          </p>
        )}
        {advice && <p className="mt-0.5 text-sm text-ink-soft">{advice}</p>}
      </div>
      {advice && (
        <Link
          to="/jobs/$jobId/runs/$runId"
          params={{ jobId: String(jobId), runId: String(runId) }}
          search={{ task: entry.task_key, repair: true }}
          className={buttonClass("plain", "small")}
        >
          <Wrench aria-hidden />
          Repair the run
        </Link>
      )}
    </div>
  );
}

function labelled(Icon: typeof ScrollText, word: string): ReactNode {
  return (
    <>
      <Icon aria-hidden />
      {word}
    </>
  );
}
