// The logs that figures at an instant are read from: `verify` finds what was damaged in them, and the database keeps them as they are.

import { aTransfer } from "./builders.ts";
import { type Damage, expectFound, type FilledBooks, openBooks, verifyCopy } from "./damaged-books.ts";
import { bodyOf, type LedgerApp } from "./setup/ledger.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

type Books = { readonly alice: string; readonly bank: string };

let filled: FilledBooks<Books>;
beforeAll(async () => {
  filled = await openBooks(fill);
});
afterAll(() => filled.close());

/** Two drafts that were pended, and two back-dated payments. */
async function fill(bank: LedgerApp): Promise<Books> {
  const [alice, other] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
  for (const amount of ["1.00", "2.00"]) {
    const [line, hold] = [aTransfer(alice, other, amount), aTransfer(alice, other, amount)];
    bodyOf(await bank.transfer({ ...line, valueDate: "2026-01-05" }));
    const { externalId, ...terms } = hold;
    const { id } = bodyOf(await bank.system.post("/v2/internal/Payments", { externalId, transactions: [terms] }));
    bodyOf(await bank.system.post(`/v2/internal/Payments/${String(id)}/pend`, {}));
  }
  return { alice: alice.id, bank: other.id };
}

const LOG: readonly Damage<Books>[] = [
  {
    name: "a hold that was noted too high",
    done: ({ alice }) => `update general_ledger.hold_change set held_minor = held_minor + 1 where account_id = '${alice}'`,
    found: ({ alice }) => ({
      "INV-4": [{ accountId: alice }],
      "INV-10": [{ table: "general_ledger.hold_change" }],
    }),
  },
  {
    name: "a hold that was not noted",
    done: ({ alice }) => `delete from general_ledger.hold_change where account_id = '${alice}' and held_minor = 300`,
    found: ({ alice }) => ({ "INV-4": [{ accountId: alice }], "INV-10": [{ table: "general_ledger.hold_change" }] }),
  },
  {
    name: "a hold before the one before it",
    done: ({ alice }) => [
      `insert into general_ledger.hold_change select account_id, changed_at - interval '1 hour', batch_id + 1000, place, 300
       from general_ledger.hold_change where account_id = '${alice}' and held_minor = 300`,
    ],
    found: ({ alice }) => ({ "INV-4": [{ accountId: alice }] }),
  },
  {
    name: "a sum of value dates that is too high",
    done: ({ bank }) => `update general_ledger.value_shift set amount_minor = amount_minor + 1 where account_id = '${bank}'`,
    found: ({ bank }) => ({ "INV-12": [{ accountId: bank }] }),
  },
  {
    name: "a sum of value dates that nobody noted",
    done: ({ alice }) => `delete from general_ledger.value_shift where account_id = '${alice}'`,
    found: ({ alice }) => ({ "INV-12": [{ accountId: alice }] }),
  },
  {
    name: "a sum of value dates of nothing",
    done: ({ alice }) => `insert into general_ledger.value_shift values ('${alice}', '2026-01-01', '2026-01-02', 5)`,
    found: ({ alice }) => ({ "INV-12": [{ accountId: alice }] }),
  },
];

describe("damage is found, by the right check and at the right place:", () => {
  test.each(LOG)("$name", async (damage) => {
    await expectFound(filled, damage);
  });
});

test("sound logs are right", async () => {
  expect((await verifyCopy(filled)).ok).toBe(true);
});

test.each([
  "update general_ledger.hold_change set held_minor = 0",
  "delete from general_ledger.hold_change",
  "truncate general_ledger.hold_change",
  "delete from general_ledger.value_shift",
  "truncate general_ledger.value_shift",
  "delete from general_ledger.account_kind",
  "update general_ledger.account_kind set tenant = 'south'",
])("the owner itself is refused: %s", async (statement) => {
  const copy = await filled.copy();
  try {
    const { default: pg } = await import("pg");
    const owner = new pg.Client({ connectionString: copy.ownerUrl });
    await owner.connect();
    await expect(owner.query(statement)).rejects.toMatchObject({ code: "23001" });
    await owner.end();
  } finally {
    await copy.drop();
  }
});
