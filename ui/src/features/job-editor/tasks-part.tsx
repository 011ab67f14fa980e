import { ListPlus, Plus } from "lucide-react";
import { useMemo } from "react";
import { Button } from "@/components/button";
import { Select } from "@/components/form";
import { Menu } from "@/components/overlay";
import { EmptyState } from "@/components/states";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { TaskGraph } from "@/components/tasks/task-graph";
import { TASK_TYPES, type TaskSettings } from "@/lib/job-settings";
import { plural } from "@/lib/numbers";
import { type Problem, problemsByTask } from "./job-check";
import { useDraft } from "./job-draft";
import { beginningOf, freeKey } from "./task-edits";
import { TaskForm } from "./task-form";

interface TasksPartProps {
  problems: Problem[];
  /** Which task's fields are shown. */
  place: number;
  onPlace: (place: number) => void;
}

/** The tasks: what waits for what, and the fields of one of them. */
export function TasksPart({ problems, place: wanted, onPlace }: TasksPartProps) {
  const { settings, edit } = useDraft();
  const tasks = useMemo(
    () => (Array.isArray(settings.tasks) ? settings.tasks : []),
    [settings.tasks],
  );
  const drawn = useMemo(() => drawable(tasks), [tasks]);
  const place = Math.min(wanted, Math.max(0, tasks.length - 1));
  const wrong = problemsByTask(problems);

  function add(task: TaskSettings): void {
    edit({ path: ["tasks", tasks.length], value: task });
    onPlace(tasks.length);
  }

  function begin(type: string): void {
    const key = freeKey(settings, type.replace(/_task$/, ""));
    const last = tasks[place]?.task_key;
    const depends_on = last ? { depends_on: [{ task_key: last }] } : {};
    add({ task_key: key, ...depends_on, [type]: beginningOf(type) });
  }

  function copy(from: number): void {
    const task = tasks[from];
    if (task) add({ ...task, task_key: freeKey(settings, task.task_key ?? "task") });
  }

  if (tasks.length === 0)
    return (
      <EmptyState
        icon={ListPlus}
        title="No tasks yet"
        action={<AddTask onAdd={begin} label="Add the first task" primary />}
      >
        A job runs tasks: notebooks, Python, SQL, dbt and more. Add one here, or write it beside.
      </EmptyState>
    );
  return (
    <div className="flex flex-col gap-4">
      <div className="overflow-hidden rounded-lg border border-line">
        <TaskGraph
          tasks={drawn}
          selected={tasks[place]?.task_key}
          onSelect={(key) => onPlace(tasks.findIndex((task) => task?.task_key === key))}
          className="h-56"
        />
        <div className="flex items-center gap-2 border-t border-line bg-surface px-3 py-2">
          <Select
            label="Task"
            className="h-7 w-56 text-xs"
            value={String(place)}
            options={tasks.map((task, at) => ({
              value: String(at),
              label: task?.task_key || `Task ${at + 1}`,
              hint: wrong.has(at) ? plural(wrong.get(at) ?? 0, "problem") : undefined,
            }))}
            onChange={(at) => onPlace(Number(at))}
          />
          <span className="flex-1 text-xs text-ink-faint">{plural(tasks.length, "task")}</span>
          <AddTask onAdd={begin} label="Add a task" />
        </div>
      </div>
      <TaskForm
        key={place}
        place={place}
        onRemoved={() => onPlace(Math.max(0, place - 1))}
        onCopy={copy}
      />
    </div>
  );
}

interface AddTaskProps {
  onAdd: (type: string) => void;
  label: string;
  primary?: boolean;
}

function AddTask({ onAdd, label, primary }: AddTaskProps) {
  return (
    <Menu
      label="Types of tasks"
      trigger={
        <Button kind={primary ? "primary" : "plain"} size={primary ? "normal" : "small"}>
          <Plus aria-hidden />
          {label}
        </Button>
      }
      items={TASK_TYPES.map(({ type, label: name }) => ({
        label: name,
        icon: <TaskTypeIcon type={type} />,
        onSelect: () => onAdd(type),
      }))}
    />
  );
}

/** Tasks that can be drawn: each key once; what is half written waits. */
function drawable(tasks: TaskSettings[]): TaskSettings[] {
  const seen = new Set<string>();
  return tasks.flatMap((task) => {
    const key = task?.task_key;
    if (typeof key !== "string" || key === "" || seen.has(key)) return [];
    seen.add(key);
    const edges = Array.isArray(task.depends_on) ? task.depends_on : [];
    const sound = edges.filter((each) => typeof each?.task_key === "string");
    return [{ ...task, depends_on: sound }];
  });
}
