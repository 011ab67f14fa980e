import { expect, test } from "vitest";
import { formatDuration, formatRelative, formatUtc } from "./time";

test.each([
  [0, "0 ms"],
  [840, "840 ms"],
  [3_240, "3.2 s"],
  [9_990, "9.9 s"],
  [59_999, "59 s"],
  [60_000, "1 m"],
  [252_000, "4 m 12 s"],
  [7_500_000, "2 h 5 m"],
  [90_000_000, "1 d 1 h"],
])("a duration of %i ms is spelled %s", (ms, words) => {
  expect(formatDuration(ms)).toBe(words);
});

test.each([
  [-2_000, "just now"],
  [-180_000, "3 min ago"],
  [7_200_000, "in 2 h"],
])("an instant %i ms from now is spelled %s", (distance, words) => {
  expect(formatRelative(1_000_000_000_000 + distance, 1_000_000_000_000)).toBe(words);
});

test("UTC is spelled whole", () => {
  expect(formatUtc(Date.UTC(2026, 10, 23, 15, 4, 5))).toBe("2026-11-23 15:04:05 UTC");
});
