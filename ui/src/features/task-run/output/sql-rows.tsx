import { useQuery } from "@tanstack/react-query";
import { Bell, BellOff, BellRing, Download } from "lucide-react";
import { useMemo } from "react";
import type { Schema } from "@/api/client";
import { taskQueryTextQuery } from "@/api/task-runs";
import { buttonClass } from "@/components/button";
import { CopyButton } from "@/components/copy-button";
import { type Column, DataTable } from "@/components/data-table";
import { Panel } from "@/components/panel";
import { EmptyState } from "@/components/states";
import { cx } from "@/lib/cx";
import { formatCount, plural } from "@/lib/numbers";

type SqlResult = Schema["SqlResult"];
type Row = { index: number; cells: readonly (string | null)[] };

const NUMBER =
  /^(tiny|small|big)?int|^integer|^hugeint|^double|^real|^float|^decimal|^long|^short/i;

/** The first rows of the last statement of a SQL task. */
export function SqlRows({ result, name }: { result: SqlResult; name: string }) {
  const names = result.columns ?? [];
  const types = result.types ?? [];
  const rows = useMemo(
    () => (result.rows ?? []).map((cells, index) => ({ index, cells })),
    [result.rows],
  );
  const columns = useMemo(() => columnsOf(names, types), [names, types]);
  const total = result.row_count ?? rows.length;
  return (
    <Panel
      flush
      className="shrink-0"
      title={
        <>
          Result
          <span className="ml-2 font-normal text-ink-faint">
            {plural(total, "row")}
            {rows.length < total && `, the first ${formatCount(rows.length)} of them here`}
          </span>
        </>
      }
      actions={
        rows.length > 0 && (
          <a
            className={buttonClass("quiet", "small")}
            href={URL.createObjectURL(new Blob([csv(names, rows)], { type: "text/csv" }))}
            download={`${name}.csv`}
          >
            <Download aria-hidden />
            CSV
          </a>
        )
      }
    >
      <DataTable
        label="Result"
        rows={rows}
        columns={columns}
        rowKey={(row) => String(row.index)}
        maxHeight="65vh"
        empty={<EmptyState title="No rows">The last statement gave no row.</EmptyState>}
      />
    </Panel>
  );
}

function columnsOf(names: readonly string[], types: readonly string[]): Column<Row>[] {
  return names.map((name, place) => {
    const isNumber = NUMBER.test(types[place] ?? "");
    return {
      id: `${place} ${name}`,
      header: <span title={types[place]}>{name}</span>,
      align: isNumber ? "right" : "left",
      sort: (row) => {
        const value = row.cells[place];
        return isNumber && value !== null && value !== undefined ? Number(value) : value;
      },
      cell: (row) => <Cell value={row.cells[place]} isNumber={isNumber} />,
    };
  });
}

interface CellProps {
  value: string | null | undefined;
  isNumber: boolean;
}

function Cell({ value, isNumber }: CellProps) {
  if (value === null || value === undefined)
    return <span className="text-xs text-ink-faint italic">null</span>;
  if (isNumber) return <span className="font-mono text-[0.92em]">{value}</span>;
  return (
    <span className="line-clamp-3 max-w-[40rem] font-mono text-[0.92em] break-words" title={value}>
      {value}
    </span>
  );
}

function csv(names: readonly string[], rows: Row[]): string {
  const quote = (cell: string | null) =>
    cell === null ? "" : /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  return [names, ...rows.map((row) => row.cells)]
    .map((line) => line.map(quote).join(","))
    .join("\r\n");
}

/** The SQL as it was pinned with the run. */
export function SqlText({ runId, taskRunId }: { runId: number; taskRunId: number }) {
  const { data: text } = useQuery(taskQueryTextQuery(runId, taskRunId));
  if (!text) return null;
  return (
    <Panel
      title="SQL"
      flush
      className="shrink-0"
      actions={<CopyButton text={text} label="Copy the SQL" />}
    >
      <pre
        tabIndex={0}
        className="max-h-96 overflow-auto px-4 py-3 font-mono text-[12.5px] leading-5"
      >
        {text}
      </pre>
    </Panel>
  );
}

const ALERTS: Record<string, { words: string; tone: string; icon: typeof Bell }> = {
  OK: { words: "The alert is quiet", tone: "text-good", icon: Bell },
  TRIGGERED: { words: "The alert is triggered", tone: "text-bad", icon: BellRing },
};

/** What an alert's condition said. */
export function AlertOutcome({ alert }: { alert: Schema["AlertResult"] }) {
  const look = ALERTS[alert.state];
  const Icon = look?.icon ?? BellOff;
  return (
    <Panel title="Alert">
      <p className={cx("flex items-center gap-2 font-medium", look?.tone ?? "text-warn")}>
        <Icon aria-hidden className="size-4.5" />
        {look?.words ?? "The alert could not be judged"}
      </p>
      {alert.value !== null && alert.value !== undefined && (
        <p className="mt-1 text-sm text-ink-soft">
          The value was <span className="font-mono">{alert.value}</span>.
        </p>
      )}
      {alert.reason && <p className="mt-1 text-sm text-ink-soft">{alert.reason}</p>}
    </Panel>
  );
}
