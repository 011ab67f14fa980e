import { describe, expect, it } from "vitest";
import { guessDelimiter, previewCsv, previewJson, tableNameOf } from "./file-preview";

describe("the beginning of a CSV file", () => {
  it("has fields in quotes, with breaks and quotes in them", () => {
    const text = 'a,b\r\n1,"x, ""y""\nz"\r\n2,\r\n';
    expect(previewCsv(text, ",", true)).toEqual({
      header: ["a", "b"],
      rows: [
        ["1", 'x, "y"\nz'],
        ["2", ""],
      ],
    });
  });

  it("may have no header, and a mark at its beginning", () => {
    expect(previewCsv("\ufeff1;2\n", ";", false)).toEqual({
      header: ["column 1", "column 2"],
      rows: [["1", "2"]],
    });
    expect(previewCsv("", ",", true)).toEqual({ header: [], rows: [] });
  });

  it("shows a few rows only", () => {
    const text = Array.from({ length: 100 }, (_, at) => `${at}`).join("\n");
    expect(previewCsv(text, ",", true).rows).toHaveLength(8);
  });

  it("tells its delimiter", () => {
    expect(guessDelimiter("a;b;c,d\n1,2,3,4,5")).toBe(";");
    expect(guessDelimiter("a\tb")).toBe("\t");
    expect(guessDelimiter("alone")).toBe(",");
  });
});

it("reads JSON by line, also when the last one is cut off, and whole arrays", () => {
  const lines = previewJson('{"a":1}\n{"a":2,"b":{"c":[1]}}\n{"a":');
  expect(lines.header).toEqual(["a", "b"]);
  expect(lines.rows).toEqual([
    ["1", ""],
    ["2", '{"c":[1]}'],
  ]);
  expect(previewJson('[{"x":null},{"x":"y"}]').rows).toEqual([[""], ["y"]]);
});

it("names the table after the file", () => {
  expect(tableNameOf("2026 Prices (EU).csv.gz")).toBe("prices_eu");
  expect(tableNameOf("2026.csv")).toBe("table_of_file");
});
