import { expect, test } from "vitest";
import { fromSaved, guessType, sentParameters, toSaved } from "./parameters";

test("names suggest types", () => {
  expect(["start_date", "created_at", "limit", "is_late", "city"].map(guessType)).toEqual([
    "DATE",
    "TIMESTAMP",
    "BIGINT",
    "BOOLEAN",
    "STRING",
  ]);
});

test("what is sent has types, and NULL where nothing is written", () => {
  const values = {
    city: { type: "STRING" as const, value: "" },
    n: { type: "BIGINT" as const, value: "" },
    at: { type: "TIMESTAMP" as const, value: "2024-01-02T03:04" },
    none: { type: "STRING" as const, value: "x", isNull: true },
  };
  expect(sentParameters(["city", "n", "at", "none"], values)).toEqual([
    { name: "city", type: "STRING", value: "" },
    { name: "n", type: "BIGINT", value: null },
    { name: "at", type: "TIMESTAMP", value: "2024-01-02T03:04:00" },
    { name: "none", type: "STRING", value: null },
  ]);
});

test("parameters are saved and opened again as they were", () => {
  const values = {
    city: { type: "STRING" as const, value: "Rome" },
    n: { type: "BIGINT" as const, value: "5" },
    day: { type: "DATE" as const, value: "2024-01-02" },
  };
  const names = Object.keys(values);
  expect(fromSaved(toSaved(names, values, []))).toEqual(values);
});

test("choices of a saved query stay as they are", () => {
  const choice = {
    name: "size",
    title: "Size",
    enum_value: { enum_options: "S\nL", values: ["L"] },
  };
  const values = fromSaved([choice]);
  expect(values.size?.value).toBe("L");
  expect(toSaved(["size"], values, [choice])).toEqual([choice]);
});
