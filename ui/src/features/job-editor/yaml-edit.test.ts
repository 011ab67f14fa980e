import { expect, test } from "vitest";
import { editYaml, readYaml, UneditableError } from "./yaml-edit";

const TEXT = `# Sales, every morning.
name: orders   # short, please
tags: {team: sales, tier: "gold"}
tasks:
  # The raw files.
  - task_key: load
    notebook_task:
        notebook_path: /a    # by hand
    max_retries: 2

  - task_key: report
    depends_on: [{task_key: load}]
    sql_task: {query: {query_id: 'q1'}}
`;

function lines(before: string, after: string): [string, string][] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  return a.flatMap((line, n) => (line === b[n] ? [] : [[line, b[n] ?? ""] as [string, string]]));
}

test.each([
  [["name"], "daily", "name: daily   # short, please"],
  [["tags", "tier"], "a, b", 'tags: {team: sales, tier: "a, b"}'],
  [["tags", "team"], "x, y", null],
  [["tasks", 0, "max_retries"], 5, "    max_retries: 5"],
  [["tasks", 0, "notebook_task", "notebook_path"], "/b", "        notebook_path: /b    # by hand"],
  [
    ["tasks", 1, "sql_task", "query", "query_id"],
    "it's",
    "    sql_task: {query: {query_id: 'it''s'}}",
  ],
])("a value written over another changes its own line alone: %j", (path, value, line) => {
  const after = editYaml(TEXT, { path, value });
  const changed = lines(TEXT, after);
  if (line !== null) {
    expect(changed).toHaveLength(1);
    expect(changed[0]?.[1]).toBe(line);
  }
  expect(read(after, path)).toBe(value);
  for (const comment of ["# Sales", "# short", "# The raw", "# by hand"])
    expect(after).toContain(comment);
});

test("what looks like something else is quoted", () => {
  const after = editYaml(TEXT, { path: ["name"], value: "12" });
  expect(readYaml(after)?.name).toBe("12");
  expect(readYaml(editYaml(TEXT, { path: ["name"], value: "a: b # c" }))?.name).toBe("a: b # c");
});

test("what comes is added where it belongs, and comments stay", () => {
  const after = editYaml(TEXT, { path: ["tasks", 2], value: { task_key: "last" } });
  expect(readYaml(after)?.tasks?.map((task) => task.task_key)).toEqual(["load", "report", "last"]);
  expect(after).toContain("# The raw files.\n  - task_key: load");
  expect(after).toContain("name: orders # short, please");
  expect(after).toContain("depends_on: [{task_key: load}]");
});

test("what goes takes with it what is empty then", () => {
  const given = "name: a\nemail_notifications:\n  on_failure:\n    - x@y.example\n";
  const path = ["email_notifications", "on_failure", 0];
  expect(editYaml(given, { path, value: undefined })).toBe("name: a\n");
  const whole = { path: ["email_notifications", "on_failure"], value: undefined };
  expect(editYaml(given, whole)).toBe("name: a\n");
});

test("an empty task type stays: it says which type the task has", () => {
  const given = "tasks:\n  - task_key: a\n    notebook_task:\n      notebook_path: /x\n";
  const path = ["tasks", 0, "notebook_task", "notebook_path"];
  expect(readYaml(editYaml(given, { path, value: undefined }))?.tasks?.[0]).toEqual({
    task_key: "a",
    notebook_task: {},
  });
});

test("an empty text, and keys with nothing behind them, take values", () => {
  expect(readYaml(editYaml("", { path: ["name"], value: "a" }))).toEqual({ name: "a" });
  const after = editYaml("# new\ntasks:\n", { path: ["tasks", 0], value: { task_key: "a" } });
  expect(readYaml(after)).toEqual({ tasks: [{ task_key: "a" }] });
  expect(after).toContain("# new");
});

test("lists keep the indentation they have", () => {
  const flat = "tasks:\n- task_key: a\n- task_key: b\n";
  expect(editYaml(flat, { path: ["tasks", 2], value: { task_key: "c" } })).toBe(
    `${flat}- task_key: c\n`,
  );
});

test("the comment at the head of the file outlives its first key", () => {
  const after = editYaml("# About this job\nname: a\ntags: {}\n", {
    path: ["name"],
    value: undefined,
  });
  expect(after).toBe("# About this job\ntags: {}\n");
});

test("several changes are made one after the other", () => {
  const after = editYaml(
    TEXT,
    { path: ["tasks", 0, "task_key"], value: "fetch" },
    { path: ["tasks", 1, "depends_on", 0, "task_key"], value: "fetch" },
  );
  expect(lines(TEXT, after)).toHaveLength(2);
});

test("what is no YAML cannot be read or changed", () => {
  expect(readYaml("a: [")).toBeNull();
  expect(readYaml("- 1")).toBeNull();
  expect(() => editYaml("a: [", { path: ["a"], value: 1 })).toThrow(UneditableError);
});

test("a value that comes by an alias is not changed behind the user's back", () => {
  const given = "a: &x {b: 1}\nc: *x\n";
  expect(() => editYaml(given, { path: ["c", "b"], value: 2 })).toThrow(UneditableError);
});

function read(text: string, path: (string | number)[]): unknown {
  let value: unknown = readYaml(text);
  for (const step of path) value = (value as Record<string | number, unknown>)[step];
  return value;
}
