/** Values of SQL results: the API gives each as text, with its column's type beside it. */

export type Cell = string | null;

export interface ResultColumn {
  name: string;
  type_name: string;
  type_text: string;
}

export type CellKind = "number" | "boolean" | "date" | "instant" | "nested" | "binary" | "text";

const KINDS: Record<string, CellKind> = {
  BYTE: "number",
  SHORT: "number",
  INT: "number",
  LONG: "number",
  FLOAT: "number",
  DOUBLE: "number",
  DECIMAL: "number",
  BOOLEAN: "boolean",
  DATE: "date",
  TIMESTAMP: "instant",
  ARRAY: "nested",
  STRUCT: "nested",
  MAP: "nested",
  BINARY: "binary",
};

export function kindOf(column: ResultColumn): CellKind {
  return KINDS[column.type_name] ?? "text";
}

/** A cell as one line of the grid. */
export function cellLine(cell: string, kind: CellKind): string {
  if (kind === "instant") return cell.replace("T", " ").replace(/(?:\.0+)?Z?$/, "");
  return cell.length > 300 ? `${cell.slice(0, 300)}…` : cell.replace(/\s*\n\s*/g, " ⏎ ");
}

/** What hovering an instant tells: the user's zone, and UTC. Nothing for what has no zone. */
export function instantHint(cell: string, kind: CellKind): string | undefined {
  if (kind !== "instant" || !cell.endsWith("Z")) return undefined;
  const at = new Date(cell);
  if (Number.isNaN(at.getTime())) return undefined;
  return `${at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })} here\n${cellLine(cell, kind)} UTC`;
}

/** A cell for the side panel: JSON is indented. */
export function cellBlock(cell: string, kind: CellKind): string {
  if (kind !== "nested" && !/^\s*[[{]/.test(cell)) return cell;
  try {
    return JSON.stringify(JSON.parse(cell), null, 2);
  } catch {
    return cell;
  }
}

const CHARACTER = 7.9;
const PADDING = 26;
const NARROW = 72;
const WIDE = 340;

/** A width that shows most of a column's values, in pixels. */
export function columnWidth(column: ResultColumn, place: number, sample: Cell[][]): number {
  const kind = kindOf(column);
  const longest = sample.reduce((most, row) => {
    const cell = row[place];
    return Math.max(most, cell ? cellLine(cell, kind).length : 4);
  }, column.name.length + 3);
  return Math.round(Math.min(WIDE, Math.max(NARROW, longest * CHARACTER + PADDING)));
}

const collator = new Intl.Collator("en", { numeric: true });

/** The order of two cells of a kind; nothing comes last either way. */
export function compareCells(a: Cell, b: Cell, kind: CellKind, descending: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const way = descending ? -1 : 1;
  if (kind === "number") return (Number(a) - Number(b)) * way;
  if (kind === "instant" || kind === "date") return (a < b ? -1 : a > b ? 1 : 0) * way;
  return collator.compare(a, b) * way;
}

/** Rows as spreadsheets take them from the clipboard. */
export function asTabs(rows: Cell[][]): string {
  return rows
    .map((row) => row.map((cell) => (cell ?? "").replace(/[\t\r\n]+/g, " ")).join("\t"))
    .join("\n");
}
