import { ArrowDown } from "lucide-react";
import {
  type Ref,
  useCallback,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Button } from "@/components/button";
import { cx } from "@/lib/cx";
import { highlight, plain, spansOf } from "./ansi";
import "./log.css";
import { isError, isWarning } from "./log-buffer";
import { columnsOf, LogLayout } from "./log-layout";
import { type LogSearch, rangesIn } from "./log-search";
import type { Found, Log } from "./use-log";

const ROW_PX = 20;
const OVERSCAN = 15;
/** What is beyond is not drawn: no person reads it, and browsers choke on it. */
const MOST_DRAWN = 10_000;
const PADDING_PX = 24;

/** Some lines, counted from 1 as people see them. */
export interface Lines {
  from: number;
  to: number;
}

export interface LogListHandle {
  /** Bring a line (counted from 0) into the middle; tells whether it is there already. */
  show: (line: number) => boolean;
  /** Go to the end, and stay there as more comes. */
  toEnd: () => void;
}

interface LogListProps {
  log: Log;
  label: string;
  wrap: boolean;
  found: Found;
  /** Shows the lines with a match alone. */
  only: boolean;
  /** Which match is looked at. */
  current: number;
  selected: Lines | null;
  onSelect: (lines: Lines) => void;
  /** Begins at the end and stays there. */
  atEnd: boolean;
  handle?: Ref<LogListHandle>;
}

/** The lines of a log, of which only the visible ones are drawn. */
export function LogList(props: LogListProps) {
  const { log, wrap, found, only } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const size = useSize(scroller);
  const [top, setTop] = useState(0);
  const [following, setFollowing] = useState(props.atEnd);
  const lastTop = useRef(0);
  /** What is looked at: a line, and how far its top is from the window's. */
  const anchor = useRef({ line: 0, offset: 0 });

  const shown = only && found.search ? found.search.lines : null;
  const count = shown ? shown.length : log.buffer.count;
  const digits = String(Math.max(100, log.buffer.count)).length;
  const gutter = Math.ceil((digits + 2) * size.character) + 8;
  const columns = wrap
    ? Math.max(20, Math.floor((size.width - gutter - PADDING_PX) / size.character))
    : Number.POSITIVE_INFINITY;
  const layout = useLayout(log, shown, count, columns);

  const show = useCallback(
    (line: number) => {
      const box = scroller.current;
      const place = shown ? lowerBound(shown, line) : line;
      if (!box || place >= layout.count) return false;
      const middle = layout.rowOf(place) * ROW_PX - box.clientHeight / 2 + ROW_PX;
      setFollowing(false);
      box.scrollTop = Math.max(0, middle);
      anchor.current = { line, offset: box.scrollTop - layout.rowOf(place) * ROW_PX };
      return true;
    },
    [layout, shown],
  );
  const toEnd = useCallback(() => {
    setFollowing(true);
    if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, []);
  useImperativeHandle(props.handle, () => ({ show, toEnd }), [show, toEnd]);

  const rows = layout.rows;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new row moves the end
  useLayoutEffect(() => {
    if (following && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [rows, following, size.height]);

  // Lines that are broken elsewhere, or filtered, leave in view what was in view.
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || following || layout.count === 0) return;
    const { line, offset } = anchor.current;
    const place = shown ? lowerBound(shown, line) : line;
    box.scrollTop = Math.max(0, layout.rowOf(place) * ROW_PX + offset);
  }, [layout, shown, following]);

  function scrolled(box: HTMLDivElement): void {
    setTop(box.scrollTop);
    const place = layout.at(Math.floor(box.scrollTop / ROW_PX));
    anchor.current = {
      line: shown ? (shown[place] ?? 0) : place,
      offset: box.scrollTop - layout.rowOf(place) * ROW_PX,
    };
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 2 * ROW_PX;
    if (isAtEnd) setFollowing(true);
    else if (box.scrollTop < lastTop.current) setFollowing(false);
    lastTop.current = box.scrollTop;
  }

  const first = Math.max(0, layout.at(Math.floor(top / ROW_PX)) - OVERSCAN);
  const last = Math.min(count - 1, layout.at(Math.ceil((top + size.height) / ROW_PX)) + OVERSCAN);
  const drawn: number[] = [];
  for (let place = first; place <= last; place += 1)
    drawn.push(shown ? (shown[place] ?? 0) : place);
  const isLive = log.status === "live" || log.status === "lost";

  return (
    <div className="relative flex min-h-0 min-w-0 flex-1">
      <div
        ref={scroller}
        role="log"
        aria-label={props.label}
        aria-live="off"
        tabIndex={0}
        onScroll={(event) => scrolled(event.currentTarget)}
        className="log min-h-0 flex-1 overflow-auto bg-surface font-mono text-[12.5px] leading-5 [overflow-anchor:none] [contain:strict]"
      >
        <div
          className="relative"
          style={{
            height: rows * ROW_PX + 16,
            minWidth: wrap
              ? undefined
              : `calc(${Math.min(log.buffer.longest, MOST_DRAWN)}ch + ${gutter + PADDING_PX}px)`,
          }}
        >
          <div
            className="absolute inset-x-0"
            style={{ transform: `translateY(${layout.rowOf(first) * ROW_PX + 8}px)` }}
          >
            {drawn.map((line) => (
              <Line
                key={line}
                number={line}
                log={log}
                version={line >= log.buffer.settled ? log.version : 0}
                gutter={gutter}
                wrap={wrap}
                search={found.search}
                currentHit={hitIn(found.search, props.current, line)}
                isSelected={isWithin(line + 1, props.selected)}
                onSelect={props.onSelect}
                selected={props.selected}
              />
            ))}
          </div>
        </div>
      </div>
      {!following && rows * ROW_PX > size.height && (
        <Button
          size="small"
          className="absolute right-5 bottom-4 rounded-full px-3 shadow-lg"
          onClick={toEnd}
        >
          <ArrowDown aria-hidden />
          {isLive ? "Follow the end" : "Jump to the end"}
        </Button>
      )}
    </div>
  );
}

interface LineProps {
  number: number;
  log: Log;
  /** Only of a line that may still change. */
  version: number;
  gutter: number;
  wrap: boolean;
  search: LogSearch | null;
  currentHit: number | null;
  isSelected: boolean;
  selected: Lines | null;
  onSelect: (lines: Lines) => void;
}

function Line(props: LineProps) {
  const { number, log, version, search, currentHit } = props;
  const { text, parts, more } = useMemo(() => {
    void version;
    const whole = log.buffer.line(number);
    const line = whole.length > MOST_DRAWN ? whole.slice(0, MOST_DRAWN) : whole;
    const read = plain(line);
    const ranges = search ? rangesIn(search.pattern, read) : [];
    return {
      text: read,
      parts: highlight(spansOf(log.buffer.styleBefore(number), line), ranges),
      more: whole.length - line.length,
    };
  }, [log.buffer, number, version, search]);
  const error = isError(text);
  const tone = error ? "text-bad" : isWarning(text) ? "text-warn" : "text-ink-faint";
  return (
    <div
      data-line={number + 1}
      className={cx(
        "group flex min-h-5",
        props.isSelected ? "bg-accent-soft" : "hover:bg-sunken/70",
      )}
    >
      <button
        type="button"
        tabIndex={-1}
        aria-label={`Link to line ${number + 1}`}
        onClick={(event) => props.onSelect(chosen(number + 1, props.selected, event.shiftKey))}
        className={cx(
          "sticky left-0 flex shrink-0 items-start justify-end self-stretch pr-3 leading-5 tabular-nums select-none hover:text-accent hover:underline",
          props.isSelected ? "bg-accent-soft font-semibold text-accent" : cx("bg-surface", tone),
          error && "shadow-[inset_2px_0_0_var(--bad-fill)]",
        )}
        style={{ width: props.gutter }}
      >
        {number + 1}
      </button>
      <span
        className={cx(
          "min-w-0 flex-1 pr-4",
          props.wrap ? "break-all whitespace-break-spaces" : "whitespace-pre",
        )}
      >
        {parts.map(({ span, hit }, place) =>
          hit === null ? (
            span.className || span.style ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: a span is its place
              <span key={place} className={span.className} style={span.style}>
                {span.text}
              </span>
            ) : (
              span.text
            )
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: a span is its place
            <mark key={place} data-current={hit === currentHit || undefined}>
              {span.text}
            </mark>
          ),
        )}
        {more > 0 && <span className="text-ink-faint"> … {more.toLocaleString("en")} more</span>}
      </span>
    </div>
  );
}

/** One line, or with shift all from the one chosen before. */
function chosen(line: number, before: Lines | null, extend: boolean): Lines {
  if (!extend || !before) return { from: line, to: line };
  return { from: Math.min(before.from, line), to: Math.max(before.from, line) };
}

function isWithin(line: number, lines: Lines | null): boolean {
  return lines !== null && line >= lines.from && line <= lines.to;
}

/** Which hit of its line the current match is; null when it is in another line. */
function hitIn(search: LogSearch | null, current: number, line: number): number | null {
  if (!search || search.matches[current] !== line) return null;
  return current - lowerBound(search.matches, line);
}

/** The place of the first of ordered numbers that is not smaller. */
function lowerBound(numbers: number[], wanted: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The layout of the lines that are shown; lines that are placed stay placed while the log grows. */
function useLayout(log: Log, shown: number[] | null, count: number, columns: number): LogLayout {
  const kept = useRef({ layout: new LogLayout(), key: [] as unknown[] });
  const key = [log.buffer, shown, columns];
  if (key.some((part, place) => part !== kept.current.key[place]))
    kept.current = { layout: new LogLayout(), key };
  const { layout } = kept.current;
  if (!shown) layout.cut(log.buffer.settled);
  while (layout.count < count) {
    const line = shown ? (shown[layout.count] ?? 0) : layout.count;
    layout.push(rowsOf(log, line, columns));
  }
  return layout;
}

function rowsOf(log: Log, line: number, columns: number): number {
  if (columns === Number.POSITIVE_INFINITY) return 1;
  const text = log.buffer.line(line);
  // Escape sequences only make it longer than it is: most lines are known to fit without a look.
  if (text.length * 2 <= columns) return 1;
  return Math.max(1, Math.ceil(columnsOf(plain(text.slice(0, MOST_DRAWN))) / columns));
}

interface Size {
  width: number;
  height: number;
  character: number;
}

/** The size of the window onto the log, and of one character in it. */
function useSize(box: React.RefObject<HTMLDivElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 800, height: 600, character: 7.5 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () =>
      setSize({
        width: element.clientWidth,
        height: element.clientHeight,
        character: characterIn(element),
      });
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    void document.fonts?.ready.then(measure);
    return () => watch.disconnect();
  }, [box]);
  return size;
}

function characterIn(element: HTMLElement): number {
  const probe = document.createElement("span");
  probe.textContent = "0".repeat(100);
  probe.style.cssText = "position:absolute;visibility:hidden;white-space:pre";
  element.append(probe);
  const width = probe.getBoundingClientRect().width / 100;
  probe.remove();
  return width || 7.5;
}
