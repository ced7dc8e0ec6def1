import { expect, test } from "vitest";
import { reviewed } from "./notification.ts";

test.each([
  ["received", "inReview", "moved"],
  ["received", "declined", "moved"],
  ["inReview", "inReview", "same"],
  ["inReview", "declined", "moved"],
  ["declined", "inReview", "refused"],
  ["declined", "declined", "same"],
  ["completed", "inReview", "refused"],
  ["completed", "declined", "refused"],
] as const)("a notification that is %s and shall be %s: %s", (status, wanted, outcome) => {
  expect(reviewed(status, wanted)).toBe(outcome);
});
