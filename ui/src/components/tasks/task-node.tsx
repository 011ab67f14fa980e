import { RotateCw } from "lucide-react";
import { cx } from "@/lib/cx";
import { type TaskSettings, taskTypeLabel, taskTypeOf } from "@/lib/job-settings";
import { lookOf, type Tone } from "@/lib/states";
import { StateIcon } from "../state-badge";
import { TaskTypeIcon } from "../task-type-icon";
import { Elapsed } from "../time";
import type { TaskStand } from "./graph-model";
import { runIfWords, whatItRuns } from "./task-words";

const FRAME: Record<Tone, string> = {
  good: "border-good-fill/60",
  bad: "border-bad-fill bg-bad-soft",
  live: "border-live-fill",
  warn: "border-warn-fill",
  calm: "border-line-strong",
};

/** States in which a task did nothing, and will not. */
const ASIDE = new Set(["EXCLUDED", "SKIPPED", "DISABLED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED"]);

interface TaskNodeProps {
  task: TaskSettings;
  /** In a run: how it stands. */
  stand?: TaskStand;
  selected?: boolean;
  /** Holds the task that it repeats. */
  box?: boolean;
}

/** One task in a graph, of a job or of a run. */
export function TaskNode({ task, stand, selected, box }: TaskNodeProps) {
  const type = taskTypeOf(task);
  const tone = stand ? lookOf(stand.state).tone : "calm";
  const aside = stand ? ASIDE.has(stand.state) : task.disabled;
  const rule = runIfWords(task);
  return (
    <div
      className={cx(
        "relative h-full w-full rounded-lg border bg-surface text-left transition-shadow hover:shadow-md",
        FRAME[tone],
        box && "bg-canvas",
        aside && "border-dashed",
        selected && "ring-2 ring-accent",
      )}
    >
      {rule && (
        <span className="absolute -top-2.5 left-2 rounded-full border border-line bg-surface px-1.5 text-[11px] leading-4 text-ink-soft">
          {rule}
        </span>
      )}
      <div className={cx("flex h-[60px] items-center gap-2.5 px-3", aside && "text-ink-faint")}>
        <TaskTypeIcon type={type} className={aside ? "opacity-60" : "text-ink-soft"} />
        <div className="min-w-0 flex-1">
          <div className="truncate text-sm leading-5 font-medium" title={task.task_key}>
            {task.task_key}
          </div>
          <div className="truncate text-xs leading-4 text-ink-faint">
            {stand?.iterations ? (
              <Iterations stand={stand} />
            ) : (
              whatItRuns(task) || taskTypeLabel(type)
            )}
          </div>
        </div>
        {stand && (
          <div className="flex flex-col items-end gap-0.5">
            <span className="flex items-center gap-1">
              {stand.attempts > 1 && (
                <span
                  title={`${stand.attempts} attempts`}
                  className="inline-flex items-center gap-0.5 text-[11px] text-warn"
                >
                  <RotateCw aria-hidden className="size-3" />
                  {stand.attempts}
                </span>
              )}
              <StateIcon state={stand.state} />
            </span>
            {stand.startedAt && !aside && (
              <Elapsed
                className="text-[11px] leading-4 text-ink-faint"
                from={stand.startedAt}
                to={stand.endedAt}
              />
            )}
          </div>
        )}
      </div>
      {stand?.iterations && <Progress stand={stand} />}
    </div>
  );
}

function Iterations({ stand }: { stand: TaskStand }) {
  const { iterations } = stand;
  if (!iterations) return null;
  const parts = [`${iterations.completed_iterations} of ${iterations.total_iterations} done`];
  if (iterations.failed_iterations) parts.push(`${iterations.failed_iterations} failed`);
  if (iterations.active_iterations) parts.push(`${iterations.active_iterations} at work`);
  return <>{parts.join(", ")}</>;
}

/** How far a for-each is, as a line under its head. */
function Progress({ stand }: { stand: TaskStand }) {
  const { iterations } = stand;
  if (!iterations?.total_iterations) return null;
  const share = (count: number) => `${(count / iterations.total_iterations) * 100}%`;
  return (
    <div aria-hidden className="mx-3 flex h-1 overflow-hidden rounded-full bg-sunken">
      <span className="bg-good-fill" style={{ width: share(iterations.succeeded_iterations) }} />
      <span className="bg-bad-fill" style={{ width: share(iterations.failed_iterations) }} />
      {iterations.active_iterations > 0 && (
        <span
          className="animate-pulse bg-live-fill"
          style={{ width: share(iterations.active_iterations) }}
        />
      )}
    </div>
  );
}
