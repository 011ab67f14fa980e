import { expect, test } from "vitest";
import {
  errorPlace,
  parameterNames,
  quotedName,
  splitStatements,
  sqlWords,
  statementAt,
  tablesIn,
} from "./sql-text";

test("statements are split at semicolons that are no part of text, names or comments", () => {
  const script =
    "select ';' as a; -- one; more\nselect \"b;c\" /* ; */ from t;\n\n;select $$;$$;  ";
  expect(splitStatements(script).map((each) => each.text)).toEqual([
    "select ';' as a",
    'select "b;c" /* ; */ from t',
    "select $$;$$",
  ]);
  const second = splitStatements(script)[1];
  expect(script.slice(second?.from, second?.to)).toBe(second?.text);
});

test("an open quote takes all that follows", () => {
  expect(splitStatements("select 'it''s; open").map((each) => each.text)).toEqual([
    "select 'it''s; open",
  ]);
  expect(splitStatements("-- only a comment\n ")).toEqual([]);
});

test("the statement at the cursor", () => {
  const script = "select 1;\nselect 2;\n";
  expect(statementAt(script, 3)?.text).toBe("select 1");
  expect(statementAt(script, 12)?.text).toBe("select 2");
  expect(statementAt(script, script.length)?.text).toBe("select 2");
});

test("parameters are found, and nothing that only looks like one", () => {
  const text = `select a::int, b[1:n], j:path, ':no', ":no" -- :no
    from t where x = :day and y in (:names) and z > :day`;
  expect(parameterNames(text)).toEqual(["day", "names"]);
});

test("tables are found with their aliases", () => {
  expect(
    tablesIn(
      `select * from lake.gold.sales s join "my schema".days as d using (id), raw -- from no
       where a = 'from nowhere x'`,
    ),
  ).toEqual([
    { path: ["lake", "gold", "sales"], alias: "s" },
    { path: ["my schema", "days"], alias: "d" },
  ]);
  expect(tablesIn("select * from a, b c where 1")).toEqual([
    { path: ["a"] },
    { path: ["b"], alias: "c" },
  ]);
});

test("names that are no words are quoted", () => {
  expect([quotedName("a_1"), quotedName("2024"), quotedName('a"b')]).toEqual([
    "a_1",
    '"2024"',
    '"a""b"',
  ]);
});

test("DuckDB's caret and Trino's column are found in the text", () => {
  const text = "select foo\nfrom bar";
  const duckdb = "Catalog Error: no table bar\n\nLINE 2: from bar\n             ^";
  expect(errorPlace(duckdb, text)).toEqual({ from: 16, to: 19 });
  expect(errorPlace("line 1:8: Column 'foo' cannot be resolved", text)).toEqual({
    from: 7,
    to: 10,
  });
  expect(errorPlace("out of memory", text)).toBeNull();
});

test("a line that DuckDB has cut is found by what is left of it", () => {
  const text = `select ${"a, ".repeat(60)}nosuch from t`;
  const from = text.indexOf("nosuch");
  const excerpt = text.slice(from - 30, from + 20);
  const message = `Binder Error: no\n\nLINE 1: ...${excerpt}...\n${" ".repeat(8 + 3 + 30)}^`;
  expect(errorPlace(message, text)).toEqual({ from, to: from + 6 });
});

test("markers that the server has bound are found as they were written", () => {
  const text = "select :a + :b, nosuch from t";
  const line = "select CAST($a AS BIGINT) + $b, nosuch from t";
  const message = `Binder Error\n\nLINE 1: ${line}\n${" ".repeat(8 + line.indexOf("nosuch"))}^`;
  const from = text.indexOf("nosuch");
  expect(errorPlace(message, text)).toEqual({ from, to: from + 6 });
});

test("a place outside of the text is none", () => {
  expect(errorPlace("line 9:1: x", "select 1")).toBeNull();
  expect(errorPlace("Error\n\nLINE 1: something else\n        ^", "select :a")).toBeNull();
});

test("words are coloured by what they are, and nothing of the text is lost", () => {
  const text = "select 'from' as a, 12 -- x";
  const words = sqlWords(text);
  expect(words.map((each) => each.text).join("")).toBe(text);
  expect(words.filter((each) => each.kind !== "plain").map((each) => each.kind)).toEqual([
    "keyword",
    "quoted",
    "keyword",
    "number",
    "comment",
  ]);
});
