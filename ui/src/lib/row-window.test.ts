import { expect, test } from "vitest";
import { mostTop, rowsAt, scrollHeight, scrollTopOf, topOf, topShowing } from "./row-window";

const few = { count: 100, rowHeight: 28, viewHeight: 280 };
const many = { count: 1_000_000, rowHeight: 28, viewHeight: 280 };

test("few rows are scrolled pixel by pixel", () => {
  expect(scrollHeight(few)).toBe(2800);
  expect(topOf(140, few)).toBe(140);
  expect(rowsAt(140, few)).toEqual([5, 15]);
});

test("a million rows are scrolled in proportion, from the very first to the very last", () => {
  expect(scrollHeight(many)).toBeLessThan(10_000_000);
  expect(rowsAt(topOf(0, many), many)).toEqual([0, 10]);
  expect(rowsAt(topOf(scrollHeight(many) - 280, many), many)).toEqual([999_990, 1_000_000]);
  expect(topOf(scrollTopOf(12_345_678, many), many)).toBeCloseTo(12_345_678, 3);
});

test("a row is brought into view by the shortest way", () => {
  expect(topShowing(0, 140, few)).toBe(0);
  expect(topShowing(7, 140, few)).toBe(140);
  expect(topShowing(20, 140, few)).toBe(21 * 28 - 280);
  expect(topShowing(999_999, 0, many)).toBe(mostTop(many));
});

test("no rows, nothing to scroll", () => {
  const none = { count: 0, rowHeight: 28, viewHeight: 280 };
  expect([topOf(10, none), scrollTopOf(10, none)]).toEqual([0, 0]);
  expect(rowsAt(0, none)).toEqual([0, 0]);
});
