import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  sortFn_alphanumeric,
  sortFn_basic,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type ReactNode, useMemo, useRef, useState } from "react";
import { cx } from "@/lib/cx";
import { Button } from "./button";

/** One column: what it shows of a row, and by what it sorts. */
export interface Column<T> {
  id: string;
  header: ReactNode;
  cell: (row: T) => ReactNode;
  /** Makes the column sortable by this value; nothing sorts last. */
  sort?: (row: T) => string | number | null | undefined;
  align?: "left" | "right";
  /** Any CSS width; columns without one share what is left. */
  width?: string;
  className?: string;
  /** Left out where the window is narrower than 1280 px. */
  wide?: boolean;
}

interface DataTableProps<T> {
  /** What it lists, for those who do not see it. */
  label: string;
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  /** Makes rows clickable, by Enter too; give the row's name a real link as well. */
  onOpen?: (row: T) => void;
  /** Shown instead of rows when there are none. */
  empty?: ReactNode;
  /** There is more on the server: shows a button that asks for it. */
  onMore?: () => void;
  loadingMore?: boolean;
  /** Where sorting is the server's work: which column, which way, and what to do on a click. */
  sorting?: { id: string; desc: boolean };
  onSort?: (id: string, desc: boolean) => void;
  /** Any CSS height after which the table scrolls by itself. */
  maxHeight?: string;
  selected?: string;
  /** Tints a row by what it is. */
  rowClass?: (row: T) => string | undefined;
}

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
});

const ROW_HEIGHT = 40;
const VIRTUAL_FROM = 150;

/** The one table: sortable, with rows that open by click or key (j, k and the arrows move), and only the visible ones drawn when there are many. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { rows, columns, rowKey, onOpen } = props;
  const [local, setLocal] = useState<SortingState>([]);
  const scroller = useRef<HTMLDivElement>(null);
  const definitions = useMemo(() => columns.map((column) => define(column)), [columns]);
  const table = useTable({
    features,
    data: rows as object[],
    columns: definitions,
    state: { sorting: props.onSort ? (props.sorting ? [props.sorting] : []) : local },
    onSortingChange: (change) => setLocal(typeof change === "function" ? change(local) : change),
    manualSorting: Boolean(props.onSort),
  });
  const drawn = table.getRowModel().rows;
  const many = drawn.length > VIRTUAL_FROM;
  const virtual = useVirtualizer({
    count: many ? drawn.length : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const window = virtual.getVirtualItems();
  const visible = many ? window.map((item) => drawn[item.index]) : drawn;
  const above = many ? (window[0]?.start ?? 0) : 0;
  const below = many ? virtual.getTotalSize() - (window.at(-1)?.end ?? 0) : 0;

  if (rows.length === 0 && props.empty) return props.empty;
  return (
    <div
      ref={scroller}
      className="overflow-auto"
      style={{ maxHeight: props.maxHeight ?? (many ? "72vh" : undefined) }}
    >
      <table aria-label={props.label} aria-rowcount={rows.length} className="w-full text-sm">
        <thead className="sticky top-0 z-10 bg-surface">
          <tr className="border-b border-line">
            {columns.map((column) => (
              <Header
                key={column.id}
                column={column}
                sorted={sortOf(column.id, props.onSort ? props.sorting : local[0])}
                onSort={(desc) =>
                  props.onSort ? props.onSort(column.id, desc) : setLocal([{ id: column.id, desc }])
                }
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr aria-hidden style={{ height: above }} />}
          {visible.map((row) => {
            if (!row) return null;
            const value = row.original as T;
            const key = rowKey(value);
            return (
              <tr
                key={key}
                tabIndex={onOpen ? 0 : undefined}
                aria-selected={props.selected === undefined ? undefined : props.selected === key}
                className={cx(
                  "h-10 border-b border-line/70 last:border-0",
                  onOpen && "cursor-pointer hover:bg-sunken/60 focus-visible:bg-sunken/60",
                  props.selected === key && "bg-accent-soft/60",
                  props.rowClass?.(value),
                )}
                onClick={(event) => {
                  if (onOpen && !isControl(event.target)) onOpen(value);
                }}
                onKeyDown={(event) => {
                  if (!onOpen || event.target !== event.currentTarget) return;
                  if (event.key === "Enter") onOpen(value);
                  move(event);
                }}
              >
                {columns.map((column) => (
                  <td
                    key={column.id}
                    className={cx(
                      "px-3 py-1.5 first:pl-4 last:pr-4",
                      column.align === "right" && "text-right tabular-nums",
                      column.wide && "max-xl:hidden",
                      column.className,
                    )}
                  >
                    {column.cell(value)}
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 && <tr aria-hidden style={{ height: below }} />}
        </tbody>
      </table>
      {props.onMore && (
        <div className="flex justify-center p-2">
          <Button size="small" kind="quiet" busy={props.loadingMore} onClick={props.onMore}>
            Show more
          </Button>
        </div>
      )}
    </div>
  );
}

function define<T>(column: Column<T>): ColumnDef<typeof features, object> {
  const { id, sort } = column;
  return {
    id,
    accessorFn: (row: object) => sort?.(row as T) ?? undefined,
    enableSorting: Boolean(sort),
    sortUndefined: "last",
    sortFn: (a, b, by) => compare(a.getValue(by), b.getValue(by)),
  };
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}

function sortOf(id: string, sorting?: { id: string; desc: boolean }): "up" | "down" | null {
  if (sorting?.id !== id) return null;
  return sorting.desc ? "down" : "up";
}

interface HeaderProps<T> {
  column: Column<T>;
  sorted: "up" | "down" | null;
  onSort: (desc: boolean) => void;
}

function Header<T>({ column, sorted, onSort }: HeaderProps<T>) {
  const Arrow = sorted === "down" ? ArrowDown : ArrowUp;
  return (
    <th
      scope="col"
      aria-sort={sorted ? (sorted === "up" ? "ascending" : "descending") : undefined}
      style={{ width: column.width }}
      className={cx(
        "h-9 px-3 text-left text-xs font-medium whitespace-nowrap text-ink-faint first:pl-4 last:pr-4",
        column.align === "right" && "text-right",
        column.wide && "max-xl:hidden",
      )}
    >
      {column.sort ? (
        <button
          type="button"
          className="inline-flex items-center gap-1 hover:text-ink"
          onClick={() => onSort(sorted === "up")}
        >
          {column.header}
          {sorted && <Arrow aria-hidden className="size-3" />}
        </button>
      ) : (
        column.header
      )}
    </th>
  );
}

/** True when the click was meant for a link or control inside the row. */
function isControl(target: EventTarget): boolean {
  return (
    target instanceof Element && target.closest("a, button, input, label, [role=menuitem]") !== null
  );
}

function move(event: React.KeyboardEvent<HTMLTableRowElement>): void {
  const down = event.key === "j" || event.key === "ArrowDown";
  const up = event.key === "k" || event.key === "ArrowUp";
  const next = down
    ? event.currentTarget.nextElementSibling
    : up
      ? event.currentTarget.previousElementSibling
      : null;
  if (next instanceof HTMLElement) {
    event.preventDefault();
    next.focus();
  }
}
