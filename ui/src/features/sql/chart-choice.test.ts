import { expect, test } from "vitest";
import type { Cell, ResultColumn } from "@/lib/cells";
import { fitting, readChoice, seriesOf, spellChoice, suggestChart } from "./chart-choice";

function columns(...pairs: [string, string][]): ResultColumn[] {
  return pairs.map(([name, type_name]) => ({ name, type_name, type_text: type_name }));
}

const sales = columns(["day", "DATE"], ["region", "STRING"], ["amount", "DOUBLE"], ["id", "LONG"]);
const rows: Cell[][] = [
  ["2024-01-02", "north", "3", "1"],
  ["2024-01-01", "south", "2", "2"],
  ["2024-01-01", "north", "1", "3"],
  ["2024-01-02", "north", "4", "4"],
];

test("time makes a line, with a series for each of few groups, summed where rows share a place", () => {
  expect(suggestChart(sales, rows)).toEqual({
    type: "line",
    x: "day",
    y: ["amount"],
    group: "region",
    aggregation: "sum",
  });
});

test("words make bars, numbers alone a scatter, and words alone are counted", () => {
  const bars = suggestChart(columns(["city", "STRING"], ["n", "LONG"]), [
    ["a", "1"],
    ["b", "2"],
  ]);
  expect(bars).toEqual({ type: "bar", x: "city", y: ["n"], aggregation: "none" });
  const numbers = columns(["w", "DOUBLE"], ["h", "DOUBLE"]);
  expect(suggestChart(numbers, [["1", "2"]])).toMatchObject({ type: "scatter", x: "h", y: ["w"] });
  expect(suggestChart(columns(["city", "STRING"]), [["a"]])).toMatchObject({
    x: "city",
    aggregation: "count",
  });
  expect(suggestChart(columns(["s", "STRUCT"]), [])).toBeNull();
});

test("series are grouped, summed and in the order of time", () => {
  const choice = suggestChart(sales, rows);
  expect(choice && seriesOf(sales, rows, choice)).toEqual([
    {
      name: "north",
      points: [
        ["2024-01-01", 1],
        ["2024-01-02", 7],
      ],
    },
    { name: "south", points: [["2024-01-01", 2]] },
  ]);
});

test.each([
  ["average", 8 / 3],
  ["count", 3],
  ["min", 1],
  ["max", 4],
] as const)("%s of a group", (aggregation, value) => {
  const [north] = seriesOf(sales, rows, { type: "bar", x: "region", y: ["amount"], aggregation });
  expect(north?.points[0]).toEqual(["north", value]);
});

test("numbers on a scatter's axis are numbers, in order; nothing is left out but what is no number", () => {
  const pairs = columns(["a", "LONG"], ["b", "LONG"]);
  const found = seriesOf(
    pairs,
    [
      ["10", "1"],
      ["9", "2"],
      ["8", null],
    ],
    { type: "scatter", x: "a", y: ["b"], aggregation: "none" },
  );
  expect(found[0]?.points.filter(([, y]) => y !== 0)).toEqual([
    [9, 2],
    [10, 1],
  ]);
});

test("a choice survives its address, and a result that has other columns", () => {
  const choice = { type: "bar", x: "day", y: ["amount"], aggregation: "sum" } as const;
  const kept = { ...choice, y: [...choice.y] };
  expect(readChoice(spellChoice(kept))).toEqual(kept);
  expect([readChoice("{"), readChoice(undefined), readChoice("{}")]).toEqual([null, null, null]);
  expect(fitting({ ...kept, group: "gone" }, sales)).toEqual(kept);
  expect(fitting({ ...kept, y: ["gone"] }, sales)).toBeNull();
});
