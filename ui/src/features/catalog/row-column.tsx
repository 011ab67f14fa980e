import type { Column } from "@/components/data-table";

const NUMBERS = /^(tinyint|smallint|int|bigint|float|double|decimal|real|long)/;

/** A column of a table's rows, whose cells the API gives as text. */
export function rowColumn<Row extends { cells: (string | null)[] }>(
  column: { name: string; type: string },
  at: number,
): Column<Row> {
  const isNumber = NUMBERS.test(column.type);
  return {
    id: `${at}`,
    header: (
      <span className="inline-flex flex-col items-start leading-tight">
        <span className="font-mono text-ink">{column.name}</span>
        <span className="font-normal">{column.type}</span>
      </span>
    ),
    align: isNumber ? "right" : "left",
    sort: ({ cells }) => {
      const cell = cells[at];
      return cell == null ? null : isNumber ? Number(cell) : cell;
    },
    className: "max-w-80 truncate whitespace-nowrap font-mono text-[13px]",
    cell: ({ cells }) => {
      const cell = cells[at];
      if (cell == null) return <span className="text-ink-faint italic">null</span>;
      return <span title={cell.length > 30 ? cell : undefined}>{cell}</span>;
    },
  };
}
