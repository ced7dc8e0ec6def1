// Books of payments of one step, for the tests of `verify`.

import { expect } from "vitest";
import { aLine, aTransfer, unique } from "./builders.ts";
import { bodyOf, type LedgerApp } from "./setup/ledger.ts";

export type Books = {
  readonly alice: string;
  readonly bob: string;
  readonly source: string;
  readonly yen: string;
  readonly aliceClient: string;
  /** Alice's second entry, first line of a payment of two to Bob. */
  readonly payment: string;
  /** Alice's third entry, a payment of one line to Bob. */
  readonly last: string;
};

/** Three accounts of clients, the bank's two, and five payments. */
export const CHANGES = 10;

export async function fill(bank: LedgerApp): Promise<Books> {
  const alice = await bank.aFundedAccount("100.00");
  const bob = await bank.aClientAccount();
  const yen = await bank.aFundedAccount("5000", { currency: "JPY" });
  const source = await bank.owner.query<{ id: string }>(
    "select debit_account_id as id from general_ledger.payment_line where credit_account_id = $1",
    [alice.id],
  );
  const lines = [aLine(alice, bob, "10.00"), aLine(alice, bob, "5.00")];
  const { id: payment } = bodyOf(
    await bank.transfer({ externalId: unique("payment"), transactions: lines }, { "idempotency-key": unique("key") }),
  );
  const { id: last } = bodyOf(await bank.transfer(aTransfer(alice, bob, "1.00")));
  const refused = await bank.transfer(aTransfer(alice, bob, "1000.00"), { "idempotency-key": unique("key") });
  expect(refused.status).toBe(409);
  await bank.transfer(aTransfer(bob, alice, "2.00"));
  return {
    alice: alice.id,
    bob: bob.id,
    yen: yen.id,
    source: source.rows[0]?.id ?? "",
    aliceClient: String(alice.clientId),
    payment: String(payment),
    last: String(last),
  };
}
