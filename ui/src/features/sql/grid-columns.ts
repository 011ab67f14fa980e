/** Where the grid's columns are, from the widths that they have now. */

/** The left edge of each column, and the right edge of the last. */
export function edges(widths: number[]): number[] {
  const found = [0];
  for (const width of widths) found.push((found.at(-1) ?? 0) + width);
  return found;
}

/** The columns that are in view, the last one excluded. */
export function columnsAt(left: number, width: number, starts: number[]): [number, number] {
  const count = starts.length - 1;
  let first = 0;
  while (first < count - 1 && (starts[first + 1] ?? 0) <= left) first += 1;
  let last = first;
  while (last < count && (starts[last] ?? 0) < left + width) last += 1;
  return [first, last];
}

export interface Selected {
  /** First and last row and column, both included. */
  rows: [number, number];
  columns: [number, number];
}

export interface CellPlace {
  row: number;
  column: number;
}

/** The cells between two corners. */
export function between(a: CellPlace, b: CellPlace): Selected {
  return {
    rows: [Math.min(a.row, b.row), Math.max(a.row, b.row)],
    columns: [Math.min(a.column, b.column), Math.max(a.column, b.column)],
  };
}

export interface Figures {
  cells: number;
  /** Of the cells that hold a number. */
  numbers: number;
  sum: number;
}

const MOST_SUMMED = 100_000;

/** What the selected cells come to; null when they are too many or only one. */
export function figuresOf(
  selected: Selected,
  cellAt: (row: number, column: number) => string | null | undefined,
): Figures | null {
  const [top, bottom] = selected.rows;
  const [left, right] = selected.columns;
  const cells = (bottom - top + 1) * (right - left + 1);
  if (cells < 2 || cells > MOST_SUMMED) return null;
  let numbers = 0;
  let sum = 0;
  for (let row = top; row <= bottom; row += 1)
    for (let column = left; column <= right; column += 1) {
      const cell = cellAt(row, column);
      const number = cell == null || cell.trim() === "" ? Number.NaN : Number(cell);
      if (!Number.isFinite(number)) continue;
      numbers += 1;
      sum += number;
    }
  return { cells, numbers, sum };
}
