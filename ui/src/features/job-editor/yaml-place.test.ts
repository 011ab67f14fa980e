import { expect, test } from "vitest";
import { placeAt, schemaAt } from "./yaml-place";

/** `|` is the cursor. */
function at(text: string) {
  const offset = text.indexOf("|");
  return placeAt(text.replace("|", ""), offset);
}

test.each([
  ["|", [], null, ""],
  ["na|", [], null, "na"],
  ["name: a|", [], "name", "a"],
  ["name: a\nta|", [], null, "ta"],
  ["schedule:\n  |", ["schedule"], null, ""],
  ["schedule:\n  pause_status: P|", ["schedule"], "pause_status", "P"],
  ["tasks:\n  - |", ["tasks", "[]"], null, ""],
  ["tasks:\n  - task_key: a\n    sql|", ["tasks", "[]"], null, "sql"],
  ["tasks:\n- task_key: a\n  |", ["tasks", "[]"], null, ""],
  ["tasks:\n- task_key: a\n- ta|", ["tasks", "[]"], null, "ta"],
  ["tasks:\n- task_key: a\nna|", [], null, "na"],
  [
    "tasks:\n  - task_key: a\n    sql_task:\n      file:\n        path: /x\n      |",
    ["tasks", "[]", "sql_task"],
    null,
    "",
  ],
  [
    "tasks:\n  - task_key: a\n  - task_key: b\n    depends_on:\n      - task_key: |",
    ["tasks", "[]", "depends_on", "[]"],
    "task_key",
    "",
  ],
  [
    "tasks:\n  - task_key: a\n    depends_on:\n    - task_key: x\n    run_if: |",
    ["tasks", "[]"],
    "run_if",
    "",
  ],
  ["# head\n\ntags:\n  # inner\n  te|", ["tags"], null, "te"],
])("%j", (text, path, key, written) => {
  expect(at(text)).toMatchObject({ path, key, written });
});

test("what is known of a place", () => {
  expect(schemaAt([])?.properties?.tasks).toBeDefined();
  expect(schemaAt(["tasks", "[]", "sql_task"])?.name).toBe("SqlTask");
  expect(schemaAt(["tasks", "[]", "run_if"])?.enum).toContain("ALL_DONE");
  expect(schemaAt(["tags", "team"])?.type).toBe("string");
  expect(schemaAt(["tasks", "[]", "nothing"])).toBeUndefined();
});
