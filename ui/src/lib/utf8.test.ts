import { expect, test } from "vitest";
import { wholeCharacters } from "./utf8";

const bytes = new TextEncoder().encode("aé€🙂");

test.each([
  [1, 1],
  [2, 1],
  [3, 3],
  [4, 3],
  [5, 3],
  [6, 6],
  [7, 6],
  [8, 6],
  [9, 6],
  [10, 10],
])("of the first %i bytes of aé€🙂, %i are whole characters", (given, whole) => {
  expect(wholeCharacters(bytes.slice(0, given))).toBe(whole);
});

test("bytes that are no UTF-8 are not held back for ever", () => {
  expect(wholeCharacters(new Uint8Array([0x80, 0x80, 0x80, 0x80]))).toBe(4);
});
