import { plain } from "./ansi";
import type { LogBuffer } from "./log-buffer";

const MOST_MATCHES = 100_000;

/** Make a pattern of what was typed: as it is, or `/a regular expression/`; null when that is broken. */
export function patternOf(text: string): RegExp | null {
  const expression = /^\/(.+)\/$/.exec(text)?.[1];
  try {
    return new RegExp(expression ?? text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
  } catch {
    return null;
  }
}

/** Return where a pattern is found in a plain line. */
export function rangesIn(pattern: RegExp, line: string): [number, number][] {
  const found: [number, number][] = [];
  for (const match of line.matchAll(pattern)) {
    if (match[0]) found.push([match.index, match.index + match[0].length]);
  }
  return found;
}

/** Looks through a log as far as it has come, some lines at a time. */
export class LogSearch {
  /** Of each match the line it is in, in order. */
  readonly matches: number[] = [];
  /** Lines with a match, in order. */
  readonly lines: number[] = [];
  private next = 0;

  constructor(
    private readonly buffer: LogBuffer,
    readonly pattern: RegExp,
  ) {}

  /** True when there are more matches than are counted. */
  get isFull(): boolean {
    return this.matches.length >= MOST_MATCHES;
  }

  /** Look at the next lines; tell whether there are more that have come. Only whole lines are looked at. */
  step(most: number): boolean {
    const end = Math.min(this.buffer.settled, this.next + most);
    for (; this.next < end; this.next += 1) {
      const line = plain(this.buffer.line(this.next));
      const count = rangesIn(this.pattern, line).length;
      if (count === 0) continue;
      this.lines.push(this.next);
      for (let each = 0; each < count && !this.isFull; each += 1) this.matches.push(this.next);
    }
    return this.next < this.buffer.settled;
  }
}
