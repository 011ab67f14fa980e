import { expect, test } from "vitest";
import { highlight, plain, spansOf, styleAfter } from "./ansi";
import { isError, LogBuffer } from "./log-buffer";
import { columnsOf, LogLayout } from "./log-layout";
import { LogSearch, patternOf, rangesIn } from "./log-search";

function buffer(...pieces: string[]): LogBuffer {
  const made = new LogBuffer();
  for (const piece of pieces) made.append(piece);
  return made;
}

function linesOf(log: LogBuffer): string[] {
  return Array.from({ length: log.count }, (_, index) => log.line(index));
}

test("lines are put together from pieces that break off anywhere", () => {
  const log = buffer("first li", "ne\nsecond\r", "\nthird\rfourth\n", "rest");
  expect(linesOf(log)).toEqual(["first line", "second", "third", "fourth", "rest"]);
  expect(log.settled).toBe(4);
});

test("however a log is cut, its lines are the same", () => {
  const text = "a\r\nbb\n\nccc\rdddd\r\n\r\ne";
  const whole = linesOf(buffer(text));
  for (let size = 1; size < text.length; size += 1) {
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    expect(linesOf(buffer(...pieces))).toEqual(whole);
  }
});

test("a log of 100,000 lines keeps each", () => {
  const log = buffer(Array.from({ length: 100_000 }, (_, n) => `line ${n}\n`).join(""));
  expect(log.count).toBe(100_000);
  expect(log.line(8191)).toBe("line 8191");
  expect(log.line(8192)).toBe("line 8192");
  expect(log.line(99_999)).toBe("line 99999");
});

test("a colour that is left on goes on in the next lines until it is switched off", () => {
  const log = buffer("\x1b[31mred\nstill \x1b[1mred\nend\x1b[0m\nplain\n");
  expect([0, 1, 2, 3].map((line) => log.styleBefore(line))).toEqual([
    "",
    "\x1b[31m",
    "\x1b[31;1m",
    "",
  ]);
  expect(spansOf(log.styleBefore(2), log.line(2))[0]).toMatchObject({
    text: "end",
    className: "ansi-red ansi-bold",
  });
});

test.each([
  ["", "\x1b[38;5;0m", "\x1b[38;5;0m"],
  ["\x1b[38;5;0m", "\x1b[39m", ""],
  ["\x1b[1;31m", "\x1b[22m", "\x1b[31m"],
  ["\x1b[31m", "\x1b[32m", "\x1b[32m"],
  ["\x1b[31m", "\x1b[m", ""],
  ["\x1b[31m", "\x1b[0;44m", "\x1b[44m"],
])("after %j and %j the style is %j", (before, line, after) => {
  expect(styleAfter(before, line)).toBe(after);
});

test("escape sequences are not read, searched or counted", () => {
  const line = "\x1b[2K\x1b[32mIN\x1b[0mFO\x1b]0;title\x07 ok";
  expect(plain(line)).toBe("INFO ok");
  expect(
    spansOf("", line)
      .map((span) => span.text)
      .join(""),
  ).toBe("INFO ok");
});

test("colours beyond the sixteen are drawn towards the ink", () => {
  expect(spansOf("", "\x1b[38;5;196mx")[0]?.style?.color).toContain("rgb(255, 0, 0)");
  expect(spansOf("", "\x1b[38;2;1;2;3mx")[0]?.style?.color).toContain("rgb(1, 2, 3)");
});

test("a match is highlighted across spans", () => {
  const spans = spansOf("", "\x1b[31mab\x1b[0mcd");
  const cut = highlight(spans, [[1, 3]]);
  expect(cut.map(({ span, hit }) => [span.text, hit])).toEqual([
    ["a", null],
    ["b", 0],
    ["c", 0],
    ["d", null],
  ]);
});

test.each([
  ["Traceback (most recent call last):", true],
  ["ValueError: no rows", true],
  ["\x1b[31mERROR\x1b[0m no amount", true],
  ["Caused by: java.io.IOException: gone", true],
  ["0 errors, 0 warnings", false],
  ["handled the error well", false],
])("%j speaks of an error: %s", (line, expected) => {
  expect(isError(line)).toBe(expected);
});

test("the first error is found as the log grows", () => {
  const log = buffer("fine\nfine\n");
  expect(log.firstError).toBeNull();
  log.append("KeyError: 'a'\nERROR again\n");
  expect(log.firstError).toBe(2);
});

test("a search goes on where it was, as lines come", () => {
  const log = buffer("one Two\nthree\ntwo TWO\ntw");
  const search = new LogSearch(log, patternOf("two") ?? /x/);
  while (search.step(1));
  expect(search.matches).toEqual([0, 2, 2]);
  log.append("o\n");
  search.step(100);
  expect(search.matches).toEqual([0, 2, 2, 3]);
  expect(search.lines).toEqual([0, 2, 3]);
});

test("what is typed is taken as it is, or as an expression between slashes", () => {
  expect(rangesIn(patternOf("a.c") ?? /x/, "abc a.c")).toEqual([[4, 7]]);
  expect(rangesIn(patternOf("/a.c/") ?? /x/, "abc a.c")).toHaveLength(2);
  expect(patternOf("/(/")).toBeNull();
  expect(rangesIn(patternOf("/x*/") ?? /y/, "axb")).toEqual([[1, 2]]);
});

test("lines of several rows are found by row and by number", () => {
  const layout = new LogLayout();
  for (const rows of [1, 3, 1]) layout.push(rows);
  expect(layout.rows).toBe(5);
  expect([0, 1, 2, 3, 4, 9].map((row) => layout.at(row))).toEqual([0, 1, 1, 1, 2, 2]);
  expect([0, 1, 2].map((line) => layout.rowOf(line))).toEqual([0, 1, 4]);
  layout.cut(1);
  layout.push(2);
  expect(layout.rows).toBe(3);
});

test("columns are counted with tabs and wide characters", () => {
  expect([columnsOf("abc"), columnsOf("a\tb"), columnsOf("日本"), columnsOf("é")]).toEqual([
    3, 9, 4, 1,
  ]);
});
