import { expect, test } from "vitest";
import { plainSettings } from "./plain-settings";

test("what is empty or as usual is left out, at every depth", () => {
  const filled = {
    tasks: [{ max_retries: 0, depends_on: [], sql_task: { parameters: {} }, task_key: "a" }],
    email_notifications: {},
    name: "job",
    max_concurrent_runs: 2,
  };
  expect(plainSettings(filled)).toEqual({
    name: "job",
    tasks: [{ task_key: "a", sql_task: {} }],
    max_concurrent_runs: 2,
  });
});

test("names come first", () => {
  expect(Object.keys(plainSettings({ z: 1, name: "x" }) as object)).toEqual(["name", "z"]);
});
