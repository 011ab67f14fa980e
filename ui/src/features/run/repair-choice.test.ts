import { expect, test } from "vitest";
import { cutOff, failedKeys, following, leftBehind, type Repairable } from "./repair-choice";

function task(key: string, state: string, ...dependsOn: string[]): Repairable {
  return { key, state, dependsOn };
}

const TASKS = [
  task("extract", "SUCCESS"),
  task("clean", "FAILED", "extract"),
  task("report", "UPSTREAM_FAILED", "clean"),
  task("mail", "UPSTREAM_FAILED", "report"),
  task("archive", "SUCCESS", "extract"),
  task("either", "EXCLUDED", "extract"),
];

test("what did not succeed is repaired, also what was never reached", () => {
  expect(failedKeys(TASKS)).toEqual(["clean", "report", "mail"]);
});

test("what follows from a task runs again, however far below", () => {
  const found = following(TASKS, new Set(["extract"]));
  expect([...found]).toEqual([
    ["clean", "extract"],
    ["archive", "extract"],
    ["either", "extract"],
    ["report", "clean"],
    ["mail", "report"],
  ]);
});

test("what was chosen itself does not follow from anything", () => {
  expect(following(TASKS, new Set(["clean", "report"]))).toEqual(new Map([["mail", "report"]]));
});

test("a task that is named as a dependency but gone changes nothing", () => {
  expect(following([task("a", "FAILED", "gone")], new Set(["a"])).size).toBe(0);
});

test("failed tasks that are not chosen are left behind, and what depends on them is cut off", () => {
  const again = new Set(["report", "mail"]);
  expect(leftBehind(TASKS, again)).toEqual(["clean"]);
  expect(cutOff(TASKS, again)).toEqual(["report"]);
});
