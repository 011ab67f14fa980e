// biome-ignore-all lint/a11y/useSemanticElements: a grid of which only the visible part is drawn is no table
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names the active cell
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  Ban,
  ChevronLeft,
  Clock,
  Ellipsis,
  type LucideIcon,
  Minus,
  RotateCw,
  Split,
  TimerOff,
  X,
} from "lucide-react";
import { memo, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { MatrixCell, MatrixRun } from "@/api/job-runs";
import { Button } from "@/components/button";
import { StateIcon } from "@/components/state-badge";
import { TaskTypeIcon } from "@/components/task-type-icon";
import { cx } from "@/lib/cx";
import { triggerWord } from "@/lib/run-trigger";
import { isOpen, lookOf, TONE_FILL } from "@/lib/states";
import { formatDuration, formatInstant } from "@/lib/time";
import { useNow } from "@/lib/use-now";
import { barHeights, dayMarks, lengthOf, type Matrix, type Place, step } from "./matrix-model";

interface RunMatrixProps {
  jobId: number;
  matrix: Matrix;
  /** There are earlier runs on the server. */
  onEarlier?: () => void;
  loading: boolean;
}

const SIZE = 28;
const NAMES = 256;
const HEAD = 84;
const MARKS_APART = 2;
const NEAR_THE_START = 3 * SIZE;

/** Tasks × runs: every cell is how a task went in a run, every column leads to its run. */
export function RunMatrix({ jobId, matrix, onEarlier, loading }: RunMatrixProps) {
  const { tasks, runs, cell } = matrix;
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<Place>({ row: -1, column: runs.length - 1 });
  const [focused, setFocused] = useState(false);
  const [hover, setHover] = useState<(Place & { at: DOMRect }) | null>(null);
  const now = useNow(runs.some((run) => isOpen(run.state)));
  const heights = useMemo(() => barHeights(runs, now), [runs, now]);
  const marks = useMemo(() => dayMarks(runs, MARKS_APART), [runs]);
  const rows = useVirtualizer({
    count: tasks.length,
    getScrollElement: () => box.current,
    estimateSize: () => SIZE,
    scrollPaddingStart: HEAD,
    overscan: 8,
  });
  const columns = useVirtualizer({
    horizontal: true,
    count: runs.length,
    getScrollElement: () => box.current,
    estimateSize: () => SIZE,
    scrollPaddingStart: NAMES,
    overscan: 12,
  });
  useKeepPlace(box, runs);

  function open({ row, column }: Place): void {
    const run = runs[column];
    if (!run) return;
    const params = { jobId: String(jobId), runId: String(run.run_id) };
    const found = row < 0 ? undefined : cell(row, column);
    if (found?.task_run_id && found.attempts > 0)
      void navigate({
        to: "/jobs/$jobId/runs/$runId/tasks/$taskRunId",
        params: { ...params, taskRunId: String(found.task_run_id) },
      });
    else
      void navigate({
        to: "/jobs/$jobId/runs/$runId",
        params,
        search: { task: row < 0 ? undefined : tasks[row]?.task_key },
      });
  }

  function press(event: React.KeyboardEvent): void {
    if (event.key === "Enter") open(active);
    const next = step(active, event.key, tasks.length, runs.length);
    if (!next) return;
    event.preventDefault();
    setActive(next);
    if (next.row >= 0) rows.scrollToIndex(next.row);
    columns.scrollToIndex(next.column);
  }

  const placeOf = (target: EventTarget): (Place & { at: DOMRect }) | null => {
    const at = target instanceof Element ? target.closest<HTMLElement>("[data-column]") : null;
    if (!at) return null;
    return {
      row: Number(at.dataset.row),
      column: Number(at.dataset.column),
      at: at.getBoundingClientRect(),
    };
  };
  const isActive = (row: number, column: number) =>
    focused && active.row === row && active.column === column;

  return (
    <div className="relative">
      <div
        ref={box}
        role="grid"
        aria-label="Runs by task"
        aria-rowcount={tasks.length + 1}
        aria-colcount={runs.length + 1}
        aria-activedescendant={cellId(active)}
        tabIndex={0}
        className="max-h-[min(60vh,40rem)] overflow-auto outline-none"
        onKeyDown={press}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onClick={(event) => {
          const place = placeOf(event.target);
          if (place) open(place);
        }}
        onPointerOver={(event) => setHover(placeOf(event.target))}
        onPointerLeave={() => setHover(null)}
        onScroll={(event) => {
          setHover(null);
          if (event.currentTarget.scrollLeft < NEAR_THE_START && !loading) onEarlier?.();
        }}
      >
        <div
          role="presentation"
          className="relative min-w-full"
          style={{ width: NAMES + runs.length * SIZE + 16, height: HEAD + rows.getTotalSize() + 8 }}
        >
          <div
            role="row"
            aria-rowindex={1}
            className="sticky top-0 z-20 flex border-b border-line bg-surface"
            style={{ height: HEAD }}
          >
            <div
              role="columnheader"
              className="sticky left-0 z-10 flex shrink-0 items-end justify-between border-r border-line bg-surface px-4 pb-1.5 text-xs text-ink-faint"
              style={{ width: NAMES }}
            >
              Task
              {onEarlier && (
                <Button size="small" kind="quiet" busy={loading} onClick={onEarlier}>
                  <ChevronLeft aria-hidden />
                  Earlier
                </Button>
              )}
            </div>
            <div role="presentation" className="relative flex-1">
              {marks.map((mark) => (
                <span
                  key={mark.column}
                  aria-hidden
                  className="absolute top-1.5 border-l border-line-strong pl-1 text-[11px] leading-4 whitespace-nowrap text-ink-faint"
                  style={{ left: mark.column * SIZE + 3 }}
                >
                  {new Date(mark.at).toLocaleDateString(undefined, {
                    month: "short",
                    day: "numeric",
                  })}
                </span>
              ))}
              {columns.getVirtualItems().map(({ index: column, start }) => {
                const run = runs[column];
                if (!run) return null;
                return (
                  <div
                    key={run.run_id}
                    id={cellId({ row: -1, column })}
                    role="columnheader"
                    aria-colindex={column + 2}
                    aria-label={runWords(run, now)}
                    data-row={-1}
                    data-column={column}
                    className={cx(
                      "absolute bottom-0 flex cursor-pointer items-end justify-center rounded-t px-[6px] pb-px hover:bg-sunken",
                      isActive(-1, column) && "ring-2 ring-accent ring-inset",
                    )}
                    style={{ left: start, width: SIZE, height: HEAD - 24 }}
                  >
                    <span
                      className={cx(
                        "w-full rounded-t-[3px]",
                        TONE_FILL[lookOf(run.state).tone],
                        isOpen(run.state) && "animate-pulse",
                      )}
                      style={{ height: `${(heights[column] ?? 0) * 100}%` }}
                    />
                  </div>
                );
              })}
            </div>
          </div>
          {rows.getVirtualItems().map(({ index: row, start }) => {
            const task = tasks[row];
            if (!task) return null;
            return (
              <div
                key={task.task_key}
                role="row"
                aria-rowindex={row + 2}
                className="absolute inset-x-0 flex hover:bg-sunken/50"
                style={{ top: HEAD + start, height: SIZE }}
              >
                <div
                  role="rowheader"
                  title={task.task_key}
                  className="sticky left-0 z-10 flex shrink-0 items-center gap-2 border-r border-line bg-surface px-4 text-sm"
                  style={{ width: NAMES }}
                >
                  <TaskTypeIcon type={task.task_type} className="size-3.5" />
                  <span className="truncate">{task.task_key}</span>
                </div>
                <div role="presentation" className="relative flex-1">
                  {columns.getVirtualItems().map(({ index: column, start: left }) => (
                    <Cell
                      key={runs[column]?.run_id}
                      row={row}
                      column={column}
                      left={left}
                      active={isActive(row, column)}
                      cell={cell(row, column)}
                      task={task.task_key}
                      run={runs[column]?.run_id ?? 0}
                    />
                  ))}
                </div>
              </div>
            );
          })}
        </div>
      </div>
      <Legend matrix={matrix} />
      {hover && <HoverCard matrix={matrix} hover={hover} now={now} />}
    </div>
  );
}

/** The states that are in the matrix, each with its shape. */
function Legend({ matrix }: { matrix: Matrix }) {
  const states = useMemo(
    () => [...new Set(matrix.runs.flatMap((run) => run.cells.map((cell) => cell.state)))].sort(),
    [matrix],
  );
  return (
    <ul className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-4 py-2 text-xs text-ink-soft">
      {states.map((state) => (
        <li key={state} className="flex items-center gap-1.5">
          <Square state={state} className="size-4 rounded" />
          {lookOf(state).label}
        </li>
      ))}
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="size-2 rounded-full bg-warn-fill" />
        More than one attempt
      </li>
      <li className="ml-auto text-ink-faint">Arrow keys move, Enter opens</li>
    </ul>
  );
}

/** Keep what is seen in its place when earlier runs come; stay with the newest otherwise. */
function useKeepPlace(box: React.RefObject<HTMLElement | null>, runs: MatrixRun[]): void {
  const before = useRef<{ oldest: number; count: number } | null>(null);
  useLayoutEffect(() => {
    const at = box.current;
    const oldest = runs[0]?.run_id;
    if (!at || oldest === undefined) return;
    const known = before.current;
    const earlier = known ? runs.findIndex((run) => run.run_id === known.oldest) : -1;
    if (!known) at.scrollLeft = at.scrollWidth;
    else if (earlier > 0) at.scrollLeft += earlier * SIZE;
    else if (runs.length > known.count) at.scrollLeft += (runs.length - known.count) * SIZE;
    before.current = { oldest, count: runs.length };
  }, [box, runs]);
}

function cellId({ row, column }: Place): string {
  return `matrix-${row}-${column}`;
}

/** What a state looks like without its colour; success is the plain square. */
const SHAPES: Record<string, LucideIcon> = {
  FAILED: X,
  INTERNAL_ERROR: X,
  TIMEDOUT: TimerOff,
  CANCELED: Ban,
  UPSTREAM_FAILED: Split,
  RUNNING: Ellipsis,
  TERMINATING: Ellipsis,
  QUEUED: Clock,
  PENDING: Clock,
  WAITING_FOR_RETRY: RotateCw,
};

/** States that are drawn as an outline: nothing was done. */
const HOLLOW = new Set([
  "EXCLUDED",
  "SKIPPED",
  "DISABLED",
  "UPSTREAM_CANCELED",
  "BLOCKED",
  "PENDING",
]);

interface CellProps {
  row: number;
  column: number;
  left: number;
  active: boolean;
  cell: MatrixCell | undefined;
  task: string;
  run: number;
}

const Cell = memo(function Cell({ row, column, left, active, cell, task, run }: CellProps) {
  return (
    <div
      id={cellId({ row, column })}
      role="gridcell"
      aria-colindex={column + 2}
      aria-label={cell ? `${task}, run ${run}: ${cellWords(cell)}` : `${task}: not in run ${run}`}
      {...(cell ? { "data-row": row, "data-column": column } : {})}
      className={cx("absolute top-0 p-[3px]", cell && "cursor-pointer")}
      style={{ left, width: SIZE, height: SIZE }}
    >
      {cell && (
        <Square
          state={cell.state}
          className={cx(
            "hover:brightness-115",
            active && "ring-2 ring-accent ring-offset-1 ring-offset-surface",
          )}
        >
          {cell.attempts > 1 && (
            <span
              aria-hidden
              className="absolute -top-1 -right-1 size-2.5 rounded-full border-2 border-surface bg-warn-fill"
            />
          )}
        </Square>
      )}
    </div>
  );
});

/** A state as colour and shape. */
function Square({
  state,
  className,
  children,
}: {
  state: string;
  className?: string;
  children?: React.ReactNode;
}) {
  const hollow = HOLLOW.has(state);
  const Shape = SHAPES[state] ?? (hollow ? Minus : null);
  return (
    <span
      className={cx(
        "relative flex size-full items-center justify-center rounded-[5px]",
        hollow
          ? "border border-dashed border-calm-fill text-ink-faint"
          : cx("text-white", TONE_FILL[lookOf(state).tone]),
        isOpen(state) && !hollow && "animate-pulse",
        className,
      )}
    >
      {Shape && <Shape aria-hidden className="size-3" strokeWidth={3} />}
      {children}
    </span>
  );
}

function cellWords(cell: MatrixCell): string {
  const parts = [lookOf(cell.state).label];
  if (cell.duration) parts.push(formatDuration(cell.duration));
  if (cell.attempts > 1) parts.push(`${cell.attempts} attempts`);
  return parts.join(", ");
}

function runWords(run: MatrixRun, now: number): string {
  return `Run ${run.run_id}: ${lookOf(run.state).label}, ${formatInstant(run.start_time, now)}, ${formatDuration(lengthOf(run, now))}`;
}

/** What is under the pointer, in figures; for those who do not point the cells say the same. */
function HoverCard({
  matrix,
  hover,
  now,
}: {
  matrix: Matrix;
  hover: Place & { at: DOMRect };
  now: number;
}) {
  const run = matrix.runs[hover.column];
  if (!run) return null;
  const cell = hover.row < 0 ? undefined : matrix.cell(hover.row, hover.column);
  const state = cell?.state ?? run.state;
  const length = cell ? cell.duration : lengthOf(run, now);
  const facts: [string, string | null][] = [
    ["Duration", length ? formatDuration(length) : null],
    ["Attempts", cell && cell.attempts > 1 ? String(cell.attempts) : null],
    ["Queued", !cell && run.queue_duration ? formatDuration(run.queue_duration) : null],
    ["Run started", formatInstant(run.start_time, now)],
    ["Started by", cell ? null : triggerWord(run.trigger)],
    ["Run", String(run.run_id)],
  ];
  const below = hover.at.bottom + 160 < innerHeight;
  return (
    <div
      aria-hidden
      className="pointer-events-none fixed z-50 w-60 rounded-md border border-line-strong bg-raised p-3 text-xs shadow-lg"
      style={{
        left: Math.max(8, Math.min(hover.at.left - 110, innerWidth - 256)),
        ...(below ? { top: hover.at.bottom + 6 } : { bottom: innerHeight - hover.at.top + 6 }),
      }}
    >
      <p className="flex items-center gap-1.5 text-sm font-medium">
        <StateIcon state={state} className="size-3.5" />
        <span className="truncate">{cell ? cell.task_key : lookOf(state).label}</span>
      </p>
      {cell && <p className="mt-0.5 text-ink-soft">{lookOf(state).label}</p>}
      <dl className="mt-2 grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-ink-soft">
        {facts.map(
          ([word, value]) =>
            value && (
              <div key={word} className="contents">
                <dt>{word}</dt>
                <dd className="text-right text-ink tabular-nums">{value}</dd>
              </div>
            ),
        )}
      </dl>
    </div>
  );
}
