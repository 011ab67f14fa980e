import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ExternalLink, Workflow, X } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { jobSettingsQuery } from "@/api/jobs";
import { IconButton } from "@/components/button";
import { QueryView } from "@/components/query-view";
import { EmptyState, Skeleton } from "@/components/states";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { nestedOf } from "@/components/tasks/graph-model";
import { TaskGraph } from "@/components/tasks/task-graph";
import { type TaskSettings, taskTypeLabel, taskTypeOf } from "@/lib/job-settings";

const Yaml = lazy(() => import("./yaml-view"));

interface JobGraphProps {
  jobId: number;
  task?: string;
  onTask: (task: string | undefined) => void;
}

/** What the job does, as a graph of its newest settings; a click shows the task's. */
export function JobGraph({ jobId, task, onTask }: JobGraphProps) {
  const query = useQuery(jobSettingsQuery(jobId));
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
            <TaskGraph
              tasks={tasks}
              selected={task}
              onSelect={onTask}
              className="h-full min-w-0 flex-1 overflow-hidden rounded-lg border border-line"
            />
            {chosen && <TaskSettingsPanel task={chosen} onClose={() => onTask(undefined)} />}
          </div>
        )
      }
    </QueryView>
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
        <Yaml value={task} label={`Settings of ${task.task_key}`} className="min-h-0 flex-1" />
      </Suspense>
    </aside>
  );
}
