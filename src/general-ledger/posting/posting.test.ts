// The rules of posting, as stories (test/story.ts), and as properties of any list of payments.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { play } from "../../../test/story.ts";
import { type Accepted, type Command, type LedgerAccount, type Line, post } from "./posting.ts";

describe("funds", () => {
  test("money comes in, moves on and leaves, and every payment sums to zero", () =>
    void play(`
      open  nostro free
      open  alice  guarded
      open  bob    guarded
      move  100.00 nostro alice -> posted
      move   40.00 alice  bob   -> posted
      move   15.00 bob    nostro -> posted
      check nostro -85.00
      check alice   60.00 60.00
      check bob     25.00 25.00
    `));

  test("a guarded account can be spent to zero and no further", () =>
    void play(`
      open  nostro free
      open  alice  guarded balance=1.00
      move  1.01 alice nostro -> insufficientFunds
      about alice 1.00 1.01
      move  1.00 alice nostro -> posted
      move  0.01 alice nostro -> insufficientFunds
      about alice 0.00 0.01
      check alice 0.00 0.00
    `));

  test("a credit limit is spent as if it were there", () =>
    void play(`
      open  nostro free
      open  alice  guarded limit=5.00 balance=1.00
      move  6.01 alice nostro -> insufficientFunds
      about alice 6.00 6.01
      move  6.00 alice nostro -> posted
      check alice -5.00 0.00
    `));

  test("held money stays in the balance but cannot be moved", () =>
    void play(`
      open  nostro free
      open  alice  guarded balance=100.00 held=70.00
      move  30.01 alice nostro -> insufficientFunds
      about alice 30.00 30.01
      move  30.00 alice nostro -> posted
      check alice 70.00 0.00
    `));

  test("an account without a floor may fall below zero", () =>
    void play(`
      open  fees   free
      open  nostro free
      move  50.00 fees nostro -> posted
      check fees -50.00
    `));

  test("balances stay within the bound of the books, to the unit", () =>
    void play(`
      open  nostro free
      open  full   free balance=89999999999999999.99
      open  empty  free balance=-89999999999999999.99
      move  0.02 nostro full -> limitExceeded
      about full
      move  0.01 nostro full -> posted
      check full 90000000000000000.00
      move  0.02 empty nostro -> limitExceeded
      about empty
      move  0.01 empty nostro -> posted
      check empty -90000000000000000.00
    `));
});

describe("several lines", () => {
  test("are judged together: their order means nothing", () =>
    void play(`
      open  nostro free
      open  fees   free
      open  alice  guarded
      move  1.00 alice fees, 1.00 nostro alice -> posted
      move  1.00 nostro alice, 1.00 alice fees -> posted
      move  1.00 alice fees, 0.99 nostro alice -> insufficientFunds
      about alice 0.00 0.01
      move  0.99 nostro alice, 1.00 alice fees -> insufficientFunds
      about alice 0.00 0.01
      check alice 0.00 0.00
      check fees  2.00
    `));

  test("are booked whole or not at all", () =>
    void play(`
      open  nostro free
      open  alice  guarded balance=10.00
      open  never  guarded
      move  10.00 nostro never, 10.01 alice nostro -> insufficientFunds
      check never  0.00 0.00
      check nostro 0.00
    `));

  test("that leave two accounts short name the one that is debited first, with all that they take from it", () =>
    void play(`
      open  nostro free
      open  alice  guarded balance=10.00
      open  bob    guarded balance=10.00
      move  8.00 alice nostro, 20.00 bob nostro, 8.00 alice nostro, 1.00 nostro alice -> insufficientFunds
      about alice 10.00 15.00
    `));

  test("may be in several currencies, each line in that of both its accounts", () =>
    void play(`
      open  euros   guarded balance=10.00
      open  eurPool free
      open  yen     guarded currency=JPY
      open  jpyPool free currency=JPY
      move  10.00 euros eurPool, 1600 jpyPool yen -> posted
      check yen 1600 1600
      check jpyPool -1600
      move  1.00 eurPool yen -> currencyMismatch
      about yen
    `));

  test("are kept within the bound of the books line by line: a stored figure never leaves it, not even for a moment", () =>
    void play(`
      open  nostro free
      open  full   free balance=89999999999999999.99
      move  0.02 nostro full, 0.02 full nostro -> limitExceeded
      about full
    `));
});

describe("obstacles", () => {
  test("an account that does not exist, on either side", () =>
    void play(`
      open  nostro free
      move  1.00 nowhere nostro -> notFound
      about nowhere
      move  1.00 nostro nowhere -> notFound
      about nowhere
      move  1.00 nobody nowhere -> notFound
      about nobody
    `));

  test("a closed or pending account moves neither way, a blocked one neither, blocked sides only the other", () =>
    void play(`
      open  nostro  free
      open  closed  free status=closed
      open  pending free status=pending
      open  blocked free status=blocked
      open  noDebit free blocked=debit
      open  noCredit free blocked=credit
      move  1.00 closed nostro -> accountClosed
      about closed
      move  1.00 nostro closed -> accountClosed
      move  1.00 pending nostro -> accountNotActive
      about pending
      move  1.00 nostro pending -> accountNotActive
      move  1.00 blocked nostro -> accountBlocked
      about blocked
      move  1.00 nostro blocked -> accountBlocked
      move  1.00 noDebit nostro -> accountBlocked
      about noDebit
      move  1.00 nostro noDebit -> posted
      move  1.00 nostro noCredit -> accountBlocked
      about noCredit
      move  1.00 noCredit nostro -> posted
    `));

  test("a line in a currency that is not the account's", () =>
    void play(`
      open  euros   free
      open  dollars free currency=USD
      move  1.00 euros dollars -> currencyMismatch
      about dollars
      move  1.00 EUR dollars euros -> currencyMismatch
      about dollars
      move  1.00 GBP euros dollars -> currencyMismatch
      about euros
    `));

  test("of several the first is told: known, closed, not active, blocked, currency, bounds, funds; the debited account's before the credited one's", () =>
    void play(`
      open  nostro free
      open  a free currency=USD status=closed blocked=debit
      open  b free currency=USD status=pending blocked=debit
      open  c free currency=USD status=active blocked=debit
      open  d guarded balance=-89999999999999999.99
      open  e guarded
      move  1.00 EUR a nowhere -> notFound
      move  1.00 EUR a b -> accountClosed
      move  1.00 EUR b a -> accountClosed
      about a
      move  1.00 EUR b nostro -> accountNotActive
      move  1.00 EUR c b -> accountNotActive
      move  1.00 EUR c nostro -> accountBlocked
      move  1.00 EUR nostro c -> currencyMismatch
      move  1.00 d c -> currencyMismatch
      move  1.00 d nostro -> limitExceeded
      move  1.00 e nostro -> insufficientFunds
    `));

  test("a caller confined to a tenant sees no other tenant's account, whatever its state", () =>
    void play(`
      open  ours   free tenant=north
      open  also   free tenant=north
      open  theirs free tenant=south status=closed
      move  1.00 ours also by north   -> posted
      move  1.00 ours theirs by north -> notFound
      about theirs
      move  1.00 theirs ours by north -> notFound
      move  1.00 ours theirs          -> accountClosed
    `));
});

const opened = play(`
  open a free
  open b guarded
  open c guarded limit=2.00
  open d free
`);

test("entries are numbered along each account, and each line says how it left both", () => {
  const accounts = new Map(opened)
    .set("a", { ...account("a"), lastSeq: 7n })
    .set("b", { ...account("b"), balanceMinor: 50n, heldMinor: 5n, lastSeq: 2n });
  const before = structuredClone(accounts);
  const result = post({ lines: [line("a", "b", 10n), line("b", "a", 20n)], confinedTo: null }, accounts);
  expect(result).toMatchObject({
    code: "accepted",
    lines: [
      {
        debit: { accountId: "a", seq: 8n, balanceMinor: -10n, heldMinor: 0n },
        credit: { accountId: "b", seq: 3n, balanceMinor: 60n, heldMinor: 5n },
      },
      {
        debit: { accountId: "b", seq: 4n, balanceMinor: 40n, heldMinor: 5n },
        credit: { accountId: "a", seq: 9n, balanceMinor: 10n, heldMinor: 0n },
      },
    ],
  });
  // The books that were given are as they were.
  expect(accounts).toEqual(before);
});

function account(id: string): LedgerAccount {
  return opened.get(id) ?? expect.fail(`no account ${id}`);
}
function line(debitAccountId: string, creditAccountId: string, amountMinor: bigint): Line {
  return { debitAccountId, creditAccountId, amountMinor, currency: "EUR" };
}

const someone = fc.constantFrom("a", "b", "c", "d");
const anyLine = fc
  .tuple(someone, someone, fc.bigInt(1n, 200n))
  .filter(([debit, credit]) => debit !== credit)
  .map(([debit, credit, amount]) => line(debit, credit, amount));
const commands = fc.array(
  fc.array(anyLine, { minLength: 1, maxLength: 6 }).map((lines): Command => ({ operation: "transfer", lines, confinedTo: null })),
  { maxLength: 40 },
);

test("whatever is posted: sums stay zero, floors are kept, and each account's entries follow from one another", () => {
  fc.assert(
    fc.property(commands, (list) => {
      const books = new Map(opened);
      for (const command of list) {
        const result = post(command, books);
        if (result.code === "accepted") {
          expectFollowing(books, result, command);
          for (const [id, each] of result.accounts) books.set(id, each);
        } else expect(result.code).toBe("insufficientFunds");
      }
      const all = [...books.values()];
      expect(all.reduce((sum, { balanceMinor }) => sum + balanceMinor, 0n)).toBe(0n);
      for (const each of all) if (each.floorMinor !== null) expect(each.balanceMinor).toBeGreaterThanOrEqual(each.floorMinor);
    }),
    { numRuns: 500 },
  );
});

function expectFollowing(before: ReadonlyMap<string, LedgerAccount>, { lines, accounts }: Accepted, command: Command): void {
  const now = new Map([...before].map(([id, { balanceMinor, lastSeq }]) => [id, { balanceMinor, lastSeq }]));
  for (const [index, posted] of lines.entries()) {
    if (posted === null) throw new Error("a line was not booked");
    const { debit, credit } = posted;
    const amount = command.lines[index]?.amountMinor ?? 0n;
    for (const [stand, change] of [
      [debit, -amount],
      [credit, amount],
    ] as const) {
      const last = now.get(stand.accountId);
      expect([stand.balanceMinor, stand.seq]).toEqual([(last?.balanceMinor ?? 0n) + change, (last?.lastSeq ?? 0n) + 1n]);
      now.set(stand.accountId, { balanceMinor: stand.balanceMinor, lastSeq: stand.seq });
    }
  }
  for (const [id, { balanceMinor, lastSeq }] of accounts) expect({ balanceMinor, lastSeq }).toEqual(now.get(id));
}
