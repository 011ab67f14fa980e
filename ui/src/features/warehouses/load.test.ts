import { expect, test } from "vitest";
import type { HistoryItem } from "@/api/statements";
import { loadOf } from "./load";

function item(query_start_time_ms: number, duration: number, status = "FINISHED"): HistoryItem {
  return { query_start_time_ms, duration, status } as HistoryItem;
}

test("statements are counted where they were sent; what is outside is left out", () => {
  const load = loadOf(
    [item(0, 10), item(1, 20, "FAILED"), item(4799, 30), item(4800, 40), item(-1, 50)],
    0,
    4800,
  );
  expect([load.succeeded[0], load.failed[0], load.succeeded[47]]).toEqual([1, 1, 1]);
  expect(load.succeeded.concat(load.failed).reduce((sum, count) => sum + count)).toBe(3);
  expect([load.median, load.slow]).toEqual([30, 50]);
});

test("nobody has asked anything", () => {
  expect(loadOf([], 0, 4800)).toMatchObject({ median: 0, slow: 0 });
});
