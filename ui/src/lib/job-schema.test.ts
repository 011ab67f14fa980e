import { expect, test } from "vitest";
import { fieldOf, JOB_SCHEMA, labelOf, resolve, withoutDefaults } from "./job-schema";
import { TASK_TYPES } from "./job-settings";

test("every type of task that the API takes has its form's name", () => {
  const fields = Object.keys(JOB_SCHEMA.$defs?.Task?.properties ?? {});
  const types = fields.filter((field) => field.endsWith("_task")).sort();
  expect(TASK_TYPES.map((each) => each.type).sort()).toEqual(types);
});

test("references and nulls are followed", () => {
  expect(resolve(fieldOf("Task", "sql_task")).name).toBe("SqlTask");
  expect(resolve(fieldOf("Task", "run_if")).enum).toContain("ALL_DONE");
  expect(resolve(fieldOf("Task", "description")).type).toBe("string");
});

test("what a job would be anyway is not written", () => {
  const settings = {
    format: "MULTI_TASK",
    max_concurrent_runs: 1,
    tasks: [
      {
        run_if: "ALL_SUCCESS",
        max_retries: 0,
        notebook_task: { notebook_path: "/a", base_parameters: {} },
        task_key: "a",
        email_notifications: {},
      },
    ],
    name: "a",
    tags: { team: "sales" },
  };
  const kept = withoutDefaults(settings);
  expect(kept).toEqual({
    name: "a",
    tags: { team: "sales" },
    tasks: [{ task_key: "a", notebook_task: { notebook_path: "/a" } }],
  });
  expect(Object.keys(kept as object)).toEqual(["name", "tags", "tasks"]);
});

test("files of the workspace need no word where there is no repository", () => {
  const task = { task_key: "a", sql_task: { file: { path: "/a.sql", source: "WORKSPACE" } } };
  expect(withoutDefaults({ tasks: [task] }).tasks?.[0]?.sql_task).toEqual({
    file: { path: "/a.sql" },
  });
  const git = { git_url: "https://x.example/y", git_provider: "gitHub", git_branch: "main" };
  const kept = withoutDefaults({ git_source: git, tasks: [task] });
  expect(kept.tasks?.[0]).toEqual(task);
});

test("free mappings are kept as they are", () => {
  const settings = { name: "a", tags: { format: "MULTI_TASK", empty: "" } };
  expect(withoutDefaults(settings)).toEqual(settings);
});

test.each([
  ["max_concurrent_runs", "Max concurrent runs"],
  ["warehouse_id", "Warehouse ID"],
  ["dag_id", "DAG ID"],
])("%s is called %s", (name, label) => {
  expect(labelOf(name)).toBe(label);
});
