// Books of payments in every state, for the tests of `verify`: drafted, held, posted whole and in part, cancelled, reversed; and of
// accounts that were blocked and closed.

import { aLine, aTransfer, unique } from "./builders.ts";
import { bodyOf, type LedgerApp } from "./setup/ledger.ts";

export type Books = {
  readonly alice: string;
  readonly bob: string;
  readonly blocked: string;
  readonly closed: string;
  readonly source: string;
  /** Alice to Bob 1.00, with metadata and an end. */
  readonly draft: string;
  /** Alice to Bob 2.00 and 0.50, pending at once, with an end. */
  readonly held: string;
  /** Alice to Bob 3.00 in three steps, with metadata. */
  readonly posted: string;
  /** Alice to Bob 4.00, of which 1.50 are booked, and 5.00, of which nothing is. */
  readonly captured: string;
  /** A draft of 6.00, cancelled. */
  readonly dropped: string;
  /** A hold of 7.00, cancelled for a reason. */
  readonly released: string;
  /** Alice to Bob 8.00 in one step, and its reversal in one step. */
  readonly undone: string;
  readonly undoing: string;
  /** Alice to Bob 9.00 in one step; a reversal of it that was cancelled, and one that is drafted. */
  readonly kept: string;
  readonly withdrawn: string;
  readonly drafted: string;
  /** Alice to Bob 0.10, its value date moved out of the closed days. */
  readonly moved: string;
};

export async function fill(bank: LedgerApp): Promise<Books> {
  const alice = await bank.aFundedAccount("100.00");
  const bob = await bank.aClientAccount();
  const blocked = await bank.aClientAccount();
  const closed = await bank.aClientAccount();
  const { rows } = await bank.owner.query<{ id: string }>("select id from general_ledger.account where not credit_normal");
  const source = rows[0]?.id ?? "";

  const keyed = (): Record<string, string> => ({ "idempotency-key": unique("key") });
  const idOf = (body: Readonly<Record<string, unknown>>): string => String(body["id"]);
  const order = async (lines: readonly unknown[] | null, changes: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    idOf(
      bodyOf(await bank.system.post("/v2/internal/Payments", { externalId: unique("payment"), transactions: lines, ...changes }, keyed())),
    );
  const change = async (payment: string, verb: string, body: unknown = {}): Promise<void> => {
    bodyOf(await bank.system.post(`/v2/internal/Payments/${payment}/${verb}`, body, keyed()));
  };
  const transfer = async (amount: string, changes: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    idOf(bodyOf(await bank.transfer(aTransfer(alice, bob, amount, changes))));
  const toBob = (...amounts: readonly string[]): readonly unknown[] => amounts.map((amount) => aLine(alice, bob, amount));
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();

  const draft = await order(toBob("1.00"), { metadata: { shop: "7", till: "12" }, expiresAt: tomorrow });
  const held = await order(toBob("2.00", "0.50"), { state: "pending", expiresAt: tomorrow });
  const posted = await order(toBob("3.00"), { metadata: { shop: "8" } });
  await change(posted, "pend");
  await change(posted, "post");
  const captured = await order(toBob("4.00", "5.00"), { state: "pending" });
  const { body } = await bank.system.get(`/v2/internal/Payments/${captured}`);
  const [first] = body["transactions"] as readonly { id: string }[];
  await change(captured, "post", { transactions: [{ id: first?.id, amount: "1.50" }] });
  const dropped = await order(toBob("6.00"));
  await change(dropped, "cancel");
  const released = await order(toBob("7.00"), { state: "pending" });
  await change(released, "cancel", { reason: "No goods." });

  const undone = await transfer("8.00");
  const undoing = idOf(bodyOf(await bank.transfer({ externalId: unique("reversal"), type: "reversal", reversesPaymentId: undone })));
  const kept = await transfer("9.00");
  const withdrawn = await order(null, { type: "reversal", reversesPaymentId: kept });
  await change(withdrawn, "cancel");
  const drafted = await order(null, { type: "reversal", reversesPaymentId: kept });

  await bank.owner.query("select general_ledger.close_days('2020-02-02')");
  const moved = await transfer("0.10", { valueDate: "2020-01-31" });

  await bank.owner.query("select general_ledger.set_account_blocks('account.blocked', $1, true, false, 'A question is open.')", [
    blocked.id,
  ]);
  const staff = bank.callAs({ kind: "system", scopes: ["clients.write"] });
  bodyOf(await staff.put(`/internal/Clients/${blocked.clientId}/block`, { reason: "A question is open." }));
  await bank.owner.query("select general_ledger.close_account($1, null, now())", [closed.id]);

  return {
    alice: alice.id,
    bob: bob.id,
    blocked: blocked.id,
    closed: closed.id,
    source,
    draft,
    held,
    posted,
    captured,
    dropped,
    released,
    undone,
    undoing,
    kept,
    withdrawn,
    drafted,
    moved,
  };
}
