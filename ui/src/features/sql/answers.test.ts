import { expect, test, vi } from "vitest";
import type { Manifest } from "@/api/statements";
import type { Cell } from "@/lib/cells";
import { Answer } from "./answers";

function manifest(sizes: number[], columns = 1): Manifest {
  let offset = 0;
  const chunks = sizes.map((row_count, chunk_index) => {
    const chunk = { chunk_index, row_offset: offset, row_count, byte_count: 0 };
    offset += row_count;
    return chunk;
  });
  return {
    chunks,
    total_row_count: offset,
    schema: { column_count: columns, columns: [] },
  } as unknown as Manifest;
}

function rows(chunk: number, count: number): Cell[][] {
  return Array.from({ length: count }, (_, row) => [`${chunk}.${row}`]);
}

test("only the chunks of the rows that are looked at are fetched, each once", async () => {
  const read = vi.fn(async (chunk: number) => rows(chunk, 10));
  const answer = new Answer(manifest([10, 10, 10]), read);
  answer.want(12, 22);
  expect(answer.row(12)).toBeUndefined();
  await vi.waitFor(() => expect(answer.row(20)).toEqual(["2.0"]));
  expect(answer.row(19)).toEqual(["1.9"]);
  answer.want(12, 22);
  expect(read.mock.calls.map(([chunk]) => chunk)).toEqual([1, 2]);
});

test("what is scrolled past is given up", async () => {
  const signals: AbortSignal[] = [];
  const answer = new Answer(manifest([10, 10, 10]), (chunk, signal) => {
    signals.push(signal);
    return new Promise((resolve, reject) => {
      signal.onabort = () => reject(signal.reason);
      if (chunk === 2) resolve(rows(2, 10));
    });
  });
  answer.want(0, 5);
  answer.want(25, 30);
  expect(signals[0]?.aborted).toBe(true);
  await vi.waitFor(() => expect(answer.row(25)).toEqual(["2.5"]));
  expect(answer.error).toBeNull();
});

test("chunks that were looked at long ago are forgotten when there are too many cells", async () => {
  const columns = 1_000_000;
  const answer = new Answer(manifest([1, 1, 1, 1], columns), async (chunk) => rows(chunk, 1));
  for (const row of [0, 1, 2, 3]) {
    answer.want(row, row + 1);
    await vi.waitFor(() => expect(answer.row(row)).toBeDefined());
  }
  expect([0, 1, 2, 3].map((row) => answer.row(row) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

test("an error is kept until one tries again", async () => {
  let broken = true;
  const answer = new Answer(manifest([10]), async (chunk) => {
    if (broken) throw new Error("gone");
    return rows(chunk, 10);
  });
  answer.want(0, 5);
  await vi.waitFor(() => expect(String(answer.error)).toContain("gone"));
  broken = false;
  answer.retry();
  await vi.waitFor(() => expect(answer.row(0)).toEqual(["0.0"]));
});

test("rows come over the borders of chunks", async () => {
  const answer = new Answer(manifest([2, 2, 2]), async (chunk) => rows(chunk, 2));
  expect(await answer.rows(0, 3)).toEqual([["0.0"], ["0.1"], ["1.0"]]);
  expect(await new Answer(manifest([]), async () => []).rows(0, 3)).toEqual([]);
  expect(await answer.rows(3, 99)).toEqual([["1.1"], ["2.0"], ["2.1"]]);
});
