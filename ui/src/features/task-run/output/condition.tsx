import type { TaskRunEntry } from "@/api/task-runs";
import { Panel } from "@/components/panel";
import { cx } from "@/lib/cx";
import { OPERATORS, spell } from "../facts";

interface ConditionTask {
  op: string;
  left: string;
  right: string;
  outcome?: string;
}

/** Both sides of a comparison, as written and as they were, and what came of it. */
export function Condition({ entry }: { entry: TaskRunEntry }) {
  const task = entry.condition_task as ConditionTask;
  const resolved = entry.resolved_values?.condition_task;
  const holds = task.outcome === "true";
  return (
    <Panel title="Condition">
      <div className="flex flex-wrap items-center gap-4">
        <Side written={task.left} value={spell(resolved?.left)} />
        <span className="font-mono text-xl text-ink-faint" title={task.op}>
          {OPERATORS[task.op] ?? task.op}
        </span>
        <Side written={task.right} value={spell(resolved?.right)} />
        {task.outcome && (
          <span
            className={cx(
              "ml-auto rounded-full px-3 py-1 text-sm font-semibold",
              holds ? "bg-good-soft text-good" : "bg-calm-soft text-calm",
            )}
          >
            {holds ? "True" : "False"}
          </span>
        )}
      </div>
      {task.outcome && (
        <p className="mt-3 text-sm text-ink-soft">
          Tasks that depend on the outcome {task.outcome} go on; those of the other one are left
          out.
        </p>
      )}
    </Panel>
  );
}

function Side({ written, value }: { written: string; value: string }) {
  return (
    <div className="min-w-40 rounded-md border border-line bg-canvas px-3 py-2">
      <p className="font-mono text-base break-all">{value || written}</p>
      {value && value !== written && (
        <p className="mt-0.5 font-mono text-xs break-all text-ink-faint">{written}</p>
      )}
    </div>
  );
}
