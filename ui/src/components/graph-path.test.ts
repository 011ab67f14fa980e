import { expect, test } from "vitest";
import { roundedPath } from "./graph-path";

test("a line without corners is straight", () => {
  expect(
    roundedPath([
      { x: 0, y: 0 },
      { x: 10, y: 0 },
    ]),
  ).toBe("M 0,0 L 10,0");
});

test("corners are rounded, short stretches less", () => {
  const line = [
    { x: 0, y: 0 },
    { x: 40, y: 0 },
    { x: 40, y: 8 },
  ];
  expect(roundedPath(line, 10)).toBe("M 0,0 L 36,0 Q 40,0 40,4 L 40,8");
});
