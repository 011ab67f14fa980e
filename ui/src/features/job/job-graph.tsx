import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ExternalLink, Workflow, X } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { type MatrixRun, matrixQuery } from "@/api/job-runs";
import { jobSettingsQuery } from "@/api/jobs";
import { IconButton } from "@/components/button";
import { QueryView } from "@/components/query-view";
import { StateBadge } from "@/components/state-badge";
import { EmptyState, Skeleton } from "@/components/states";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { nestedOf, type TaskStand } from "@/components/tasks/graph-model";
import { TaskGraph } from "@/components/tasks/task-graph";
import { type TaskSettings, taskTypeLabel, taskTypeOf } from "@/lib/job-settings";
import { isOpen } from "@/lib/states";

const Yaml = lazy(() => import("./yaml-view"));

interface JobGraphProps {
  jobId: number;
  task?: string;
  onTask: (task: string | undefined) => void;
}

/**
 * What the job does, as a graph of its newest settings, with how its tasks stand in the newest run;
 * a click shows the task's settings.
 */
export function JobGraph({ jobId, task, onTask }: JobGraphProps) {
  const query = useQuery(jobSettingsQuery(jobId));
  const runs = useInfiniteQuery(matrixQuery(jobId));
  const newest = runs.data?.pages[0]?.runs[0];
  const stands = useMemo(() => newest && standsOf(newest), [newest]);
  const tasks = useMemo(() => query.data?.settings.tasks ?? [], [query.data]);
  const chosen = tasks.find((each) => each.task_key === task);
  return (
    <QueryView query={query}>
      {() =>
        tasks.length === 0 ? (
          <EmptyState icon={Workflow} title="No tasks">
            Edit the job to give it some.
          </EmptyState>
        ) : (
          <div className="flex h-full min-h-96 gap-4 pt-4">
            <div className="flex min-w-0 flex-1 flex-col gap-2">
              {newest && (
                <p className="flex items-center gap-2 text-ink-soft">
                  As in the newest run, which is
                  <Link
                    to="/jobs/$jobId/runs/$runId"
                    params={{ jobId: String(jobId), runId: String(newest.run_id) }}
                  >
                    <StateBadge state={newest.state} />
                  </Link>
                </p>
              )}
              <TaskGraph
                tasks={tasks}
                stands={stands}
                selected={task}
                onSelect={onTask}
                className="min-h-0 flex-1 overflow-hidden rounded-lg border border-line"
              />
            </div>
            {chosen && <TaskSettingsPanel task={chosen} onClose={() => onTask(undefined)} />}
          </div>
        )
      }
    </QueryView>
  );
}

/** How each task stands in a run; of its times the graph shows how long it took, not when. */
function standsOf(run: MatrixRun): ReadonlyMap<string, TaskStand> {
  return new Map(
    run.cells.map(({ task_key, state, duration, attempts }) => {
      const endedAt = isOpen(state) ? Date.now() : run.start_time + (duration ?? 0);
      const startedAt = duration === null ? null : endedAt - duration;
      const stand = { state, attempts, startedAt, outcome: null, iterations: null };
      return [task_key, { ...stand, endedAt: isOpen(state) ? null : endedAt }];
    }),
  );
}

/** A task's settings, as they are written. */
function TaskSettingsPanel({ task, onClose }: { task: TaskSettings; onClose: () => void }) {
  const type = taskTypeOf(task);
  const calls = [task, nestedOf(task)].flatMap((each) => {
    const call = each?.run_job_task as { job_id?: number } | undefined;
    return call?.job_id ? [call.job_id] : [];
  });
  return (
    <aside
      aria-label={`Task ${task.task_key}`}
      className="flex w-96 shrink-0 flex-col overflow-hidden rounded-lg border border-line bg-surface"
    >
      <header className="flex items-start gap-2 border-b border-line px-4 py-3">
        <TaskTypeIcon type={type} className="mt-1 text-ink-soft" />
        <div className="min-w-0 flex-1">
          <h2 className="text-sm font-semibold break-words">{task.task_key}</h2>
          <p className="text-xs text-ink-faint">{taskTypeLabel(type)}</p>
          {task.description && <p className="mt-1 text-sm text-ink-soft">{task.description}</p>}
        </div>
        <IconButton label="Close" className="-mt-1 -mr-2" onClick={onClose}>
          <X />
        </IconButton>
      </header>
      {calls.map((job) => (
        <Link
          key={job}
          to="/jobs/$jobId"
          params={{ jobId: String(job) }}
          className="flex items-center gap-1 border-b border-line px-4 py-2 text-sm text-accent hover:underline"
        >
          Open job {job}
          <ExternalLink aria-hidden className="size-3.5" />
        </Link>
      ))}
      <Suspense fallback={<Skeleton />}>
        <Yaml
          of="task"
          value={task}
          label={`Settings of ${task.task_key}`}
          className="min-h-0 flex-1"
        />
      </Suspense>
    </aside>
  );
}
