import { expect, test } from "vitest";
import { between, columnsAt, edges, figuresOf } from "./grid-columns";

const starts = edges([100, 50, 200]);

test("only columns in view are drawn", () => {
  expect(starts).toEqual([0, 100, 150, 350]);
  expect(columnsAt(0, 100, starts)).toEqual([0, 1]);
  expect(columnsAt(120, 100, starts)).toEqual([1, 3]);
  expect(columnsAt(340, 1000, starts)).toEqual([2, 3]);
  expect(columnsAt(0, 100, edges([]))).toEqual([0, 0]);
});

test("a selection is told in figures", () => {
  const rows = [
    ["1", "a"],
    ["2.5", null],
  ];
  const all = between({ row: 1, column: 1 }, { row: 0, column: 0 });
  expect(all).toEqual({ rows: [0, 1], columns: [0, 1] });
  expect(figuresOf(all, (row, column) => rows[row]?.[column])).toEqual({
    cells: 4,
    numbers: 2,
    sum: 3.5,
  });
  expect(figuresOf(between({ row: 0, column: 0 }, { row: 0, column: 0 }), () => "1")).toBeNull();
});
