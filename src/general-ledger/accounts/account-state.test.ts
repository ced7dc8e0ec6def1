// What may become of an account, rule by rule.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Account } from "./account.ts";
import { type AccountRefusal, block, changeTerms, close, compareOrder, unblock } from "./account-state.ts";

const AT = new Date("2026-11-23T09:45:00.000Z");
const BOTH = { debit: true, credit: true };
const DEBIT = { debit: true, credit: false };
const CREDIT = { debit: false, credit: true };

function anAccount(changes: Partial<Account> = {}): Account {
  return {
    id: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00",
    tenant: "default",
    clientId: null,
    number: "0000000195",
    iban: null,
    bic: null,
    name: "EUR account",
    currency: "EUR",
    type: "client",
    category: "liability",
    status: "active",
    isDefault: false,
    sortOrder: 0,
    balanceMinor: 0n,
    heldMinor: 0n,
    incomingMinor: 0n,
    floorMinor: 0n,
    provider: null,
    externalId: null,
    debitBlocked: false,
    creditBlocked: false,
    version: 7n,
    createdAt: AT,
    closedAt: null,
    ...changes,
  };
}

const terms = (changes: Partial<Parameters<typeof changeTerms>[1]>) => ({
  name: undefined,
  isDefault: undefined,
  floorMinor: undefined,
  ...changes,
});
const blocksOf = (account: Account | AccountRefusal) =>
  "code" in account ? account : [account.status, account.debitBlocked, account.creditBlocked, account.version];

describe("blocking", () => {
  test.each([
    ["one side leaves the account active", DEBIT, ["active", true, false, 8n]],
    ["the other side alone, too", CREDIT, ["active", false, true, 8n]],
    ["both sides at once is a blocked account", BOTH, ["blocked", true, true, 8n]],
    ["no side changes nothing", { debit: false, credit: false }, ["active", false, false, 7n]],
  ])("%s", (_, sides, expected) => {
    expect(blocksOf(block(anAccount(), sides))).toEqual(expected);
  });

  test("the second side makes the account blocked, and taking one away makes it active again", () => {
    const half = block(anAccount(), CREDIT) as Account;
    const whole = block(half, DEBIT) as Account;
    expect(blocksOf(whole)).toEqual(["blocked", true, true, 9n]);
    expect(blocksOf(unblock(whole, CREDIT))).toEqual(["active", true, false, 10n]);
    expect(blocksOf(unblock(whole, BOTH))).toEqual(["active", false, false, 10n]);
  });

  test("repeated it changes nothing: the same account comes back", () => {
    const blocked = block(anAccount(), BOTH) as Account;
    expect(block(blocked, DEBIT)).toBe(blocked);
    const open = anAccount();
    expect(unblock(open, BOTH)).toBe(open);
  });

  test.each([
    ["closed", "accountClosed"],
    ["pending", "accountNotActive"],
  ] as const)("an account that is %s cannot be blocked or unblocked: %s", (status, code) => {
    const account = anAccount({ status });
    expect([block(account, BOTH), unblock(account, BOTH)]).toEqual([{ code }, { code }]);
  });

  test("after any sequence of blocks and unblocks the account is blocked exactly when both sides are", () => {
    const step = fc.record({ blocks: fc.boolean(), debit: fc.boolean(), credit: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let account = anAccount();
        for (const { blocks, ...sides } of steps) {
          const next = (blocks ? block : unblock)(account, sides) as Account;
          expect(next.version).toBe(next === account ? account.version : account.version + 1n);
          expect([next.debitBlocked, next.creditBlocked]).toEqual([
            sides.debit ? blocks : account.debitBlocked,
            sides.credit ? blocks : account.creditBlocked,
          ]);
          account = next;
        }
        expect(account.status === "blocked").toBe(account.debitBlocked && account.creditBlocked);
      }),
    );
  });
});

describe("terms", () => {
  test("a name changes and raises the version", () => {
    expect(changeTerms(anAccount(), terms({ name: "Rent" }))).toMatchObject({ name: "Rent", version: 8n });
  });

  test("what is so already changes nothing", () => {
    const account = anAccount({ isDefault: true, floorMinor: -500n });
    expect(changeTerms(account, terms({ name: "EUR account", isDefault: true, floorMinor: -500n }))).toBe(account);
    const other = anAccount();
    expect(changeTerms(other, terms({ isDefault: false }))).toBe(other);
  });

  test("a default is only given up by another one taking over", () => {
    expect(changeTerms(anAccount({ isDefault: true }), terms({ isDefault: false }))).toEqual({ code: "defaultIsNeeded" });
  });

  test("a closed account keeps its terms", () => {
    expect(changeTerms(anAccount({ status: "closed" }), terms({ name: "x" }))).toEqual({ code: "accountClosed" });
  });

  test.each([
    [0n, 0n, -1000n, -1000n],
    [-500n, 0n, -500n, -500n],
    [-200n, 300n, -500n, -500n],
    [100n, 100n, 0n, 0n],
    [-500n, 0n, null, null],
  ])("with %d on it and %d held the floor may be %d", (balanceMinor, heldMinor, floorMinor, expected) => {
    const account = anAccount({ balanceMinor, heldMinor, floorMinor: -10_000n });
    expect(changeTerms(account, terms({ floorMinor }))).toMatchObject({ floorMinor: expected });
  });

  test("a limit cannot be lower than what is in use of it, holds included", () => {
    const account = anAccount({ balanceMinor: -200n, heldMinor: 300n, floorMinor: -10_000n });
    expect(changeTerms(account, terms({ floorMinor: -499n }))).toEqual({
      code: "insufficientFunds",
      availableMinor: 499n,
      requiredMinor: 500n,
    });
  });

  test("an account that is below a floor set now is refused, also at the edge of what a balance can be", () => {
    const account = anAccount({ balanceMinor: -9_000_000_000_000_000_000n, heldMinor: 9_000_000_000_000_000_000n, floorMinor: null });
    expect(changeTerms(account, terms({ floorMinor: 0n }))).toMatchObject({
      code: "insufficientFunds",
      requiredMinor: 18_000_000_000_000_000_000n,
    });
  });
});

describe("closing", () => {
  const closing = { at: AT, by: "bank", hasPendingPayment: false } as const;

  test("an empty account closes, and is no default any more", () => {
    const closed = close(anAccount({ isDefault: true }), closing);
    expect(closed).toMatchObject({ status: "closed", isDefault: false, closedAt: AT, version: 8n });
    expect(close(closed as Account, { ...closing, at: new Date(0) })).toBe(closed);
  });

  test.each([
    ["money on it", { balanceMinor: 1n }],
    ["money owed", { balanceMinor: -1n }],
    ["a hold", { heldMinor: 1n }],
    ["money on its way in", { incomingMinor: 1n }],
  ])("an account with %s stays open", (_, figures) => {
    expect(close(anAccount(figures), closing)).toEqual({ code: "accountNotEmpty" });
  });

  test("a pending payment keeps an account open, also one without holds", () => {
    expect(close(anAccount(), { ...closing, hasPendingPayment: true })).toEqual({ code: "accountNotEmpty" });
  });

  test.each([{ debitBlocked: true }, { creditBlocked: true }, { status: "blocked" }] as const)(
    "what the bank has blocked its client cannot close, the bank can: %j",
    (blocks) => {
      expect(close(anAccount(blocks), { ...closing, by: "client" })).toEqual({ code: "accountBlocked" });
      expect(close(anAccount(blocks), closing)).toMatchObject({ status: "closed", ...("status" in blocks ? {} : blocks) });
    },
  );
});

describe("an order of accounts", () => {
  test.each([
    ["abc", "cab", [[], [], []]],
    ["abc", "ab", [[], ["c"], []]],
    ["abc", "abcd", [[], [], ["d"]]],
    ["abc", "aab", [["a"], ["c"], []]],
    ["", "aa", [["a"], [], ["a"]]],
  ])("of %s listed as %s: repeated, missing, unknown", (open, listed, expected) => {
    const { repeated, missing, unknown } = compareOrder(listed.split(""), open.split(""));
    expect([repeated, missing, unknown]).toEqual(expected);
  });
});
