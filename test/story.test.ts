// A story that does not come out as it is told fails, and says at which line.

import { expect, test } from "vitest";
import { play } from "./story.ts";

const ALICE = "open alice guarded balance=1.00\nopen bob free";

test.each([
  ["another end", "move 1.00 alice bob -> insufficientFunds"],
  ["another end", "move 1.01 alice bob -> posted"],
  ["another refusal", "move 1.01 alice bob -> notFound"],
  ["another account", "move 1.01 alice bob -> insufficientFunds\nabout bob"],
  ["other figures", "move 1.01 alice bob -> insufficientFunds\nabout alice 1.00 1.00"],
  ["no refusal", "move 1.00 alice bob -> posted\nabout alice"],
  ["another balance", "check alice 2.00 1.00"],
  ["another rest", "check alice 1.00 2.00"],
  ["a rest where there is no floor", "check bob 0.00 0.00"],
])("%s: %s", (_, told) => {
  expect(() => play(`${ALICE}\n${told}`)).toThrow(told.split("\n").at(-1));
});

test.each([
  ["an unknown verb", "pay 1.00 alice bob -> posted"],
  ["an account that was not opened", "check carol 0.00"],
  ["an amount with other digits than its currency's", "move 1.0 alice bob -> posted"],
])("%s is no story", (_, told) => {
  expect(() => play(`${ALICE}\n${told}`)).toThrow(/^no such|is no amount/);
});

test("what is told rightly passes, and gives the books as they are at the end", () => {
  const books = play(`${ALICE}\nmove 0.40 alice bob -> posted\ncheck alice 0.60 0.60\ncheck bob 0.40`);
  expect([...books].map(([id, { balanceMinor }]) => [id, balanceMinor])).toEqual([
    ["alice", 60n],
    ["bob", 40n],
  ]);
});
