import { expect, test } from "vitest";
import { filtersOf, isFiltered, readJobSearch } from "./job-search";

test("an address that says nothing shows every job by name", () => {
  expect(readJobSearch({})).toEqual({});
  expect(isFiltered(readJobSearch({ sort: "-created_at" }))).toBe(false);
  expect(filtersOf({})).toEqual({ sort: "name" });
});

test("filters come back from the address as they were put into it", () => {
  const search = { q: "12", tag: "team:a", state: "FAILED", paused: false, sort: "-last_run_at" };
  expect(readJobSearch({ ...search, q: 12 })).toEqual(search);
  expect(isFiltered(readJobSearch(search))).toBe(true);
});

test("what makes no sense is left out", () => {
  expect(readJobSearch({ q: "  ", sort: "size", paused: "maybe", owner: { a: 1 } })).toEqual({});
});
