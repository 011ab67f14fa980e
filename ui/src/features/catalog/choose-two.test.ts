import { expect, it } from "vitest";
import { chosenAfter } from "./choose-two";

const ORDER = ["new", "mid", "old"];

it("puts the older of two first, however they were chosen", () => {
  expect(chosenAfter(["new"], "old", ORDER)).toEqual({ from: "old", to: "new" });
  expect(chosenAfter(["old"], "new", ORDER)).toEqual({ from: "old", to: "new" });
});

it("lets a chosen one go, and takes a third in the place of one of the two", () => {
  expect(chosenAfter(["old", "new"], "new", ORDER)).toEqual({ from: "old", to: undefined });
  expect(chosenAfter(["old", "new"], "mid", ORDER)).toEqual({ from: "mid", to: "new" });
  expect(chosenAfter([], "mid", ORDER)).toEqual({ from: "mid", to: undefined });
});
