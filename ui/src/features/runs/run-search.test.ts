import { expect, test } from "vitest";
import { filtersOf, isFiltered, readRunSearch } from "./run-search";

test("an address that says nothing shows every run", () => {
  expect(readRunSearch({})).toEqual({});
  expect(isFiltered({})).toBe(false);
  expect(filtersOf({}, 0)).toEqual({});
});

test("filters come back from the address, and reach the API in its words", () => {
  const search = { job: 12, state: "completed", kind: "once", since: "1h" } as const;
  expect(readRunSearch(search)).toEqual(search);
  expect(filtersOf(search, 7_260_500)).toEqual({
    jobId: 12,
    active: false,
    kind: "SUBMIT_RUN",
    from: 3_660_000,
  });
});

test("what makes no sense is left out", () => {
  expect(readRunSearch({ job: "x", state: "maybe", kind: 1, since: "1y" })).toEqual({});
});
