import { expect, test } from "vitest";
import { rangeOf } from "./text-range";

const TEXT = 'name: a\ntasks:\n  - task_key: "x y"\n    sql:\n';

test.each([
  [1, 1, "name"],
  [1, 7, "a"],
  [3, 15, '"x y"'],
  [2, 1, "tasks"],
  [4, 9, ":"],
  [9, 1, ""],
])("line %i, column %i is %j", (line, column, words) => {
  const { from, to } = rangeOf(TEXT, line, column);
  expect(TEXT.slice(from, to)).toBe(words);
});
