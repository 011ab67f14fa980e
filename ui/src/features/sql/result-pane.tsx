import {
  ChartColumn,
  CircleCheck,
  CircleX,
  Download,
  LoaderCircle,
  PanelRight,
  Scissors,
  Table2,
} from "lucide-react";
import { useState, useSyncExternalStore } from "react";
import { toast } from "sonner";
import { downloadUrl, type FileFormat } from "@/api/statements";
import { Button, IconButton } from "@/components/button";
import { Menu } from "@/components/overlay";
import { EmptyState, ErrorState, messageOf } from "@/components/states";
import { Elapsed } from "@/components/time";
import { type Cell, compareCells, kindOf, type ResultColumn } from "@/lib/cells";
import { cx } from "@/lib/cx";
import { formatBytes, formatCount, plural } from "@/lib/numbers";
import { formatDuration } from "@/lib/time";
import type { Answer } from "./answers";
import { CellPane } from "./cell-pane";
import type { ChartChoice } from "./chart-choice";
import { ChartPane } from "./chart-pane";
import { between, type CellPlace, figuresOf, type Selected } from "./grid-columns";
import { ResultGrid, type Sorting } from "./result-grid";
import type { Item } from "./runs";

const MOST_SORTED = 100_000;

export type ResultView = "table" | "chart";

interface ResultPaneProps {
  item: Item;
  view: ResultView;
  onView: (view: ResultView) => void;
  chart: ChartChoice | null;
  onChart: (chart: ChartChoice) => void;
  chartKept: string;
  /** Why it has not begun, when it has not. */
  waiting: string;
  onShowError?: () => void;
}

/** The answer of one statement: on its way, failed, nothing, or rows. */
export function ResultPane(props: ResultPaneProps) {
  const { item } = props;
  if (item.state === "FAILED" || item.state === "CANCELED" || item.state === "CLOSED")
    return <Ended {...props} />;
  if (item.state !== "SUCCEEDED" || !item.answer) {
    return (
      <div role="status" className="flex h-full items-center justify-center gap-3 text-ink-soft">
        <LoaderCircle aria-hidden className="size-5 animate-spin text-live" />
        <span>{item.state === "RUNNING" ? "Running" : props.waiting}</span>
        {item.startedAt && <Elapsed from={item.startedAt} className="text-ink-faint" />}
      </div>
    );
  }
  if (item.answer.manifest.schema.column_count === 0)
    return (
      <EmptyState icon={CircleCheck} title="Done">
        The statement gives no rows{tookOf(item)}.
      </EmptyState>
    );
  return <Rows key={item.statementId} {...props} answer={item.answer} />;
}

function tookOf(item: Item): string {
  if (!item.startedAt || !item.endedAt) return "";
  return `; it took ${formatDuration(item.endedAt - item.startedAt)}`;
}

function Ended({ item, onShowError }: ResultPaneProps) {
  if (item.state !== "FAILED")
    return (
      <EmptyState
        title={item.state === "CANCELED" ? "Cancelled" : "The rows are gone"}
        className="h-full justify-center"
      >
        {item.message}
      </EmptyState>
    );
  return (
    <div role="alert" className="h-full overflow-auto p-4">
      <div className="flex items-center gap-2 font-semibold text-bad">
        <CircleX aria-hidden className="size-4" />
        The statement failed
        {onShowError && (
          <Button size="small" className="ml-2" onClick={onShowError}>
            Show where
          </Button>
        )}
      </div>
      <pre className="mt-2 font-mono text-xs leading-relaxed whitespace-pre-wrap">
        {item.message}
      </pre>
    </div>
  );
}

function Rows(props: ResultPaneProps & { answer: Answer }) {
  const { answer, item, view } = props;
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const [sorted, setSorted] = useState<Cell[][] | null>(null);
  const [active, setActive] = useState<CellPlace | null>(null);
  const [selected, setSelected] = useState<Selected | null>(null);
  const [opened, setOpened] = useState(false);
  useSyncExternalStore(answer.subscribe, answer.snapshot);
  const columns = answer.manifest.schema.columns as ResultColumn[];
  const rowAt = (index: number) => (sorted ? sorted[index] : answer.row(index));

  async function sort(column: number): Promise<void> {
    if (answer.count > MOST_SORTED) {
      toast.info(
        `Up to ${formatCount(MOST_SORTED)} rows are sorted here; add ORDER BY to the statement.`,
      );
      return;
    }
    const next = nextSorting(sorting, column);
    try {
      setSorted(next ? inOrder(await answer.rows(0, answer.count), columns, next) : null);
      setSorting(next);
    } catch (error) {
      toast.error(messageOf(error));
    }
  }

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex min-h-0 flex-1">
        <div className="min-w-0 flex-1">
          {view === "chart" && item.statementId ? (
            <ChartPane
              answer={answer}
              statementId={item.statementId}
              choice={props.chart}
              onChoice={props.onChart}
              kept={props.chartKept}
            />
          ) : answer.error ? (
            <ErrorState error={answer.error} onRetry={() => answer.retry()} />
          ) : answer.count === 0 ? (
            <EmptyState icon={Table2} title="No rows" className="h-full justify-center">
              The statement succeeded{tookOf(item)}; nothing fits it. Its columns are{" "}
              {columns.map((column) => column.name).join(", ")}.
            </EmptyState>
          ) : (
            <ResultGrid
              answer={answer}
              sorted={sorted}
              sorting={sorting}
              onSort={(column) => void sort(column)}
              active={active}
              selected={selected}
              onSelect={(cell, cells) => {
                setActive(cell);
                setSelected(cells);
              }}
              onOpen={() => setOpened(true)}
            />
          )}
        </div>
        {opened && view === "table" && active && (
          <CellPane
            columns={columns}
            row={rowAt(active.row)}
            index={active.row}
            column={active.column}
            onColumn={(column) => {
              const next = { row: active.row, column };
              setActive(next);
              setSelected(between(next, next));
            }}
            onClose={() => setOpened(false)}
          />
        )}
      </div>
      <footer className="flex h-10 shrink-0 items-center gap-3 border-t border-line px-2 text-xs text-ink-soft">
        <ViewChoice view={view} onView={props.onView} />
        <span className="tabular-nums">{plural(answer.count, "row")}</span>
        {answer.manifest.truncated && (
          <span
            className="flex items-center gap-1 text-warn"
            title="The statement has more rows than the limit beside Run allows; raise it or add LIMIT."
          >
            <Scissors aria-hidden className="size-3.5" />
            cut at the limit
          </span>
        )}
        <span className="hidden text-ink-faint lg:inline">
          {plural(columns.length, "column")} · {formatBytes(answer.manifest.total_byte_count)}
          {item.startedAt && item.endedAt && ` · ${formatDuration(item.endedAt - item.startedAt)}`}
        </span>
        {sorting && (
          <span className="truncate text-ink-faint">
            all rows sorted by {columns[sorting.column]?.name}
          </span>
        )}
        <span className="ml-auto truncate text-ink-faint tabular-nums">
          {selected && view === "table" && wordsOf(selected, (row, column) => rowAt(row)?.[column])}
        </span>
        {view === "table" && (
          <IconButton
            label={opened ? "Hide the cell" : "Show the cell"}
            aria-pressed={opened}
            className="size-7"
            onClick={() => {
              setActive(active ?? { row: 0, column: 0 });
              setOpened(!opened);
            }}
          >
            <PanelRight />
          </IconButton>
        )}
        <DownloadMenu statementId={item.statementId} />
      </footer>
    </div>
  );
}

function wordsOf(
  selected: Selected,
  cellAt: (row: number, column: number) => string | null | undefined,
): string {
  const figures = figuresOf(selected, cellAt);
  if (!figures) return "";
  const format = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
  const words = [plural(figures.cells, "cell")];
  if (figures.numbers > 1)
    words.push(
      `sum ${format.format(figures.sum)}`,
      `average ${format.format(figures.sum / figures.numbers)}`,
    );
  return words.join(" · ");
}

function nextSorting(now: Sorting | null, column: number): Sorting | null {
  if (now?.column !== column) return { column, descending: false };
  return now.descending ? null : { column, descending: true };
}

function inOrder(rows: Cell[][], columns: ResultColumn[], by: Sorting): Cell[][] {
  const kind = kindOf(columns[by.column] as ResultColumn);
  return rows.toSorted((a, b) =>
    compareCells(a[by.column] ?? null, b[by.column] ?? null, kind, by.descending),
  );
}

function ViewChoice({ view, onView }: { view: ResultView; onView: (view: ResultView) => void }) {
  const options = [
    { value: "table", label: "Table", icon: Table2 },
    { value: "chart", label: "Chart", icon: ChartColumn },
  ] as const;
  return (
    // biome-ignore lint/a11y/useSemanticElements: two buttons need no fieldset's frame
    <div role="group" aria-label="Show as" className="flex rounded-md bg-sunken p-0.5">
      {options.map(({ value, label, icon: Icon }) => (
        <button
          key={value}
          type="button"
          aria-pressed={view === value}
          onClick={() => onView(value)}
          className={cx(
            "flex h-7 items-center gap-1.5 rounded px-2 hover:text-ink",
            view === value && "bg-surface font-medium text-ink shadow-sm",
          )}
        >
          <Icon aria-hidden className="size-3.5" />
          {label}
        </button>
      ))}
    </div>
  );
}

const FORMATS: [FileFormat, string][] = [
  ["csv", "CSV"],
  ["json", "JSON"],
  ["parquet", "Parquet"],
];

function DownloadMenu({ statementId }: { statementId?: string }) {
  if (!statementId) return null;
  return (
    <Menu
      label="Download all rows"
      trigger={
        <Button kind="quiet" size="small">
          <Download aria-hidden />
          Download
        </Button>
      }
      items={FORMATS.map(([format, label]) => ({
        label,
        onSelect: () => {
          const link = document.createElement("a");
          link.href = downloadUrl(statementId, format);
          link.download = "";
          link.click();
        },
      }))}
    />
  );
}
