import { expect, test } from "vitest";
import { judgeFailure } from "./attempts.ts";

const LAST = "The next block stays until the bank lifts it.";

test.each([
  [0, 0, { kind: "counted", failures: 1, attemptsLeft: 4, warning: null }],
  [3, 1, { kind: "counted", failures: 4, attemptsLeft: 1, warning: null }],
  [0, 2, { kind: "counted", failures: 1, attemptsLeft: 4, warning: LAST }],
  [3, 2, { kind: "counted", failures: 4, attemptsLeft: 1, warning: LAST }],
  [4, 0, { kind: "blocked", isPermanent: false, warning: null }],
  [4, 1, { kind: "blocked", isPermanent: false, warning: "Another block within a day stays until the bank lifts it." }],
  [4, 2, { kind: "blocked", isPermanent: true, warning: "The block stays until the bank lifts it." }],
  [4, 7, { kind: "blocked", isPermanent: true, warning: "The block stays until the bank lifts it." }],
])("after %i failures in a row and %i blocks in a day, a wrong code: %o", (failures, blocks, expected) => {
  expect(judgeFailure(failures, blocks)).toEqual(expected);
});

test("a guesser has fifteen tries a day, and then none", () => {
  let [tries, failures, blocks] = [0, 0, 0];
  for (;;) {
    const failure = judgeFailure(failures, blocks);
    tries++;
    if (failure.kind === "counted") failures = failure.failures;
    else [failures, blocks] = [0, blocks + 1];
    if (failure.kind === "blocked" && failure.isPermanent) break;
  }
  expect(tries).toBe(15);
});
