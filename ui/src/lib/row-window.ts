/**
 * Which rows of very many are in view.
 *
 * Browsers draw nothing taller than some millions of pixels. The scroller is at most `TALLEST` high;
 * where the rows are taller, a place of the scroller stands for a place of the rows in proportion.
 */

const TALLEST = 8_000_000;

export interface RowSpace {
  count: number;
  rowHeight: number;
  /** Of the window onto the rows. */
  viewHeight: number;
}

/** The height of what is scrolled. */
export function scrollHeight({ count, rowHeight }: RowSpace): number {
  return Math.min(TALLEST, count * rowHeight);
}

/** Where the rows may be scrolled to at most, in their own pixels. */
export function mostTop({ count, rowHeight, viewHeight }: RowSpace): number {
  return Math.max(0, count * rowHeight - viewHeight);
}

/** The scroller's place as a place of the rows. */
export function topOf(scrollTop: number, space: RowSpace): number {
  const range = scrollHeight(space) - space.viewHeight;
  if (range <= 0) return 0;
  return clampTop((scrollTop / range) * mostTop(space), space);
}

/** A place of the rows as the scroller's. */
export function scrollTopOf(top: number, space: RowSpace): number {
  const most = mostTop(space);
  return most === 0 ? 0 : (top / most) * (scrollHeight(space) - space.viewHeight);
}

export function clampTop(top: number, space: RowSpace): number {
  return Math.min(mostTop(space), Math.max(0, top));
}

/** The rows that are in view, the last one excluded. */
export function rowsAt(top: number, space: RowSpace): [number, number] {
  const first = Math.floor(top / space.rowHeight);
  const last = Math.ceil((top + space.viewHeight) / space.rowHeight);
  return [Math.max(0, first), Math.min(space.count, last)];
}

/** The place nearest to `top` at which a row is wholly in view. */
export function topShowing(row: number, top: number, space: RowSpace): number {
  const start = row * space.rowHeight;
  if (start < top) return clampTop(start, space);
  const least = start + space.rowHeight - space.viewHeight;
  return clampTop(Math.max(top, least), space);
}
