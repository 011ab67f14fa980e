import { useQuery } from "@tanstack/react-query";
import { ChartColumn, ChartLine, ChartScatter } from "lucide-react";
import { useId, useMemo } from "react";
import { Button } from "@/components/button";
import { Chart } from "@/components/chart";
import { Checkbox, Select } from "@/components/form";
import { Popover } from "@/components/overlay";
import { EmptyState, ErrorState, Skeleton } from "@/components/states";
import { type Cell, kindOf, type ResultColumn } from "@/lib/cells";
import { cx } from "@/lib/cx";
import { formatCompact, formatCount } from "@/lib/numbers";
import type { Answer } from "./answers";
import {
  type Aggregation,
  type ChartChoice,
  type ChartType,
  fitting,
  seriesOf,
  suggestChart,
} from "./chart-choice";

const MOST_ROWS = 100_000;
const MOST_SERIES = 20;
const MANY_PLACES = 40;

const TYPES: { value: ChartType; label: string; icon: typeof ChartColumn }[] = [
  { value: "bar", label: "Bars", icon: ChartColumn },
  { value: "line", label: "Lines", icon: ChartLine },
  { value: "scatter", label: "Scatter", icon: ChartScatter },
];

const AGGREGATIONS: { value: Aggregation; label: string }[] = [
  { value: "none", label: "Each row" },
  { value: "sum", label: "Sum" },
  { value: "average", label: "Average" },
  { value: "count", label: "Count of rows" },
  { value: "min", label: "Least" },
  { value: "max", label: "Greatest" },
];

const NO_GROUP = "\u0000none";

interface ChartPaneProps {
  answer: Answer;
  statementId: string;
  choice: ChartChoice | null;
  onChoice: (choice: ChartChoice) => void;
  /** What is done with the settings, in words. */
  kept: string;
}

/** A chart of a result, and what it shows. */
export function ChartPane({ answer, statementId, choice, onChoice, kept }: ChartPaneProps) {
  const columns = answer.manifest.schema.columns as ResultColumn[];
  const rows = useQuery({
    queryKey: ["statements", "chart", statementId],
    queryFn: () => answer.rows(0, MOST_ROWS),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    structuralSharing: false,
  });
  const shown = useMemo(
    () =>
      rows.data ? (choice && fitting(choice, columns)) || suggestChart(columns, rows.data) : null,
    [choice, columns, rows.data],
  );
  if (rows.isError) return <ErrorState error={rows.error} onRetry={() => void rows.refetch()} />;
  if (!rows.data) return <Skeleton lines={6} />;
  if (!shown)
    return (
      <EmptyState icon={ChartColumn} title="Nothing to draw">
        A chart needs a column of numbers, or of words to count.
      </EmptyState>
    );
  return (
    <div className="flex h-full min-h-0">
      <Drawn columns={columns} rows={rows.data} choice={shown} total={answer.count} />
      <Settings columns={columns} choice={shown} onChoice={onChoice} kept={kept} />
    </div>
  );
}

interface DrawnProps {
  columns: ResultColumn[];
  rows: Cell[][];
  choice: ChartChoice;
  total: number;
}

function Drawn({ columns, rows, choice, total }: DrawnProps) {
  const all = useMemo(() => seriesOf(columns, rows, choice), [columns, rows, choice]);
  const option = useMemo(
    () => optionOf(columns, all.slice(0, MOST_SERIES), choice),
    [columns, all, choice],
  );
  const notes = [
    total > rows.length &&
      `Drawn from the first ${formatCount(rows.length)} of ${formatCount(total)} rows.`,
    all.length > MOST_SERIES && `${MOST_SERIES} of ${formatCount(all.length)} series are drawn.`,
  ].filter(Boolean);
  const what = choice.y.join(", ") || "rows";
  return (
    <div className="flex min-w-0 flex-1 flex-col p-3">
      <Chart
        key={choice.type}
        option={option}
        label={`${choice.type} chart of ${what} by ${choice.x}`}
        className="h-auto min-h-0 flex-1"
      />
      {notes.length > 0 && <p className="pt-1 text-xs text-ink-faint">{notes.join(" ")}</p>}
    </div>
  );
}

function optionOf(
  columns: ResultColumn[],
  series: ReturnType<typeof seriesOf>,
  choice: ChartChoice,
) {
  const column = columns.find((each) => each.name === choice.x);
  const kind = column ? kindOf(column) : "text";
  const numeric = kind === "number" && choice.type !== "bar";
  const time = (kind === "date" || kind === "instant") && choice.type !== "bar";
  const places = [...new Set(series.flatMap((each) => each.points.map(([x]) => x)))];
  const many = numeric || time || places.length > MANY_PLACES;
  const heavy = series.some((each) => each.points.length > 3000);
  return {
    grid: {
      left: 12,
      right: 24,
      top: series.length > 1 ? 40 : 20,
      bottom: many ? 48 : 12,
      containLabel: true,
    },
    tooltip: {
      trigger: choice.type === "scatter" ? "item" : "axis",
      confine: true,
      valueFormatter: (value: unknown) =>
        typeof value === "number"
          ? new Intl.NumberFormat("en", { maximumFractionDigits: 4 }).format(value)
          : String(value),
    },
    ...(series.length > 1
      ? {
          legend: {
            type: "scroll",
            top: 4,
            textStyle: { color: "inherit" },
            icon: "roundRect",
            itemWidth: 10,
            itemHeight: 10,
          },
        }
      : {}),
    xAxis: {
      type: numeric ? "value" : time ? "time" : "category",
      ...(numeric || time ? { scale: true } : { data: places }),
      axisLabel: { hideOverlap: true, fontSize: 11, width: 140, overflow: "truncate" },
      splitLine: { show: false },
    },
    yAxis: {
      type: "value",
      scale: choice.type === "scatter",
      axisLabel: { fontSize: 11, formatter: (value: number) => formatCompact(value) },
    },
    ...(many
      ? {
          dataZoom: [
            { type: "inside" },
            {
              type: "slider",
              height: 16,
              bottom: 10,
              borderColor: "transparent",
              showDetail: false,
            },
          ],
        }
      : {}),
    animation: !heavy,
    series: series.map((each) => ({
      name: each.name,
      type: choice.type,
      data: each.points,
      ...(choice.type === "line"
        ? { showSymbol: each.points.length < 60, symbolSize: 5, sampling: "lttb" }
        : {}),
      ...(choice.type === "scatter"
        ? { symbolSize: 7, large: heavy, itemStyle: { opacity: 0.75 } }
        : {}),
      ...(choice.type === "bar"
        ? { barMaxWidth: 48, itemStyle: { borderRadius: [3, 3, 0, 0] }, large: heavy }
        : {}),
    })),
  };
}

interface SettingsProps {
  columns: ResultColumn[];
  choice: ChartChoice;
  onChoice: (choice: ChartChoice) => void;
  kept: string;
}

function Settings({ columns, choice, onChoice, kept }: SettingsProps) {
  const id = useId();
  const names = [...new Set(columns.map((column) => column.name))];
  const options = names.map((name) => ({ value: name, label: name }));
  function change(part: Partial<ChartChoice>): void {
    onChoice({ ...choice, ...part });
  }
  return (
    <aside
      aria-label="What the chart shows"
      className="flex w-60 shrink-0 flex-col gap-3.5 overflow-y-auto border-l border-line p-3"
    >
      {/* biome-ignore lint/a11y/useSemanticElements: three buttons need no fieldset's frame */}
      <div
        role="group"
        aria-label="Kind of chart"
        className="grid grid-cols-3 gap-1 rounded-md bg-sunken p-1"
      >
        {TYPES.map(({ value, label, icon: Icon }) => (
          <button
            key={value}
            type="button"
            aria-pressed={choice.type === value}
            onClick={() => change({ type: value })}
            className={cx(
              "flex flex-col items-center gap-0.5 rounded py-1.5 text-xs text-ink-soft hover:text-ink",
              choice.type === value && "bg-surface font-medium text-accent shadow-sm",
            )}
          >
            <Icon aria-hidden className="size-4" />
            {label}
          </button>
        ))}
      </div>
      <Labelled label="Across" id={`${id}-x`}>
        <Select id={`${id}-x`} value={choice.x} onChange={(x) => change({ x })} options={options} />
      </Labelled>
      <Labelled label="Up" id={`${id}-y`}>
        <Popover
          className="max-h-72 w-56 overflow-y-auto"
          trigger={
            <Button id={`${id}-y`} className="w-full justify-between font-normal">
              <span className="truncate">{choice.y.join(", ") || "Count of rows"}</span>
            </Button>
          }
        >
          <div className="flex flex-col gap-2">
            {names.map((name) => (
              <Checkbox
                key={name}
                label={name}
                checked={choice.y.includes(name)}
                onChange={(checked) => {
                  const y = checked
                    ? [...choice.y, name]
                    : choice.y.filter((each) => each !== name);
                  change(y.length ? { y } : { y, aggregation: "count" });
                }}
              />
            ))}
          </div>
        </Popover>
      </Labelled>
      <Labelled label="Of rows at one place" id={`${id}-a`}>
        <Select
          id={`${id}-a`}
          value={choice.aggregation}
          onChange={(value) => change({ aggregation: value as Aggregation })}
          options={AGGREGATIONS}
        />
      </Labelled>
      <Labelled label="A series for each" id={`${id}-g`}>
        <Select
          id={`${id}-g`}
          value={choice.group ?? NO_GROUP}
          onChange={(value) => {
            const { group: _, ...rest } = choice;
            onChoice(value === NO_GROUP ? rest : { ...rest, group: value });
          }}
          options={[{ value: NO_GROUP, label: "Nothing" }, ...options]}
        />
      </Labelled>
      <p className="mt-auto text-xs text-ink-faint">{kept}</p>
    </aside>
  );
}

function Labelled({
  label,
  id,
  children,
}: {
  label: string;
  id: string;
  children: React.ReactNode;
}) {
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-xs font-medium text-ink-soft">
        {label}
      </label>
      {children}
    </div>
  );
}
