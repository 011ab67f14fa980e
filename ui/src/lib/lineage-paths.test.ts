import { describe, expect, it } from "vitest";
import {
  columnKey,
  columnSteps,
  columnsByTable,
  freshness,
  reach,
  throughout,
} from "./lineage-paths";

const STEPS = [
  { from: "raw", to: "load" },
  { from: "load", to: "bronze" },
  { from: "bronze", to: "clean" },
  { from: "codes", to: "clean" },
  { from: "clean", to: "silver" },
  // A job that adds to what it reads.
  { from: "silver", to: "merge" },
  { from: "merge", to: "silver" },
];

describe("ways through lineage", () => {
  it("follows steps one way, round circles too", () => {
    expect([...reach(STEPS, ["bronze"], "down")].sort()).toEqual([
      "bronze",
      "clean",
      "merge",
      "silver",
    ]);
    expect([...reach(STEPS, ["bronze"], "up")].sort()).toEqual(["bronze", "load", "raw"]);
  });

  it("goes both ways from a place, but not back down from what is above it", () => {
    expect(throughout(STEPS, "bronze").has("codes")).toBe(false);
    expect(throughout(STEPS, "clean").has("codes")).toBe(true);
  });

  it("does not walk for long on a long chain", () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => ({ from: `${at}`, to: `${at + 1}` }));
    expect(reach(chain, ["0"], "down").size).toBe(20_001);
  });
});

describe("columns", () => {
  const edge = { from_table: "a.b.c", from_column: "x", to_table: "a.b.d", to_column: "y" };

  it("are found along their edges", () => {
    const path = throughout(columnSteps([edge]), columnKey("a.b.c", "x"));
    expect(path.has(columnKey("a.b.d", "y"))).toBe(true);
    expect(path.has(columnKey("a.b.d", "x"))).toBe(false);
  });

  it("are those that were told, then those that only edges name", () => {
    const found = columnsByTable([{ table: "a.b.c", columns: [{ name: "id" }] }], [edge, edge]);
    expect(found.get("a.b.c")).toEqual(["id", "x"]);
    expect(found.get("a.b.d")).toEqual(["y"]);
  });
});

it("tells how fresh something is", () => {
  const now = 100 * 86_400_000;
  expect(freshness(now - 1000, now)).toBe("today");
  expect(freshness(now - 3 * 86_400_000, now)).toBe("week");
  expect(freshness(1, now)).toBe("old");
  expect(freshness(undefined, now)).toBe("unknown");
});
