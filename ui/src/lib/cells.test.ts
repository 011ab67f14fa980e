import { expect, test } from "vitest";
import { asTabs, cellBlock, cellLine, columnWidth, compareCells, kindOf } from "./cells";

const column = (type_name: string) => ({ name: "a", type_name, type_text: type_name });

test("types have their kinds; what is unknown is text", () => {
  expect(["DECIMAL", "TIMESTAMP", "MAP", "INTERVAL"].map((type) => kindOf(column(type)))).toEqual([
    "number",
    "instant",
    "nested",
    "text",
  ]);
});

test.each([
  ["2024-02-29T01:02:03.000Z", "2024-02-29 01:02:03"],
  ["2024-02-29T01:02:03.120Z", "2024-02-29 01:02:03.120"],
  ["2024-02-29T01:02:03.000001", "2024-02-29 01:02:03.000001"],
])("the instant %s is shown as %s", (cell, line) => {
  expect(cellLine(cell, "instant")).toBe(line);
});

test("a cell is one line in the grid and indented beside it", () => {
  expect(cellLine("a\n  b", "text")).toBe("a ⏎ b");
  expect(cellBlock('{"a":[1]}', "nested")).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(cellBlock("[not json", "text")).toBe("[not json");
});

test("numbers are ordered by value, texts by their numbers, nothing is last either way", () => {
  const sorted = (cells: (string | null)[], kind: "number" | "text", down: boolean) =>
    [...cells].sort((a, b) => compareCells(a, b, kind, down));
  expect(sorted(["10", null, "-2", "9"], "number", false)).toEqual(["-2", "9", "10", null]);
  expect(sorted(["10", null, "-2", "9"], "number", true)).toEqual(["10", "9", "-2", null]);
  expect(sorted(["a10", "a9"], "text", false)).toEqual(["a9", "a10"]);
});

test("columns are as wide as what is in them, within bounds", () => {
  const long = [["x".repeat(500)]];
  expect(columnWidth(column("INT"), 0, [["1"]])).toBe(72);
  expect(columnWidth(column("STRING"), 0, long)).toBe(340);
});

test("a copy has tabs between cells, and none inside", () => {
  expect(
    asTabs([
      ["a\tb", null],
      ["c", "d"],
    ]),
  ).toBe("a b\t\nc\td");
});
