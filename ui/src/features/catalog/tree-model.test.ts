import { describe, expect, it } from "vitest";
import { actOf, flatten, type Known, pathTo } from "./tree-model";

const KNOWN: Known = {
  catalogs: ["lake", "other"],
  schemas: (catalog) => (catalog === "lake" ? ["bronze", "gold"] : "It cannot be reached"),
  items: (_catalog, schema) =>
    schema === "gold"
      ? [
          { kind: "table", name: "daily" },
          { kind: "volume", name: "files" },
        ]
      : undefined,
};
const OPEN = new Set(["catalog:lake", "schema:lake.gold", "schema:lake.bronze", "catalog:other"]);
const rows = flatten(KNOWN, OPEN);

describe("the rows of the tree", () => {
  it("are what is in sight, with their places", () => {
    expect(rows.map((row) => row.id)).toEqual([
      "catalog:lake",
      "schema:lake.bronze",
      "schema:lake.gold",
      "table:lake.gold.daily",
      "volume:lake.gold.files",
      "catalog:other",
    ]);
    expect(rows[4]).toMatchObject({ level: 3, place: 2, size: 2, parent: "schema:lake.gold" });
    expect(flatten(KNOWN, new Set()).map((row) => row.expanded)).toEqual([false, false]);
  });

  it("say what stands in place of children", () => {
    expect(rows[1]?.note).toBe("Loading…");
    expect(rows[5]?.note).toBe("It cannot be reached");
  });
});

describe("keys", () => {
  const act = (id: string, key: string) => actOf(rows, id, key);

  it("move, open and close as in any tree", () => {
    expect(act("schema:lake.gold", "ArrowDown")).toEqual({ do: "go", id: "table:lake.gold.daily" });
    expect(act("schema:lake.gold", "ArrowRight")).toEqual({
      do: "go",
      id: "table:lake.gold.daily",
    });
    expect(act("schema:lake.gold", "ArrowLeft")).toEqual({
      do: "collapse",
      id: "schema:lake.gold",
    });
    expect(act("table:lake.gold.daily", "ArrowLeft")).toEqual({ do: "go", id: "schema:lake.gold" });
    expect(act("catalog:lake", "ArrowUp")).toBeNull();
    expect(act("catalog:lake", "End")).toEqual({ do: "go", id: "catalog:other" });
    expect(act("catalog:lake", "Enter")).toEqual({ do: "open", id: "catalog:lake" });
    expect(act("schema:lake.bronze", "ArrowRight")).toBeNull();
    const closed = flatten(KNOWN, new Set());
    expect(actOf(closed, "catalog:lake", "ArrowRight")).toEqual({
      do: "expand",
      id: "catalog:lake",
    });
  });

  it("find the next row by its first letter, from the top again at the end", () => {
    expect(act("catalog:lake", "d")).toEqual({ do: "go", id: "table:lake.gold.daily" });
    expect(act("catalog:other", "g")).toEqual({ do: "go", id: "schema:lake.gold" });
    expect(act("catalog:lake", "z")).toBeNull();
  });
});

it("knows what to expand for a full name", () => {
  expect(pathTo("lake.gold.daily")).toEqual(["catalog:lake", "schema:lake.gold"]);
  expect(pathTo("lake.gold")).toEqual(["catalog:lake"]);
  expect(pathTo("lake")).toEqual([]);
});
