import { expect, test } from "vitest";
import { fromQuartz, type Plan, toQuartz } from "./quartz";

const BOTH: [string, Plan][] = [
  ["0 0/15 * * * ?", { kind: "minutes", every: 15 }],
  ["0 5 * * * ?", { kind: "hours", every: 1, minute: 5 }],
  ["0 30 0/6 * * ?", { kind: "hours", every: 6, minute: 30 }],
  ["0 30 6 * * ?", { kind: "days", at: "06:30" }],
  ["0 0 6 ? * MON-FRI", { kind: "weeks", days: ["MON", "TUE", "WED", "THU", "FRI"], at: "06:00" }],
  ["0 0 6 ? * TUE,SUN", { kind: "weeks", days: ["TUE", "SUN"], at: "06:00" }],
  ["0 0 0 1 * ?", { kind: "months", day: "1", at: "00:00" }],
  ["0 0 0 L * ?", { kind: "months", day: "L", at: "00:00" }],
];

test.each(BOTH)("%s is what the form's choice says, both ways", (expression, plan) => {
  expect(fromQuartz(expression)).toEqual(plan);
  expect(toQuartz(plan)).toBe(expression);
});

test.each([
  ["0 */5 * * * ?", "0 0/5 * * * ?"],
  ["0 0 6 * * 2-6", null],
  ["0 0 6 ? * 2-6", "0 0 6 ? * MON-FRI"],
  ["0 0 6 ? * FRI-MON", "0 0 6 ? * MON,FRI,SAT,SUN"],
])("%s means the same as %s", (given, meant) => {
  const plan = fromQuartz(given);
  expect(plan.kind).not.toBe("custom");
  if (meant) expect(toQuartz(plan)).toBe(meant);
});

test.each(["0 0 6 ? * 6#3", "30 0 6 * * ?", "0 0 6 15W * ?", "0 0 6 ? 1-3 MON", "nonsense", ""])(
  "%s is shown as it is written",
  (expression) => {
    expect(fromQuartz(expression)).toEqual({ kind: "custom", expression });
    expect(toQuartz(fromQuartz(expression))).toBe(expression);
  },
);
