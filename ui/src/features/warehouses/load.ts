import type { HistoryItem } from "@/api/statements";

/** How busy a warehouse was, in equal spans of time. */
export interface Load {
  /** Beginnings of the spans, in milliseconds. */
  starts: number[];
  succeeded: number[];
  failed: number[];
  /** Milliseconds that statements took, in the middle and at the slow end. */
  median: number;
  slow: number;
}

const SPANS = 48;

/** Count statements by when they were sent. */
export function loadOf(items: HistoryItem[], since: number, until: number): Load {
  const width = (until - since) / SPANS;
  const load: Load = {
    starts: Array.from({ length: SPANS }, (_, place) => since + place * width),
    succeeded: new Array<number>(SPANS).fill(0),
    failed: new Array<number>(SPANS).fill(0),
    median: 0,
    slow: 0,
  };
  for (const item of items) {
    const place = Math.floor((item.query_start_time_ms - since) / width);
    if (place < 0 || place >= SPANS) continue;
    const counts = item.status === "FAILED" ? load.failed : load.succeeded;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  const took = items.map((item) => item.duration).sort((a, b) => a - b);
  load.median = took[Math.floor(took.length / 2)] ?? 0;
  load.slow = took[Math.floor(took.length * 0.95)] ?? 0;
  return load;
}
