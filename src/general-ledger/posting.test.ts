// The rules of posting, as stories in minor units of EUR: `client` and `bank` open an account with a floor of zero and without one, `pay`
// takes lines "amount from to" and the end they must come to, `check` the balance and what may still be spent (null: without limit).

import fc from "fast-check";
import { expect, test } from "vitest";
import { BALANCE_BOUND, type Command, type LedgerAccount, type Line, post, type Posted, type Refusal, spendable } from "./posting.ts";

type Terms = Partial<LedgerAccount>;

/** The books of one story. */
class Books {
  readonly accounts = new Map<string, LedgerAccount>();

  /** A guarded account: nothing on it, and never below zero. */
  client(id: string, terms: Terms = {}): this {
    return this.#open(id, { floorMinor: 0n, ...terms });
  }

  /** An account of the bank, without a floor. */
  bank(id: string, terms: Terms = {}): this {
    return this.#open(id, terms);
  }

  #open(id: string, terms: Terms): this {
    this.accounts.set(id, {
      id,
      tenant: "default",
      clientId: null,
      currency: "EUR",
      status: "active",
      debitBlocked: false,
      creditBlocked: false,
      floorMinor: null,
      balanceMinor: 0n,
      heldMinor: 0n,
      lastSeq: 0n,
      ...terms,
    });
    return this;
  }

  /** Posts the lines and expects that end; adopts what was accepted. */
  pay(lines: string, expected: string, confinedTo: string | null = null): this {
    const result = this.#post(lines, confinedTo);
    expect(ending(result)).toBe(expected);
    if (result.code === "accepted") for (const [id, account] of result.accounts) this.accounts.set(id, account);
    return this;
  }

  /** What posting the lines would answer. */
  try(lines: string): Posted {
    const result = this.#post(lines, null);
    if (result.code !== "accepted") throw new Error(`refused: ${ending(result)}`);
    return result;
  }

  check(id: string, balanceMinor: bigint, left: bigint | null): this {
    const account = this.accounts.get(id);
    expect([id, account?.balanceMinor, account && spendable(account)]).toEqual([id, balanceMinor, left]);
    return this;
  }

  #post(lines: string, confinedTo: string | null): Posted | Refusal {
    return post({ lines: lines.split(",").map(readLine), confinedTo }, this.accounts);
  }
}

function readLine(text: string): Line {
  const [amount = "", debitAccountId = "", creditAccountId = "", currency = "EUR"] = text.trim().split(/\s+/);
  return { amountMinor: BigInt(amount.replaceAll("_", "")), debitAccountId, creditAccountId, currency };
}

function ending(result: Posted | Refusal): string {
  if (result.code === "accepted") return result.code;
  const figures = result.code === "insufficientFunds" ? ` ${result.availableMinor} of ${result.requiredMinor}` : "";
  return `${result.code} ${result.accountId}${figures}`;
}

test("money comes in, moves on and leaves, and every payment sums to zero", () => {
  new Books()
    .bank("nostro")
    .client("alice")
    .client("bob")
    .pay("10000 nostro alice", "accepted")
    .pay("4000 alice bob", "accepted")
    .pay("1500 bob nostro", "accepted")
    .check("nostro", -8500n, null)
    .check("alice", 6000n, 6000n)
    .check("bob", 2500n, 2500n);
});

test("a guarded account can be spent to zero and no further", () => {
  new Books()
    .bank("nostro")
    .client("alice", { balanceMinor: 100n })
    .pay("101 alice nostro", "insufficientFunds alice 100 of 101")
    .pay("100 alice nostro", "accepted")
    .pay("1 alice nostro", "insufficientFunds alice 0 of 1")
    .check("alice", 0n, 0n);
});

test("a credit limit is spent as if it were there", () => {
  new Books()
    .bank("nostro")
    .client("alice", { floorMinor: -500n, balanceMinor: 100n })
    .pay("601 alice nostro", "insufficientFunds alice 600 of 601")
    .pay("600 alice nostro", "accepted")
    .check("alice", -500n, 0n);
});

test("what is on hold stays in the balance but cannot be moved", () => {
  new Books()
    .bank("nostro")
    .client("alice", { balanceMinor: 10_000n, heldMinor: 7000n })
    .pay("3001 alice nostro", "insufficientFunds alice 3000 of 3001")
    .pay("3000 alice nostro", "accepted")
    .check("alice", 7000n, 0n);
});

test("an account without a floor may fall below zero", () => {
  new Books().bank("fees").bank("nostro").pay("5000 fees nostro", "accepted").check("fees", -5000n, null);
});

test("the order of lines inside one payment means nothing", () => {
  const books = () => new Books().bank("nostro").client("alice").bank("fees");
  books().pay("100 alice fees, 100 nostro alice", "accepted");
  books().pay("100 nostro alice, 100 alice fees", "accepted");
  books().pay("100 alice fees, 99 nostro alice", "insufficientFunds alice 0 of 1");
  books().pay("99 nostro alice, 100 alice fees", "insufficientFunds alice 0 of 1");
});

test("of several accounts without funds the first that is debited is named, with what all lines take from it", () => {
  new Books()
    .client("alice", { balanceMinor: 10n })
    .client("bob", { balanceMinor: 10n })
    .bank("nostro")
    .pay("8 alice nostro, 20 bob nostro, 8 alice nostro, 1 nostro alice", "insufficientFunds alice 10 of 15");
});

test("a payment is booked whole or not at all", () => {
  new Books()
    .bank("nostro")
    .client("alice", { balanceMinor: 10n })
    .client("never")
    .pay("10 nostro never, 11 alice nostro", "insufficientFunds alice 10 of 11")
    .check("never", 0n, 0n)
    .check("nostro", 0n, null);
});

test("entries are numbered along each account, and each line says how it left both", () => {
  const books = new Books().bank("nostro", { lastSeq: 7n }).client("alice", { balanceMinor: 50n, heldMinor: 5n, lastSeq: 2n });
  const { lines, accounts } = books.try("10 nostro alice, 20 alice nostro");
  expect(lines).toEqual([
    {
      debit: { accountId: "nostro", seq: 8n, balanceMinor: -10n, heldMinor: 0n },
      credit: { accountId: "alice", seq: 3n, balanceMinor: 60n, heldMinor: 5n },
    },
    {
      debit: { accountId: "alice", seq: 4n, balanceMinor: 40n, heldMinor: 5n },
      credit: { accountId: "nostro", seq: 9n, balanceMinor: 10n, heldMinor: 0n },
    },
  ]);
  expect([...accounts.keys()].sort()).toEqual(["alice", "nostro"]);
});

test("posting changes none of the accounts it was given", () => {
  const books = new Books().bank("nostro").client("alice", { balanceMinor: 5n });
  const before = structuredClone(books.accounts);
  books.try("5 alice nostro");
  expect(books.accounts).toEqual(before);
});

test("each obstacle is told by itself, the debited account's before the credited one's", () => {
  const books = () => new Books().bank("nostro").bank("other").bank("dollars", { currency: "USD" }).client("poor");
  const story = (terms: Terms, lines: string, expected: string) => books().bank("bad", terms).pay(lines, expected);

  story({}, "1 nowhere nostro", "notFound nowhere");
  story({}, "1 nostro nowhere", "notFound nowhere");
  story({}, "1 nobody nowhere", "notFound nobody");
  for (const [terms, code] of [
    [{ status: "closed" }, "accountClosed"],
    [{ status: "pending" }, "accountNotActive"],
    [{ status: "blocked" }, "accountBlocked"],
    [{ currency: "USD" }, "currencyMismatch"],
  ] as const) {
    story(terms, "1 bad nostro", `${code} bad`);
    story(terms, "1 nostro bad", `${code} bad`);
  }
  story({ debitBlocked: true }, "1 bad nostro", "accountBlocked bad");
  story({ debitBlocked: true }, "1 nostro bad", "accepted");
  story({ creditBlocked: true }, "1 nostro bad", "accountBlocked bad");
  story({ creditBlocked: true }, "1 bad nostro", "accepted");
  story({}, "1 dollars dollars2", "notFound dollars2");
  story({}, "1 nostro other USD", "currencyMismatch nostro");
});

test("of several obstacles the first in the order known, closed, not active, blocked, currency, bounds, funds is told", () => {
  const worst = { currency: "USD", balanceMinor: -BALANCE_BOUND, floorMinor: 0n } as const;
  const rest = { debitBlocked: true, ...worst } as const;
  const books = (terms: Terms) => new Books().bank("nostro").bank("bad", terms);
  books({ status: "closed", ...rest }).pay("1 bad nowhere", "notFound nowhere");
  books({ status: "closed", ...rest }).pay("1 bad nostro", "accountClosed bad");
  books({ status: "pending", ...rest }).pay("1 bad nostro", "accountNotActive bad");
  books(rest).pay("1 bad nostro", "accountBlocked bad");
  books(worst).pay("1 bad nostro", "currencyMismatch bad");
  books({ ...worst, currency: "EUR" }).pay("1 bad nostro", "limitExceeded bad");
  books({ floorMinor: 0n }).pay("1 bad nostro", "insufficientFunds bad 0 of 1");
});

test("balances stay within the bound of the books, to the unit", () => {
  const books = () =>
    new Books()
      .bank("full", { balanceMinor: BALANCE_BOUND - 1n })
      .bank("empty", { balanceMinor: 1n - BALANCE_BOUND })
      .bank("nostro");
  books().pay("1 nostro full", "accepted").check("full", BALANCE_BOUND, null);
  books().pay("2 nostro full", "limitExceeded full");
  books().pay("1 empty nostro", "accepted").check("empty", -BALANCE_BOUND, null);
  books().pay("2 empty nostro", "limitExceeded empty");
  // Judged line by line: a stored figure never leaves the bound, not even for a moment.
  books().pay("2 nostro full, 2 full nostro", "limitExceeded full");
});

test("a caller confined to a tenant sees no other tenant's account", () => {
  const books = () =>
    new Books().bank("ours", { tenant: "north" }).bank("also", { tenant: "north" }).bank("theirs", { tenant: "south", status: "closed" });
  books().pay("1 ours also", "accepted", "north");
  books().pay("1 ours theirs", "notFound theirs", "north");
  books().pay("1 theirs ours", "notFound theirs", "north");
  books().pay("1 ours theirs", "accountClosed theirs");
});

const account = fc.constantFrom("a", "b", "c", "d");
const line = fc
  .tuple(account, account, fc.bigInt(1n, 200n))
  .filter(([debit, credit]) => debit !== credit)
  .map(([debitAccountId, creditAccountId, amountMinor]): Line => ({ debitAccountId, creditAccountId, amountMinor, currency: "EUR" }));
const commands = fc.array(
  fc.array(line, { minLength: 1, maxLength: 6 }).map((lines): Command => ({ lines, confinedTo: null })),
  { maxLength: 40 },
);

test("whatever is posted: sums stay zero, floors are kept, and each account's entries follow from one another", () => {
  fc.assert(
    fc.property(commands, fc.bigInt(0n, 300n), (list, limit) => {
      const books = new Books().bank("a").client("b").client("c", { floorMinor: -limit }).bank("d");
      for (const command of list) {
        const before = new Map(books.accounts);
        const result = post(command, books.accounts);
        if (result.code !== "accepted") {
          expect(result.code).toBe("insufficientFunds");
          continue;
        }
        for (const [id, each] of result.accounts) books.accounts.set(id, each);
        expectFollowing(before, result, command);
      }
      const all = [...books.accounts.values()];
      expect(all.reduce((sum, { balanceMinor }) => sum + balanceMinor, 0n)).toBe(0n);
      for (const each of all) if (each.floorMinor !== null) expect(each.balanceMinor).toBeGreaterThanOrEqual(each.floorMinor);
    }),
    { numRuns: 500 },
  );
});

function expectFollowing(before: ReadonlyMap<string, LedgerAccount>, { lines, accounts }: Posted, command: Command): void {
  const now = new Map([...before].map(([id, { balanceMinor, lastSeq }]) => [id, { balanceMinor, lastSeq }]));
  for (const [index, { debit, credit }] of lines.entries()) {
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
