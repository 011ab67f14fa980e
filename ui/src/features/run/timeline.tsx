import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, ChevronRight, Maximize2, ZoomIn, ZoomOut } from "lucide-react";
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { type Timeline, type TimelineTask, timelineQuery } from "@/api/run";
import { iterationsQuery, type TaskRunEntry } from "@/api/task-runs";
import { Button, IconButton } from "@/components/button";
import { QueryView } from "@/components/query-view";
import { StateIcon } from "@/components/state-badge";
import { EmptyState } from "@/components/states";
import { cx } from "@/lib/cx";
import { lookOf, oneWord } from "@/lib/states";
import { formatDuration, formatInstant } from "@/lib/time";
import { useNow } from "@/lib/use-now";
import {
  type GanttRow,
  type Phase,
  pan,
  rowsOf,
  type Segment,
  ticksOf,
  tickWords,
  type View,
  wholeView,
  zoom,
} from "./gantt";

interface TimelineProps {
  jobId: number;
  runId: number;
  selected?: string;
  onSelect: (task: string) => void;
}

/** When each task of a run did what, on one axis of time. */
export function RunTimeline(props: TimelineProps) {
  const query = useQuery(timelineQuery(props.runId));
  return (
    <QueryView query={query}>
      {(timeline) =>
        timeline.tasks.length === 0 ? (
          <EmptyState title="No tasks yet">They appear here when the run begins.</EmptyState>
        ) : (
          <Gantt timeline={timeline} {...props} />
        )
      }
    </QueryView>
  );
}

const ROW = 30;
const NAMES = "16rem";
const ZOOM_STEP = 0.6;
const PX_A_TICK = 110;

function Gantt({
  timeline,
  jobId,
  runId,
  selected,
  onSelect,
}: TimelineProps & { timeline: Timeline }) {
  const running = timeline.ended_at === null;
  const now = useNow(running);
  const navigate = useNavigate();
  const [open, setOpen] = useState<ReadonlyMap<string, TimelineTask[]>>(new Map());
  const [shown, setShown] = useState<View | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const axis = useRef<HTMLDivElement>(null);
  const width = useWidth(axis);

  const whole = wholeView(timeline, now);
  const view = shown ?? whole;
  const rows = useMemo(() => rowsOf(timeline, now, open), [timeline, now, open]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const ticks = ticksOf(view, Math.max(2, Math.floor(width / PX_A_TICK)));

  function change(next: View): void {
    const all = next.to - next.from >= (whole.to - whole.from) * 0.999;
    setShown(all ? null : next);
  }
  const bars = useBars({
    width,
    rows,
    onPan: (share) => change(pan(view, whole, share)),
    onOpen: openSegment,
    onHover: setHover,
  });
  useWheel(scroller, axis, (factor, around) => change(zoom(view, whole, factor, around)));

  function openSegment(segment: Segment): void {
    void navigate({
      to: "/jobs/$jobId/runs/$runId/tasks/$taskRunId",
      params: {
        jobId: String(jobId),
        runId: String(runId),
        taskRunId: String(segment.attempt.task_run_id),
      },
    });
  }

  return (
    <section
      aria-label="Timeline"
      className="mt-4 flex h-[calc(100%-1rem)] min-h-64 flex-col overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-1.5 text-xs text-ink-soft">
        <Legend />
        <div className="ml-auto flex items-center gap-1">
          <IconButton
            label="Zoom out"
            onClick={() => change(zoom(view, whole, 1 / ZOOM_STEP, 0.5))}
          >
            <ZoomOut />
          </IconButton>
          <IconButton label="Zoom in" onClick={() => change(zoom(view, whole, ZOOM_STEP, 0.5))}>
            <ZoomIn />
          </IconButton>
          <Button size="small" kind="quiet" disabled={!shown} onClick={() => setShown(null)}>
            <Maximize2 aria-hidden />
            Whole run
          </Button>
        </div>
      </div>
      <div
        ref={scroller}
        className="relative min-h-0 flex-1 overflow-x-hidden overflow-y-auto"
        onScroll={() => setHover(null)}
      >
        <div
          className="sticky top-0 z-20 flex h-8 border-b border-line bg-surface text-xs text-ink-faint"
          aria-hidden
        >
          <div
            className="flex shrink-0 items-center border-r border-line px-4"
            style={{ width: NAMES }}
          >
            {shown ? "Ctrl and wheel zooms, drag moves" : "Ctrl and wheel zooms"}
          </div>
          <div ref={axis} className="relative min-w-0 flex-1 overflow-hidden">
            {ticks.at.map((tick) => (
              <span
                key={tick}
                className="absolute top-2 -translate-x-1/2 tabular-nums"
                style={{ left: `${positionOf(tick, view)}%` }}
              >
                {tickWords(tick, ticks.step)}
              </span>
            ))}
          </div>
        </div>
        <ol className="relative" style={{ height: virtual.getTotalSize() }} {...bars}>
          <Grid ticks={ticks.at} view={view} now={running ? now : null} />
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <Row
                key={`${row.task}/${row.id}`}
                row={row}
                top={item.start}
                view={view}
                selected={selected === row.task && row.depth === 0}
                open={open.has(row.task)}
                onSelect={() => onSelect(row.task)}
                onToggle={() =>
                  setOpen((before) => {
                    const next = new Map(before);
                    if (!next.delete(row.task)) next.set(row.task, []);
                    return next;
                  })
                }
                place={item.index}
              />
            );
          })}
        </ol>
      </div>
      {[...open.keys()].map((key) => {
        const loop = timeline.tasks.find((task) => task.task_key === key)?.attempts.at(-1);
        return loop ? (
          <Iterations
            key={key}
            runId={runId}
            taskRunId={loop.task_run_id}
            onRows={(found) => setOpen((before) => new Map(before).set(key, found))}
          />
        ) : null;
      })}
      {hover && <HoverCard hover={hover} now={now} />}
    </section>
  );
}

const PHASES: { phase: Phase; word: string; look: string }[] = [
  { phase: "queued", word: "Queued", look: "bg-warn-soft border border-warn-fill" },
  { phase: "setup", word: "Setup", look: "bg-accent/45" },
  { phase: "execution", word: "Execution", look: "bg-good-fill" },
  { phase: "ending", word: "Finishing", look: "bg-calm-fill/60" },
  { phase: "waiting", word: "Waiting to retry", look: "border border-dashed border-warn-fill" },
];

function Legend() {
  return (
    <ul className="flex flex-wrap items-center gap-x-4 gap-y-1">
      {PHASES.map(({ phase, word, look }) => (
        <li key={phase} className="flex items-center gap-1.5">
          <span aria-hidden className={cx("h-2.5 w-4 rounded-[3px]", look)} />
          {word}
        </li>
      ))}
      <li className="flex items-center gap-1.5">
        <span aria-hidden className="h-3.5 w-1 rounded-full bg-accent" />
        Critical path
      </li>
    </ul>
  );
}

function lookOfSegment(segment: Segment): string {
  if (segment.phase !== "execution")
    return PHASES.find(({ phase }) => phase === segment.phase)?.look ?? "";
  switch (lookOf(segment.attempt.state).tone) {
    case "good":
      return "bg-good-fill";
    case "bad":
      return "bg-bad-fill";
    case "live":
      return "bg-live-fill";
    case "warn":
      return "bg-warn-fill";
    default:
      return "bg-calm-fill";
  }
}

interface RowProps {
  row: GanttRow;
  top: number;
  view: View;
  selected: boolean;
  open: boolean;
  onSelect: () => void;
  onToggle: () => void;
  place: number;
}

function Row({ row, top, view, selected, open, onSelect, onToggle, place }: RowProps) {
  const loop = row.iterations !== null && row.depth === 0;
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <li
      className={cx(
        "absolute inset-x-0 flex hover:bg-sunken/60",
        selected && "bg-accent-soft/60 hover:bg-accent-soft/60",
      )}
      style={{ top, height: ROW }}
    >
      <div
        className="relative flex shrink-0 items-center gap-1.5 border-r border-line pr-2 pl-4"
        style={{ width: NAMES }}
      >
        {row.critical && (
          <span
            title="On the critical path"
            className="absolute inset-y-1.5 left-1 w-1 rounded-full bg-accent"
          />
        )}
        <StateIcon state={row.state} className={cx("size-3.5", row.depth && "ml-5")} />
        <button
          type="button"
          title={row.label}
          aria-label={`${row.label}, ${words(row)}`}
          aria-pressed={selected}
          onClick={onSelect}
          className={cx(
            "min-w-0 flex-1 truncate text-left text-sm hover:text-accent",
            row.depth && "text-xs text-ink-soft",
          )}
        >
          {row.label}
        </button>
        {loop && (
          <button
            type="button"
            aria-expanded={open}
            aria-label={`${row.iterations?.total ?? 0} iterations of ${row.label}`}
            onClick={onToggle}
            className="inline-flex items-center gap-0.5 rounded px-1 text-xs text-ink-faint hover:bg-sunken hover:text-ink"
          >
            {row.iterations?.total}
            <Chevron aria-hidden className="size-3.5" />
          </button>
        )}
      </div>
      <div className="relative min-w-0 flex-1 overflow-hidden">
        {row.segments.map((segment, each) => (
          <Bar
            key={`${segment.attempt.attempt_number}/${segment.phase}`}
            name={`${place}/${each}`}
            critical={row.critical}
            segment={segment}
            view={view}
          />
        ))}
        <Length row={row} view={view} />
      </div>
    </li>
  );
}

function words(row: GanttRow): string {
  const parts = [lookOf(row.state).label];
  if (row.from !== null && row.to !== null && row.to > row.from)
    parts.push(formatDuration(row.to - row.from));
  if (row.attempts > 1) parts.push(`${row.attempts} attempts`);
  if (row.critical) parts.push("on the critical path");
  return parts.join(", ");
}

const NEAR_THE_END = 94;

/** How long the task took, beside its last bar. */
function Length({ row, view }: { row: GanttRow; view: View }) {
  if (row.from === null || row.to === null || row.to <= row.from) return null;
  const end = positionOf(row.to, view);
  if (end < 0 || end > 100) return null;
  const before = end > NEAR_THE_END;
  return (
    <span
      aria-hidden
      className="pointer-events-none absolute top-1.5 px-1.5 text-xs whitespace-nowrap text-ink-faint tabular-nums"
      style={before ? { right: `${100 - positionOf(row.from, view)}%` } : { left: `${end}%` }}
    >
      {formatDuration(row.to - row.from)}
    </span>
  );
}

interface BarProps {
  /** The row's and the segment's place, for what the pointer does. */
  name: string;
  segment: Segment;
  critical: boolean;
  view: View;
}

/** A segment. Its figures are in the row's words, its log behind the side panel: it needs no focus. */
function Bar({ name, segment, critical, view }: BarProps) {
  const left = positionOf(segment.from, view);
  const right = positionOf(segment.to, view);
  if (right < 0 || left > 100) return null;
  const mark = segment.to === segment.from;
  const executes = segment.phase === "execution";
  return (
    <span
      aria-hidden
      data-bar={name}
      className={cx(
        "absolute top-1.5 h-[18px] min-w-[3px] cursor-pointer rounded-[3px] hover:brightness-110",
        mark ? "border border-dashed border-calm-fill" : lookOfSegment(segment),
        executes && critical && "ring-1 ring-accent ring-offset-1 ring-offset-surface",
        executes && segment.attempt.state === "RUNNING" && "animate-pulse",
      )}
      style={{ left: `${left}%`, width: `${Math.max(0, right - left)}%` }}
    />
  );
}

function wordOf(phase: Phase): string {
  return PHASES.find((each) => each.phase === phase)?.word ?? phase;
}

function Grid({ ticks, view, now }: { ticks: number[]; view: View; now: number | null }) {
  return (
    <li
      aria-hidden
      className="pointer-events-none absolute inset-y-0 right-0"
      style={{ left: NAMES }}
    >
      {ticks.map((tick) => (
        <span
          key={tick}
          className="absolute inset-y-0 w-px bg-line/70"
          style={{ left: `${positionOf(tick, view)}%` }}
        />
      ))}
      {now !== null && (
        <span
          className="absolute inset-y-0 w-px bg-live-fill"
          style={{ left: `${Math.min(100, positionOf(now, view))}%` }}
        />
      )}
    </li>
  );
}

interface Hover {
  row: GanttRow;
  segment: Segment;
  box: DOMRect;
  x: number;
}

/** What the bar under the pointer says; the same facts are in the side panel. */
function HoverCard({ hover, now }: { hover: Hover; now: number }) {
  const { row, segment, box, x } = hover;
  const { attempt } = segment;
  const below = box.bottom + 170 < innerHeight;
  const steps: [string, number | null][] = [
    ["Queued", attempt.queued_at],
    ["Started", attempt.started_at],
    ["Executes since", attempt.execution_started_at],
    ["Ended", attempt.ended_at],
  ];
  return (
    <div
      aria-hidden
      className="pointer-events-none fixed z-50 w-64 rounded-md border border-line-strong bg-raised p-3 text-xs shadow-lg"
      style={{
        left: Math.min(x, innerWidth - 280),
        ...(below ? { top: box.bottom + 6 } : { bottom: innerHeight - box.top + 6 }),
      }}
    >
      <p className="flex items-center gap-1.5 text-sm font-medium">
        <StateIcon state={attempt.state} className="size-3.5" />
        <span className="truncate">{row.label}</span>
      </p>
      <p className="mt-0.5 text-ink-soft">
        {lookOf(attempt.state).label}
        {row.attempts > 1 && ` · attempt ${attempt.attempt_number + 1} of ${row.attempts}`}
      </p>
      <p className="mt-2 flex justify-between font-medium">
        <span>{wordOf(segment.phase)}</span>
        <span className="tabular-nums">{formatDuration(segment.to - segment.from)}</span>
      </p>
      <dl className="mt-1 grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-ink-soft">
        {steps.map(([word, at]) =>
          at === null ? null : (
            <div key={word} className="contents">
              <dt>{word}</dt>
              <dd className="text-right tabular-nums">{formatInstant(at, now)}</dd>
            </div>
          ),
        )}
      </dl>
    </div>
  );
}

/** Ask for the iterations of a for-each whose row is open, page by page. */
function Iterations({
  runId,
  taskRunId,
  onRows,
}: {
  runId: number;
  taskRunId: number;
  onRows: (rows: TimelineTask[]) => void;
}) {
  const query = useInfiniteQuery(iterationsQuery(runId, taskRunId));
  const { data, hasNextPage, isFetching, fetchNextPage } = query;
  const tell = useRef(onRows);
  tell.current = onRows;
  useEffect(() => {
    const found = data?.pages.flatMap((page) => page.iterations ?? []) ?? [];
    tell.current((found as unknown as TaskRunEntry[]).map(rowOfIteration));
  }, [data]);
  if (!hasNextPage) return null;
  return (
    <div className="border-t border-line p-1.5 text-center">
      <Button size="small" kind="quiet" busy={isFetching} onClick={() => void fetchNextPage()}>
        Show more iterations
      </Button>
    </div>
  );
}

function rowOfIteration(entry: TaskRunEntry): TimelineTask {
  const {
    start_time: start,
    end_time: end,
    setup_duration: setup,
    execution_duration: ran,
  } = entry;
  const works = Boolean(start) && (Boolean(end) || setup > 0);
  return {
    task_key: `${entry.task_key} [${entry.iteration ?? 0}]`,
    task_type: "",
    depends_on: [],
    iterations: null,
    attempts:
      start && entry.run_id
        ? [
            {
              task_run_id: entry.run_id,
              attempt_number: entry.attempt_number,
              state: oneWord(entry.state),
              queued_at: start,
              started_at: works ? start : null,
              execution_started_at: works ? start + setup : null,
              execution_ended_at: end ? start + setup + ran : null,
              ended_at: end || null,
            },
          ]
        : [],
  };
}

/** Where an instant is, in percent of what is seen. */
function positionOf(at: number, view: View): number {
  return ((at - view.from) / (view.to - view.from)) * 100;
}

function useWidth(box: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    if (!box.current) return;
    const watch = new ResizeObserver(([entry]) => entry && setWidth(entry.contentRect.width));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [box]);
  return width;
}

interface Bars {
  width: number;
  rows: GanttRow[];
  onPan: (share: number) => void;
  onOpen: (segment: Segment) => void;
  onHover: (hover: Hover | null) => void;
}

const A_CLICK_PX = 3;

/** What the pointer does: over a bar it shows its figures, a click opens the attempt, dragging moves. */
function useBars({ width, rows, onPan, onOpen, onHover }: Bars) {
  const drag = useRef<{ last: number; moved: number } | null>(null);
  function under(target: EventTarget): Hover | null {
    const bar = target instanceof Element ? target.closest<HTMLElement>("[data-bar]") : null;
    const [row, each] = bar?.dataset.bar?.split("/").map(Number) ?? [];
    const found = rows[row ?? -1];
    const segment = found?.segments[each ?? -1];
    if (!bar || !found || !segment) return null;
    return { row: found, segment, box: bar.getBoundingClientRect(), x: 0 };
  }
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.target instanceof Element && event.target.closest("button")) return;
      drag.current = { last: event.clientX, moved: 0 };
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const held = drag.current;
      if (held && event.buttons) {
        held.moved += Math.abs(event.clientX - held.last);
        if (held.moved > A_CLICK_PX) onPan((held.last - event.clientX) / width);
        held.last = event.clientX;
      }
      const found = under(event.target);
      onHover(found && { ...found, x: event.clientX });
    },
    onPointerLeave: () => {
      drag.current = null;
      onHover(null);
    },
    onClick: (event: React.MouseEvent<HTMLElement>) => {
      const dragged = (drag.current?.moved ?? 0) > A_CLICK_PX;
      drag.current = null;
      const found = dragged ? null : under(event.target);
      if (found) onOpen(found.segment);
    },
  };
}

/** Zoom by Ctrl (⌘) and the wheel. React listens passively, which could not keep the page from zooming. */
function useWheel(
  box: React.RefObject<HTMLElement | null>,
  axis: React.RefObject<HTMLElement | null>,
  onZoom: (factor: number, around: number) => void,
): void {
  const act = useRef(onZoom);
  act.current = onZoom;
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    function turn(event: WheelEvent): void {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const frame = axis.current?.getBoundingClientRect();
      const around = frame ? (event.clientX - frame.left) / frame.width : 0.5;
      act.current(event.deltaY > 0 ? 1 / 0.8 : 0.8, Math.min(1, Math.max(0, around)));
    }
    at.addEventListener("wheel", turn, { passive: false });
    return () => at.removeEventListener("wheel", turn);
  }, [box, axis]);
}
