import { useMemo, useState } from "react";
import { type TaskSettings, taskTypeLabel, taskTypeOf } from "@/lib/job-settings";
import { lookOf } from "@/lib/states";
import { Graph, type GraphNode } from "../graph";
import { graphOf, readsDown, type TaskStand, taskOfNode } from "./graph-model";
import { TaskNode } from "./task-node";

interface TaskGraphProps {
  tasks: TaskSettings[];
  /** In a run: how each task stands. */
  stands?: ReadonlyMap<string, TaskStand>;
  selected?: string;
  onSelect: (task: string) => void;
  className?: string;
}

const MAP_FROM = 24;

/** The tasks of a job and what waits for what; in a run with how they stand. */
export function TaskGraph({ tasks, stands, selected, onSelect, className }: TaskGraphProps) {
  // Who follows a link to a task sees it; who then clicks about keeps the view.
  const [focus] = useState(selected);
  const model = useMemo(() => graphOf(tasks, stands), [tasks, stands]);
  const nodes = useMemo<GraphNode[]>(() => {
    const boxes = new Set(model.nodes.map((node) => node.parent));
    return model.nodes.map(({ id, task, parent, width, height }) => {
      const stand = parent ? undefined : stands?.get(id);
      return {
        id,
        parent,
        width,
        height,
        label: words(task, stand),
        fill: stand && `var(--${lookOf(stand.state).tone}-fill)`,
        content: (
          <TaskNode
            task={task}
            stand={stand}
            selected={!parent && selected === id}
            box={boxes.has(id)}
          />
        ),
      };
    });
  }, [model, stands, selected]);
  return (
    <Graph
      label="Graph of the tasks"
      nodes={nodes}
      edges={model.edges}
      focus={focus}
      routed
      down={readsDown(model)}
      miniMap={nodes.length > MAP_FROM}
      onOpen={(id) => onSelect(taskOfNode(id))}
      className={className}
    />
  );
}

function words(task: TaskSettings, stand?: TaskStand): string {
  const parts = [task.task_key, taskTypeLabel(taskTypeOf(task))];
  if (stand) parts.push(lookOf(stand.state).label);
  return parts.join(", ");
}
