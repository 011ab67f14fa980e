/** Where lines stand when they are broken at so many columns: heights are whole rows, so all is known without drawing. */
export class LogLayout {
  private ends = new Uint32Array(4096);
  private length = 0;

  /** How many rows all lines take. */
  get rows(): number {
    return this.length === 0 ? 0 : (this.ends[this.length - 1] ?? 0);
  }

  /** How many lines are placed. */
  get count(): number {
    return this.length;
  }

  /** Place the next line. */
  push(rows: number): void {
    if (this.length === this.ends.length) {
      const larger = new Uint32Array(this.ends.length * 2);
      larger.set(this.ends);
      this.ends = larger;
    }
    this.ends[this.length] = this.rows + rows;
    this.length += 1;
  }

  /** Forget the lines from this one on. */
  cut(count: number): void {
    this.length = Math.min(this.length, count);
  }

  /** Return the first row of a line. */
  rowOf(index: number): number {
    return index <= 0 ? 0 : (this.ends[Math.min(index, this.length) - 1] ?? 0);
  }

  /** Return the line that holds a row; the last one when there are not so many. */
  at(row: number): number {
    let low = 0;
    let high = Math.max(0, this.length - 1);
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ends[middle] ?? 0) > row) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const TAB = 8;
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but the tab
const SIMPLE = /^[\x00-\x08\x0a-\x7f]*$/;

/** Return how many columns a plain line takes; what is not Latin is reckoned as two. */
export function columnsOf(line: string): number {
  if (SIMPLE.test(line)) return line.length;
  let columns = 0;
  for (const character of line) {
    if (character === "\t") columns += TAB - (columns % TAB);
    else columns += (character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
  }
  return columns;
}
