import { Link, useNavigate } from "@tanstack/react-router";
import { ListChecks } from "lucide-react";
import { useMemo } from "react";
import { type Column, DataTable } from "@/components/data-table";
import { Select } from "@/components/form";
import { StateBadge } from "@/components/state-badge";
import { EmptyState } from "@/components/states";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { Elapsed, Time } from "@/components/time";
import { TASK_TYPES, taskTypeOf } from "@/lib/job-settings";
import { lookOf } from "@/lib/states";
import { countStates, type RunTask } from "./run-tasks";

interface TaskTableProps {
  jobId: number;
  runId: number;
  tasks: RunTask[];
  /** Show only tasks that stand so. */
  state?: string;
  selected?: string;
  onState: (state: string | undefined) => void;
}

const ALL = "ALL";

/** The run's tasks, one a line; a row opens the newest attempt. */
export function TaskTable({ jobId, runId, tasks, state, selected, onState }: TaskTableProps) {
  const navigate = useNavigate();
  const link = { jobId: String(jobId), runId: String(runId) };
  const columns = useMemo<Column<RunTask>[]>(
    () => [
      {
        id: "key",
        header: "Task",
        sort: (task) => task.key,
        cell: (task) =>
          task.taskRunId && task.attempts > 0 ? (
            <Link
              to="/jobs/$jobId/runs/$runId/tasks/$taskRunId"
              params={{
                jobId: String(jobId),
                runId: String(runId),
                taskRunId: String(task.taskRunId),
              }}
              className="font-medium hover:text-accent hover:underline"
            >
              {task.key}
            </Link>
          ) : (
            <span className="font-medium">{task.key}</span>
          ),
      },
      {
        id: "type",
        header: "Type",
        sort: typeWord,
        cell: (task) => (
          <span className="inline-flex items-center gap-1.5 whitespace-nowrap text-ink-soft">
            <TaskTypeIcon type={taskTypeOf(task.settings)} className="size-3.5" />
            {typeWord(task)}
          </span>
        ),
      },
      {
        id: "state",
        header: "State",
        sort: (task) => lookOf(task.state).label,
        cell: (task) => <StateBadge state={task.state} />,
      },
      {
        id: "attempts",
        header: "Attempts",
        align: "right",
        sort: (task) => task.attempts,
        cell: (task) => task.attempts || "–",
      },
      {
        id: "started",
        header: "Started",
        sort: (task) => task.startedAt,
        cell: (task) => <Time at={task.startedAt} as="instant" />,
      },
      {
        id: "duration",
        header: "Duration",
        align: "right",
        sort: (task) => (task.startedAt ? (task.endedAt ?? Date.now()) - task.startedAt : null),
        cell: (task) => <Elapsed from={task.startedAt} to={task.endedAt} />,
      },
      {
        id: "message",
        header: "Message",
        className: "max-w-0 w-[40%]",
        cell: (task) => (
          <span className="block truncate text-ink-soft" title={task.message}>
            {task.message}
          </span>
        ),
      },
    ],
    [jobId, runId],
  );
  const shown = state ? tasks.filter((task) => task.state === state) : tasks;
  const options = [
    { value: ALL, label: `All ${tasks.length} tasks` },
    ...countStates(tasks).map(([value, count]) => ({
      value,
      label: `${lookOf(value).label} (${count})`,
    })),
  ];
  return (
    <div className="flex flex-col gap-3 pt-4">
      <Select
        label="State"
        className="w-52"
        value={state ?? ALL}
        options={options}
        onChange={(value) => onState(value === ALL ? undefined : value)}
      />
      <div className="overflow-hidden rounded-lg border border-line bg-surface">
        <DataTable
          label="Tasks"
          rows={shown}
          columns={columns}
          rowKey={(task) => task.key}
          selected={selected}
          onOpen={(task) => {
            if (task.taskRunId && task.attempts > 0)
              void navigate({
                to: "/jobs/$jobId/runs/$runId/tasks/$taskRunId",
                params: { ...link, taskRunId: String(task.taskRunId) },
              });
          }}
          empty={
            <EmptyState icon={ListChecks} title="No task stands so">
              Choose another state, or show all tasks.
            </EmptyState>
          }
        />
      </div>
    </div>
  );
}

function typeWord(task: RunTask): string {
  const type = taskTypeOf(task.settings);
  return TASK_TYPES.find((each) => each.type === type)?.label ?? "";
}
