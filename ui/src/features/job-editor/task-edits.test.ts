import { expect, test } from "vitest";
import type { JobSettings } from "@/lib/job-settings";
import {
  downstreamOf,
  freeKey,
  removeTask,
  renameTask,
  retypeTask,
  setDependency,
} from "./task-edits";
import { type Edit, editYaml, readYaml } from "./yaml-edit";

const TEXT = `tasks:
  - task_key: load
    notebook_task: {notebook_path: /a}
  - task_key: check
    depends_on: [{task_key: load}]
    condition_task: {op: EQUAL_TO, left: a, right: b}
  - task_key: report
    depends_on:
      - task_key: check
        outcome: "true"
      - task_key: load
    notebook_task: {notebook_path: /b}
publish: {audit: [check]}
`;
const SETTINGS = readYaml(TEXT) as JobSettings;
const after = (...edits: Edit[]) => readYaml(editYaml(TEXT, ...edits)) as JobSettings;
const dependsOn = (settings: JobSettings) =>
  settings.tasks?.map((task) => (task.depends_on ?? []).map((each) => each.task_key));

test("a task that is renamed keeps those who wait for it", () => {
  const found = after(...renameTask(SETTINGS, 1, "is_new"));
  expect(dependsOn(found)).toEqual([[], ["load"], ["is_new", "load"]]);
  expect(found.publish).toEqual({ audit: ["is_new"] });
  expect(found.tasks?.[2]?.depends_on?.[0]?.outcome).toBe("true");
});

test("who waits for a task that goes waits for it no more", () => {
  const found = after(...removeTask(SETTINGS, 1));
  expect(found.tasks?.map((task) => task.task_key)).toEqual(["load", "report"]);
  expect(dependsOn(found)).toEqual([[], ["load"]]);
  expect(found.publish).toBeUndefined();
});

test("new tasks have keys of their own", () => {
  expect(freeKey(SETTINGS, "task")).toBe("task");
  expect(freeKey(SETTINGS, "load")).toBe("load_2");
  expect(freeKey({}, "task")).toBe("task");
});

test("a task has one type", () => {
  const task = SETTINGS.tasks?.[0] ?? {};
  const found = after(...retypeTask(task, ["tasks", 0], "run_job_task"));
  expect(Object.keys(found.tasks?.[0] ?? {})).toEqual(["task_key", "run_job_task"]);
});

test("dependencies come, change their outcome, and go", () => {
  const report = SETTINGS.tasks?.[2] ?? {};
  const changed = after(setDependency(report, 2, "check", "false"));
  expect(changed.tasks?.[2]?.depends_on?.[0]).toEqual({ task_key: "check", outcome: "false" });
  const gone = after(setDependency(report, 2, "check", "no"));
  expect(dependsOn(gone)?.[2]).toEqual(["load"]);
  const first = SETTINGS.tasks?.[1] ?? {};
  expect(after(setDependency(first, 1, "load", "no")).tasks?.[1]?.depends_on).toBeUndefined();
});

test("what comes after a task cannot come before it", () => {
  expect(downstreamOf(SETTINGS, "load")).toEqual(new Set(["load", "check", "report"]));
  expect(downstreamOf(SETTINGS, "report")).toEqual(new Set(["report"]));
});
