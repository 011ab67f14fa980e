import { plain, styleAfter } from "./ansi";

const BLOCK_BITS = 13;
const BLOCK = 1 << BLOCK_BITS;

/** The lines of a log as they come: what is there is never copied or read again. */
export class LogBuffer {
  private readonly blocks: string[][] = [];
  /** Line → the style that earlier lines left on; most lines begin plain and are not in it. */
  private readonly styles = new Map<number, string>();
  private whole = 0;
  private rest = "";
  private style = "";
  private errorAt: number | null = null;
  private widest = 0;

  /** How many lines there are, the last one perhaps not whole yet. */
  get count(): number {
    return this.whole + (this.rest ? 1 : 0);
  }

  /** How many lines will not change any more. */
  get settled(): number {
    return this.whole;
  }

  /** The length of the longest whole line. */
  get longest(): number {
    return this.widest;
  }

  /** The first line that speaks of an error. */
  get firstError(): number | null {
    return this.errorAt;
  }

  /** Add text that follows what is there; it may begin and end anywhere in a line. */
  append(text: string): void {
    let given = this.rest + text;
    // The line feed of a broken pair may come with the next piece.
    const held = given.endsWith("\r") ? "\r" : "";
    if (held) given = given.slice(0, -1);
    const lines = given.split(/\r\n|[\n\r]/);
    this.rest = (lines.pop() ?? "") + held;
    for (const line of lines) this.push(line);
  }

  /** Return a line by its number, counted from 0. */
  line(index: number): string {
    if (index === this.whole) return this.rest.replace("\r", "");
    return this.blocks[index >> BLOCK_BITS]?.[index & (BLOCK - 1)] ?? "";
  }

  /** Return the escape sequence that is in force where a line begins. */
  styleBefore(index: number): string {
    return index === this.whole ? this.style : (this.styles.get(index) ?? "");
  }

  /** Return some lines as plain text. */
  text(from = 0, to = this.count): string {
    const lines: string[] = [];
    for (let index = from; index < to; index += 1) lines.push(plain(this.line(index)));
    return lines.join("\n");
  }

  private push(line: string): void {
    const place = this.whole;
    if ((place & (BLOCK - 1)) === 0) this.blocks.push([]);
    this.blocks[place >> BLOCK_BITS]?.push(line);
    if (this.style) this.styles.set(place, this.style);
    this.style = styleAfter(this.style, line);
    if (line.length > this.widest) this.widest = Math.max(this.widest, plain(line).length);
    if (this.errorAt === null && isError(line)) this.errorAt = place;
    this.whole = place + 1;
  }
}

const ERROR =
  /\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b|^\s*(?:Traceback \(most recent call last\)|Caused by:|Exception in thread)|\b[A-Z]\w*(?:Error|Exception)\b\s*(?::|$)|^(?:error|fatal|panic)\b:?/;

/** Tell whether a line speaks of an error, as loggers, Python and the JVM write them. */
export function isError(line: string): boolean {
  return ERROR.test(plain(line));
}

const WARNING = /\bWARN(?:ING)?\b|\b[A-Z]\w*Warning:/;

export function isWarning(line: string): boolean {
  return WARNING.test(plain(line));
}
