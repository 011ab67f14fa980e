import type { Manifest } from "@/api/statements";
import type { Cell } from "@/lib/cells";

/** Reads one chunk of an answer. */
export type ChunkReader = (index: number, signal: AbortSignal) => Promise<Cell[][]>;

const MOST_CELLS = 2_500_000;
const AT_A_TIME = 2;

/**
 * The rows of an answer, fetched chunk by chunk as they are looked at.
 *
 * Keeps what was looked at last, up to some millions of cells; what is scrolled past while it is
 * being fetched is given up.
 */
export class Answer {
  readonly count: number;
  private readonly starts: number[];
  private readonly kept = new Map<number, Cell[][]>();
  private readonly underWay = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private wanted: number[] = [];
  private version = 0;
  error: unknown = null;

  constructor(
    readonly manifest: Manifest,
    private readonly read: ChunkReader,
  ) {
    this.count = manifest.total_row_count;
    this.starts = (manifest.chunks ?? []).map((chunk) => chunk.row_offset);
  }

  subscribe = (tell: () => void): (() => void) => {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  };

  /** Changes whenever rows have come. */
  snapshot = (): number => this.version;

  /** A row that is here; undefined while it is not. */
  row(index: number): Cell[] | undefined {
    const chunk = this.chunkOf(index);
    return this.kept.get(chunk)?.[index - (this.starts[chunk] ?? 0)];
  }

  /** Fetch what of these rows is missing, and nothing else. */
  want(from: number, to: number): void {
    if (this.count === 0) return;
    const last = this.chunkOf(Math.min(to, this.count) - 1);
    this.wanted = [];
    for (let chunk = this.chunkOf(from); chunk <= last; chunk += 1) {
      const rows = this.kept.get(chunk);
      if (rows) this.touch(chunk, rows);
      else this.wanted.push(chunk);
    }
    for (const [chunk, abort] of this.underWay)
      if (!this.wanted.includes(chunk)) {
        abort.abort();
        this.underWay.delete(chunk);
      }
    this.fetchNext();
  }

  /** Fetch again what failed. */
  retry(): void {
    this.error = null;
    this.fetchNext();
    this.tell();
  }

  /** Return these rows once all of them are here. */
  async rows(from: number, to: number): Promise<Cell[][]> {
    const rows: Cell[][] = [];
    const never = new AbortController().signal;
    const last = Math.min(to, this.count);
    for (let at = from; at < last; ) {
      const chunk = this.chunkOf(at);
      const start = this.starts[chunk] ?? 0;
      const found = this.kept.get(chunk) ?? (await this.read(chunk, never));
      if (found.length === 0) break;
      this.keep(chunk, found);
      const piece = found.slice(at - start, last - start);
      for (const row of piece) rows.push(row);
      at += piece.length;
    }
    return rows;
  }

  private chunkOf(index: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  private fetchNext(): void {
    for (const chunk of this.wanted) {
      if (this.underWay.size >= AT_A_TIME || this.error) return;
      if (!this.underWay.has(chunk) && !this.kept.has(chunk)) void this.fetch(chunk);
    }
  }

  private async fetch(chunk: number): Promise<void> {
    const abort = new AbortController();
    this.underWay.set(chunk, abort);
    try {
      this.keep(chunk, await this.read(chunk, abort.signal));
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error;
    }
    this.underWay.delete(chunk);
    this.tell();
    this.fetchNext();
  }

  private keep(chunk: number, rows: Cell[][]): void {
    this.touch(chunk, rows);
    const columns = Math.max(1, this.manifest.schema.column_count);
    let cells = 0;
    for (const each of this.kept.values()) cells += each.length * columns;
    for (const [oldest, each] of this.kept) {
      if (cells <= MOST_CELLS || oldest === chunk || this.wanted.includes(oldest)) continue;
      this.kept.delete(oldest);
      cells -= each.length * columns;
    }
  }

  /** Put a chunk behind the others, as the one that was looked at last. */
  private touch(chunk: number, rows: Cell[][]): void {
    this.kept.delete(chunk);
    this.kept.set(chunk, rows);
  }

  private tell(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}
