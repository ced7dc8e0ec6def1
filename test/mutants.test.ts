// The mutants of META-3 can be made of the product as it is: one whose text has changed would be found out in the night only.

import { expect, test } from "vitest";
import { locate, MUTANTS } from "./faults/mutants.ts";
import { ROOT } from "./faults/server.ts";

test.each(MUTANTS)("$name: the text that is to be changed is there", async ({ edits }) => {
  for (const edit of edits) expect((await locate(ROOT, edit)).part).toContain(edit.from);
});

test("each mutant has a name of its own", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

test.each([
  [{ file: "src/platform/db.ts", from: "no such text", to: "" }, /src\/platform\/db\.ts does not have "no such text" once any more/],
  [{ fn: "general_ledger.post_batch", from: "u.place", to: "" }, /does not have "u\.place" once any more/],
  [{ fn: "general_ledger.no_such_function", from: "x", to: "" }, /no migration makes general_ledger\.no_such_function any more/],
])("one that cannot be made says so: %j", async (edit, message) => {
  await expect(locate(ROOT, edit)).rejects.toThrow(message);
});
