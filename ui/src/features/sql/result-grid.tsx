// biome-ignore-all lint/a11y/useSemanticElements: a table cannot leave out the rows that are out of view
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and names the active cell
import { ArrowDown, ArrowUp } from "lucide-react";
import {
  type CSSProperties,
  memo,
  type PointerEvent as ReactPointerEvent,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { flushSync } from "react-dom";
import { toast } from "sonner";
import {
  asTabs,
  type Cell,
  cellLine,
  columnWidth,
  instantHint,
  kindOf,
  type ResultColumn,
} from "@/lib/cells";
import { cx } from "@/lib/cx";
import { formatCount, plural } from "@/lib/numbers";
import {
  clampTop,
  type RowSpace,
  rowsAt,
  scrollHeight,
  scrollTopOf,
  topOf,
  topShowing,
} from "@/lib/row-window";
import type { Answer } from "./answers";
import { between, type CellPlace, columnsAt, edges, type Selected } from "./grid-columns";

const ROW = 28;
const HEADER = 44;
const SAMPLED = 60;
const MOST_COPIED = 100_000;
/** Rows are placed from the first one of a block, so that scrolling within it moves none of them. */
const BLOCK = 64;
const SETTLED_MS = 70;

export interface Sorting {
  column: number;
  descending: boolean;
}

interface GridProps {
  answer: Answer;
  /** All rows in another order; otherwise they are fetched as they are looked at. */
  sorted: Cell[][] | null;
  sorting: Sorting | null;
  onSort: (column: number) => void;
  selected: Selected | null;
  active: CellPlace | null;
  onSelect: (active: CellPlace, selected: Selected) => void;
  onOpen: () => void;
}

/** Rows and columns of any number, of which only those in view are drawn and fetched. */
export function ResultGrid(props: GridProps) {
  const { answer, sorted, active, selected } = props;
  const columns = answer.manifest.schema.columns as ResultColumn[];
  const come = useSyncExternalStore(answer.subscribe, answer.snapshot);
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ width: 0, height: 0 });
  const [place, setPlace] = useState({ top: 0, left: 0 });
  const top = useRef(0);
  const gutter = 22 + String(answer.count).length * 7.5;
  const widths = useWidths(answer, columns, come > 0);
  const starts = useMemo(() => edges(widths.now), [widths.now]);
  const space: RowSpace = {
    count: answer.count,
    rowHeight: ROW,
    viewHeight: Math.max(0, view.height - HEADER),
  };
  const [firstRow, lastRow] = rowsAt(place.top, space);
  const [firstColumn, lastColumn] = columnsAt(place.left, view.width - gutter, starts);
  const wanted = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const measure = () => setView({ width: box.clientWidth, height: box.clientHeight });
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(box);
    return () => watch.disconnect();
  }, []);

  // Rows that are only scrolled past are not fetched.
  useEffect(() => {
    if (sorted || view.height === 0) return;
    const missing = !answer.row(firstRow) || !answer.row(Math.max(firstRow, lastRow - 1));
    clearTimeout(wanted.current);
    if (missing)
      wanted.current = setTimeout(
        () => answer.want(firstRow, Math.max(firstRow + 1, lastRow)),
        place.top === 0 ? 0 : SETTLED_MS,
      );
    return () => clearTimeout(wanted.current);
  }, [answer, sorted, firstRow, lastRow, view.height, place.top]);

  function scrolled(): void {
    const box = scroller.current;
    if (!box) return;
    // The scroller's places are coarser than the rows': keep the exact one that set it.
    if (Math.abs(box.scrollTop - scrollTopOf(top.current, space)) > 1.5)
      top.current = topOf(box.scrollTop, space);
    const next = { top: top.current, left: box.scrollLeft };
    if (next.top !== place.top || next.left !== place.left) flushSync(() => setPlace(next));
  }

  function scrollTo(next: number): void {
    top.current = clampTop(next, space);
    if (scroller.current) scroller.current.scrollTop = scrollTopOf(top.current, space);
    setPlace({ top: top.current, left: scroller.current?.scrollLeft ?? 0 });
  }

  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    const scaled = scrollHeight(space) < space.count * ROW;
    if (!scaled || event.ctrlKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? ROW : event.deltaMode === 2 ? space.viewHeight : 1;
    scrollTo(top.current + event.deltaY * unit);
  };
  useEffect(() => {
    const box = scroller.current;
    const turn = (event: WheelEvent) => wheel.current(event);
    box?.addEventListener("wheel", turn, { passive: false });
    return () => box?.removeEventListener("wheel", turn);
  }, []);

  function show({ row, column }: CellPlace): void {
    const box = scroller.current;
    if (!box) return;
    const start = starts[column] ?? 0;
    const end = starts[column + 1] ?? 0;
    const room = view.width - gutter;
    if (start < box.scrollLeft) box.scrollLeft = start;
    else if (end > box.scrollLeft + room) box.scrollLeft = Math.min(start, end - room);
    scrollTo(topShowing(row, top.current, space));
  }

  const anchor = useRef<CellPlace | null>(null);
  function select(to: CellPlace, extend: boolean): void {
    if (!extend || !anchor.current) anchor.current = to;
    props.onSelect(to, between(anchor.current, to));
  }

  function key(event: React.KeyboardEvent): void {
    if (answer.count === 0 || event.target !== event.currentTarget) return;
    const mod = event.ctrlKey || event.metaKey;
    if (mod && event.key.toLowerCase() === "c") {
      event.preventDefault();
      void copy();
      return;
    }
    if (mod && event.key.toLowerCase() === "a") {
      event.preventDefault();
      props.onSelect(active ?? { row: 0, column: 0 }, {
        rows: [0, answer.count - 1],
        columns: [0, columns.length - 1],
      });
      return;
    }
    if (event.key === "Enter") {
      event.preventDefault();
      props.onOpen();
      return;
    }
    const to = moved(event.key, mod, active ?? { row: -1, column: 0 }, {
      rows: answer.count,
      columns: columns.length,
      page: Math.max(1, Math.floor(space.viewHeight / ROW) - 1),
    });
    if (!to) return;
    event.preventDefault();
    select(to, event.shiftKey);
    show(to);
  }

  async function copy(): Promise<void> {
    if (!selected) return;
    const [from, last] = selected.rows;
    const [left, right] = selected.columns;
    const to = Math.min(last + 1, from + MOST_COPIED);
    const rows = sorted ? sorted.slice(from, to) : await answer.rows(from, to);
    await navigator.clipboard.writeText(asTabs(rows.map((row) => row.slice(left, right + 1))));
    const cut = last + 1 > to ? ` (the first ${formatCount(MOST_COPIED)} of the selection)` : "";
    toast.success(`${plural(rows.length, "row")} copied${cut}`);
  }

  const block = firstRow - (firstRow % BLOCK);
  const rows: React.ReactNode[] = [];
  for (let index = firstRow; index < lastRow; index += 1)
    rows.push(
      <GridRow
        key={index}
        index={index}
        y={(index - block) * ROW}
        row={sorted ? sorted[index] : answer.row(index)}
        columns={columns}
        starts={starts}
        first={firstColumn}
        last={lastColumn}
        gutter={gutter}
        selected={
          selected && index >= selected.rows[0] && index <= selected.rows[1]
            ? selected.columns
            : null
        }
        active={active?.row === index ? active.column : null}
      />,
    );

  function pointed(event: ReactPointerEvent): CellPlace | null {
    const cell = (event.target as Element).closest<HTMLElement>("[data-row]");
    if (!cell) return null;
    return { row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  }

  return (
    <div
      ref={scroller}
      role="grid"
      aria-label="Rows of the result"
      aria-rowcount={answer.count + 1}
      aria-colcount={columns.length + 1}
      aria-multiselectable
      aria-activedescendant={active ? cellId(active.row, active.column) : undefined}
      tabIndex={0}
      onScroll={scrolled}
      onKeyDown={key}
      onDoubleClick={props.onOpen}
      onPointerDown={(event) => {
        const at = pointed(event);
        if (!at || event.button !== 0) return;
        if (at.column < 0) {
          anchor.current = event.shiftKey && anchor.current ? anchor.current : { ...at, column: 0 };
          props.onSelect(
            { row: at.row, column: 0 },
            between({ ...anchor.current, column: 0 }, { ...at, column: columns.length - 1 }),
          );
        } else select(at, event.shiftKey);
      }}
      onPointerMove={(event) => {
        if (event.buttons !== 1 || !anchor.current) return;
        const at = pointed(event);
        if (at && at.column >= 0 && (at.row !== active?.row || at.column !== active?.column))
          select(at, true);
      }}
      className="h-full overflow-auto bg-surface text-[13px] outline-none select-none focus-visible:outline-2 focus-visible:-outline-offset-2"
    >
      <div
        role="presentation"
        style={{
          height: scrollHeight(space) + HEADER,
          width: gutter + (starts.at(-1) ?? 0),
          minWidth: "100%",
        }}
      >
        <div
          role="presentation"
          className="sticky top-0 left-0 overflow-hidden"
          style={
            { width: view.width, height: view.height, "--x": `${place.left}px` } as CSSProperties
          }
        >
          <div
            role="presentation"
            className="absolute inset-x-0"
            style={{
              top: HEADER,
              transform: `translate(calc(-1 * var(--x)), ${block * ROW - place.top}px)`,
            }}
          >
            {rows}
          </div>
          <div
            role="row"
            aria-rowindex={1}
            className="absolute top-0 left-0 border-b border-line-strong bg-canvas"
            style={{
              height: HEADER,
              width: Math.max(view.width + place.left, gutter + (starts.at(-1) ?? 0)),
              transform: "translateX(calc(-1 * var(--x)))",
            }}
          >
            {columns.slice(firstColumn, lastColumn).map((column, offset) => (
              <Header
                // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place; names may be twice
                key={firstColumn + offset}
                column={column}
                index={firstColumn + offset}
                left={gutter + (starts[firstColumn + offset] ?? 0)}
                width={widths.now[firstColumn + offset] ?? 0}
                sorting={props.sorting}
                onSort={props.onSort}
                onResize={widths.set}
              />
            ))}
            <div
              role="columnheader"
              aria-colindex={1}
              className="absolute inset-y-0 left-0 z-10 border-r border-line bg-canvas"
              style={{ width: gutter, transform: "translateX(var(--x))" }}
            >
              <span className="sr-only">Row</span>
            </div>
          </div>
        </div>
      </div>
    </div>
  );
}

export function cellId(row: number, column: number): string {
  return `cell-${row}-${column}`;
}

interface RowProps {
  index: number;
  y: number;
  row: Cell[] | undefined;
  columns: ResultColumn[];
  starts: number[];
  first: number;
  last: number;
  gutter: number;
  selected: [number, number] | null;
  active: number | null;
}

const GridRow = memo(function GridRow(props: RowProps) {
  const { index, row, columns, starts, first, last, gutter, selected } = props;
  const cells: React.ReactNode[] = [];
  for (let column = first; column < last; column += 1) {
    const start = starts[column] ?? 0;
    const kind = kindOf(columns[column] as ResultColumn);
    const cell = row?.[column];
    const chosen = selected !== null && column >= selected[0] && column <= selected[1];
    cells.push(
      <div
        key={column}
        id={cellId(index, column)}
        role="gridcell"
        aria-colindex={column + 2}
        aria-selected={chosen}
        data-row={index}
        data-column={column}
        title={cell ? instantHint(cell, kind) : undefined}
        className={cx(
          "absolute inset-y-0 truncate border-r border-line/60 px-2.5 leading-[27px]",
          kind === "number" && "text-right tabular-nums",
          (kind === "nested" || kind === "binary") && "font-mono text-xs leading-[27px]",
          kind === "instant" && "tabular-nums",
          chosen && "bg-accent-soft",
          props.active === column && "shadow-[inset_0_0_0_1.5px_var(--accent)]",
        )}
        style={{ left: gutter + start, width: (starts[column + 1] ?? 0) - start }}
      >
        {row === undefined ? (
          <span aria-hidden className="my-2 block h-3 w-2/3 animate-pulse rounded bg-sunken" />
        ) : cell === null || cell === undefined ? (
          <span className="text-ink-faint italic">null</span>
        ) : cell === "" ? (
          <span className="text-ink-faint italic">empty</span>
        ) : (
          cellLine(cell, kind)
        )}
      </div>,
    );
  }
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className="absolute inset-x-0 border-b border-line/60"
      style={{ top: props.y, height: ROW, width: gutter + (starts.at(-1) ?? 0) }}
    >
      {cells}
      <div
        role="rowheader"
        aria-colindex={1}
        data-row={index}
        data-column={-1}
        className={cx(
          "absolute inset-y-0 left-0 z-10 cursor-pointer border-r border-line bg-canvas pr-2 text-right text-xs leading-[27px] text-ink-faint tabular-nums",
          selected && "bg-accent-soft text-accent",
        )}
        style={{ width: gutter, transform: "translateX(var(--x))" }}
      >
        {formatCount(index + 1)}
      </div>
    </div>
  );
});

interface HeaderProps {
  column: ResultColumn;
  index: number;
  left: number;
  width: number;
  sorting: Sorting | null;
  onSort: (column: number) => void;
  onResize: (column: number, width: number | null) => void;
}

function Header({ column, index, left, width, sorting, onSort, onResize }: HeaderProps) {
  const own = sorting?.column === index ? sorting : null;
  const Arrow = own?.descending ? ArrowDown : ArrowUp;
  const number = kindOf(column) === "number";
  function drag(event: ReactPointerEvent): void {
    event.preventDefault();
    event.stopPropagation();
    const from = event.clientX - width;
    const move = (next: PointerEvent) => onResize(index, Math.max(48, next.clientX - from));
    const end = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
  }
  return (
    <div
      role="columnheader"
      aria-colindex={index + 2}
      aria-sort={own ? (own.descending ? "descending" : "ascending") : undefined}
      className="absolute inset-y-0 border-r border-line"
      style={{ left, width }}
    >
      <button
        type="button"
        title={`${column.name}\n${column.type_text}\nClick to sort`}
        onClick={() => onSort(index)}
        onDoubleClick={(event) => event.stopPropagation()}
        className={cx(
          "flex size-full flex-col justify-center px-2.5 text-left hover:bg-sunken focus-visible:-outline-offset-2",
          number && "items-end text-right",
        )}
      >
        <span className="flex max-w-full items-center gap-1">
          <span className="truncate text-xs font-semibold">{column.name}</span>
          {own && <Arrow aria-hidden className="size-3 shrink-0 text-accent" />}
        </span>
        <span className="max-w-full truncate text-[11px] text-ink-faint lowercase">
          {column.type_text}
        </span>
      </button>
      <div
        aria-hidden
        className="absolute inset-y-0 -right-1 z-10 w-2 cursor-col-resize hover:bg-accent/40"
        onPointerDown={drag}
        onDoubleClick={(event) => {
          event.stopPropagation();
          onResize(index, null);
        }}
      />
    </div>
  );
}

/** Widths that fit what the first rows show, until somebody drags them. */
function useWidths(answer: Answer, columns: ResultColumn[], come: boolean) {
  const [dragged, setDragged] = useState<Record<number, number>>({});
  const fitting = useMemo(() => {
    const sample: Cell[][] = [];
    for (let row = 0; come && row < SAMPLED; row += 1) {
      const found = answer.row(row);
      if (found) sample.push(found);
    }
    return columns.map((column, place) => columnWidth(column, place, sample));
  }, [answer, columns, come]);
  const now = useMemo(
    () => fitting.map((width, place) => dragged[place] ?? width),
    [fitting, dragged],
  );
  function set(column: number, width: number | null): void {
    setDragged((before) => {
      const { [column]: _, ...others } = before;
      return width === null ? others : { ...others, [column]: width };
    });
  }
  return { now, set };
}

function moved(
  key: string,
  far: boolean,
  { row, column }: CellPlace,
  size: { rows: number; columns: number; page: number },
): CellPlace | null {
  const last = { row: size.rows - 1, column: size.columns - 1 };
  const steps: Record<string, [number, number]> = {
    ArrowDown: [far ? size.rows : 1, 0],
    ArrowUp: [far ? -size.rows : -1, 0],
    ArrowRight: [0, far ? size.columns : 1],
    ArrowLeft: [0, far ? -size.columns : -1],
    PageDown: [size.page, 0],
    PageUp: [-size.page, 0],
    Home: [far ? -size.rows : 0, -size.columns],
    End: [far ? size.rows : 0, size.columns],
  };
  const step = steps[key];
  if (!step) return null;
  return {
    row: Math.max(0, Math.min(last.row, row + step[0])),
    column: Math.max(0, Math.min(last.column, column + step[1])),
  };
}
