import { expect, test } from "vitest";
import type { TaskRunEntry } from "@/api/task-runs";
import { readTar } from "@/lib/tar";
import { adviceOn, computeOf, dbtName, dbtState, inputsOf, resolvedRows, rulesOf } from "./facts";
import { readLines, readTaskSearch, writeLines } from "./search";

function entry(fields: Record<string, unknown>): TaskRunEntry {
  return { task_key: "t", state: { life_cycle_state: "TERMINATED" }, ...fields } as TaskRunEntry;
}

test("parameters stand beside what their references came to", () => {
  const python = entry({ spark_python_task: { parameters: ["--day", "{{job.parameters.day}}"] } });
  expect(resolvedRows(python, { parameters: ["--day", "Monday"] })).toEqual([
    { name: "parameters 1", written: "--day", value: "--day" },
    { name: "parameters 2", written: "{{job.parameters.day}}", value: "Monday" },
  ]);
  const notebook = entry({ notebook_task: { base_parameters: { a: "{{x}}" } } });
  expect(resolvedRows(notebook, { base_parameters: { a: "1", pushed: "2" } })).toEqual([
    { name: "a", written: "{{x}}", value: "1" },
    { name: "pushed", written: "", value: "2" },
  ]);
  expect(resolvedRows(python, undefined)).toEqual([]);
});

test("inputs of a for-each are a list, or none", () => {
  expect(inputsOf('[1, {"a": 2}]')).toEqual([1, { a: 2 }]);
  expect(inputsOf('{"a": 1}')).toEqual([]);
  expect(inputsOf("no JSON")).toEqual([]);
  expect(inputsOf(undefined)).toEqual([]);
});

test("compute is what the settings name", () => {
  expect(computeOf(entry({ sql_task: { warehouse_id: "trino" } }))?.name).toBe("trino");
  expect(computeOf(entry({ environment_key: "python" }))?.kind).toBe("Environment");
  expect(computeOf(entry({}))).toBeNull();
});

test("what failed gets advice, what succeeded none", () => {
  expect(adviceOn("SUCCESS", "SUCCESS", null)).toBeNull();
  expect(adviceOn("RUNNING", "", null)).toBeNull();
  expect(adviceOn("FAILED", "RUN_EXECUTION_ERROR", "spark_python_task")).toContain("log");
  expect(adviceOn("FAILED", "RUN_EXECUTION_ERROR", "for_each_task")).toContain("iterations");
  expect(adviceOn("TIMEDOUT", "", null)).toContain("timeout");
});

test("dbt's words become states", () => {
  expect(["success", "pass", "warn", "skipped", "error", "fail"].map(dbtState)).toEqual([
    "SUCCESS",
    "SUCCESS",
    "SUCCESS_WITH_FAILURES",
    "SKIPPED",
    "FAILED",
    "FAILED",
  ]);
  expect(dbtName("test.shop.unique_orders_id.a1b2")).toEqual({
    kind: "test",
    name: "unique_orders_id",
  });
});

test.each([
  [12, { from: 12, to: 12 }, 12],
  ["12", { from: 12, to: 12 }, 12],
  ["20-12", { from: 12, to: 20 }, "12-20"],
])("the address %j points at lines", (text, lines, spelled) => {
  expect(readLines(text)).toEqual(lines);
  expect(writeLines(lines)).toBe(spelled);
});

test("what the address does not mean is left out", () => {
  expect(
    readTaskSearch({ tab: "logs", q: 7, line: "0", only: "yes", beside: "x", failed: true }),
  ).toEqual({ tab: "logs", q: "7", failed: true });
});

function tarEntry(name: string, text: string, kind = "0"): Uint8Array {
  const block = new Uint8Array(512 + Math.ceil(text.length / 512) * 512);
  const write = (at: number, value: string) => block.set(new TextEncoder().encode(value), at);
  write(0, name.slice(0, 100));
  write(124, `${text.length.toString(8).padStart(11, "0")}\0`);
  write(156, kind);
  write(257, "ustar");
  write(512, text);
  return block;
}

function join(...parts: Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}

test("files of a tar are read with long names; folders and what breaks off are not files", () => {
  const long = `${"d/".repeat(70)}x.txt`;
  const archive = join(
    tarEntry("a.txt", "hello"),
    tarEntry("folder/", "", "5"),
    tarEntry("././@LongLink", `${long}\0`, "L"),
    tarEntry(long.slice(0, 100), "deep"),
    tarEntry("pax", `${String(11 + 6).padStart(2)} path=p/q.txt\n`, "x"),
    tarEntry("q.txt", "pax"),
    tarEntry("cut.txt", "x".repeat(600)).slice(0, 700),
  );
  expect(
    readTar(archive).map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]),
  ).toEqual([
    ["a.txt", "hello"],
    [long, "deep"],
    ["p/q.txt", "pax"],
  ]);
});

test("a check tells the rules that it has", () => {
  const check_task = { min_rows: 1, freshness: { column: "at", max_age_seconds: 7200 } };
  expect(rulesOf({ check_task } as unknown as TaskRunEntry)).toEqual([
    "at least 1 row",
    "the newest at is at most 2 h old",
  ]);
});
