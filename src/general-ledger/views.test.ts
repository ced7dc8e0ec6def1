// From the ledger's values to the wire: signs, digits, and what is null when.

import { describe, expect, test } from "vitest";
import type { Account } from "./accounts/account.ts";
import type { Payment } from "./payments/payment.ts";
import { toAccountDto, toClientAccountDto } from "./accounts/views.ts";
import { toPaymentDto } from "./payments/views.ts";
import { ACCOUNT_CATEGORIES } from "./words.ts";

const [A, B, C] = ["a", "b", "c"].map((letter) => `0197b0a4-4b1c-7cc0-8000-${letter.repeat(12)}`) as [string, string, string];
const PAYMENT_ID = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const AT = new Date("2026-11-23T09:45:00.120Z");

const account: Account = {
  id: A,
  tenant: "north",
  clientId: null,
  number: "0000000197",
  iban: null,
  bic: null,
  name: "Name",
  currency: "EUR",
  type: "clearing",
  category: "liability",
  status: "active",
  isDefault: false,
  sortOrder: 3,
  balanceMinor: -1234n,
  heldMinor: 50n,
  incomingMinor: 7n,
  floorMinor: null,
  provider: null,
  externalId: null,
  debitBlocked: false,
  creditBlocked: true,
  version: 9n,
  createdAt: AT,
  closedAt: null,
};

describe("an account", () => {
  test.each([
    ["liability", "-12.34", "-12.84"],
    ["equity", "-12.34", "-12.84"],
    ["income", "-12.34", "-12.84"],
    ["asset", "12.34", "11.84"],
    ["expense", "12.34", "11.84"],
  ] as const)("of category %s shows its balance on its normal side, and what holds leave of it", (category, balance, availableBalance) => {
    expect(toAccountDto({ ...account, category })).toMatchObject({ category, balance, heldAmount: "0.50", availableBalance });
    expect(ACCOUNT_CATEGORIES).toContain(category);
  });

  test.each([
    ["JPY", "-1234", "50", "7"],
    ["EUR", "-12.34", "0.50", "0.07"],
    ["KWD", "-1.234", "0.050", "0.007"],
  ])("in %s has exactly its currency's digits", (currency, balance, heldAmount, pendingIncomingAmount) => {
    expect(toAccountDto({ ...account, currency })).toMatchObject({ balance, heldAmount, pendingIncomingAmount });
  });

  test("shows its floor as a credit limit; without a floor there is none to show", () => {
    expect(toAccountDto({ ...account, floorMinor: -5000n }).creditLimit).toBe("50.00");
    expect(toAccountDto({ ...account, floorMinor: 0n }).creditLimit).toBe("0.00");
    expect(toAccountDto(account).creditLimit).toBe("0.00");
  });

  test("shows times in UTC to the millisecond, and null for what has not happened", () => {
    expect(toAccountDto(account)).toMatchObject({ createdAt: "2026-11-23T09:45:00.120Z", closedAt: null });
    expect(toAccountDto({ ...account, closedAt: AT }).closedAt).toBe("2026-11-23T09:45:00.120Z");
  });

  test("hides category and tenant from its owner, and the tenant from everybody", () => {
    const [own, system] = [toClientAccountDto(account), toAccountDto(account)];
    expect(own).not.toHaveProperty("category");
    expect({ ...own, category: "liability" }).toEqual(system);
    expect(JSON.stringify(system)).not.toContain("north");
  });

  test("at the bound of the books is exact", () => {
    const bound = 9_000_000_000_000_000_000n;
    expect(toAccountDto({ ...account, balanceMinor: -bound, heldMinor: bound })).toMatchObject({
      balance: "-90000000000000000.00",
      availableBalance: "-180000000000000000.00",
    });
  });
});

const line = {
  lineNo: 1,
  debitAccountId: A,
  creditAccountId: B,
  amountMinor: 1050n,
  currency: "EUR",
  postedMinor: null,
  type: "fee",
  description: "Fee",
} as const;
const payment: Payment = {
  id: PAYMENT_ID,
  externalId: "P1",
  type: "transfer",
  state: "posted",
  clientId: C,
  description: null,
  reference: null,
  reason: null,
  metadata: null,
  valueDate: "2026-11-23",
  askedValueDate: null,
  expiresAt: null,
  reversesPaymentId: null,
  reversedByPaymentId: null,
  createdAt: AT,
  pendedAt: null,
  postedAt: AT,
  cancelledAt: null,
  sequence: 42n,
  lines: [line],
  accounts: [],
};

describe("a payment", () => {
  test("gives each line the id of its debit side and the payment's state", () => {
    const { transactions } = toPaymentDto({ ...payment, lines: [line, { ...line, lineNo: 2 }, { ...line, lineNo: 50 }] });
    expect(transactions.map(({ id, state }) => [id.slice(-2), state])).toEqual([
      ["02", "posted"],
      ["04", "posted"],
      ["64", "posted"],
    ]);
  });

  test("is posted by its last change; before that there is no postedSequence", () => {
    expect(toPaymentDto(payment)).toMatchObject({ sequence: 42, postedSequence: 42, postedAt: "2026-11-23T09:45:00.120Z" });
    expect(toPaymentDto({ ...payment, pendedAt: new Date(1), postedAt: new Date(2) })).toMatchObject({
      createdAt: "2026-11-23T09:45:00.120Z",
      pendedAt: "1970-01-01T00:00:00.001Z",
      postedAt: "1970-01-01T00:00:00.002Z",
      cancelledAt: null,
    });
    for (const state of ["draft", "pending", "cancelled"] as const) {
      expect(toPaymentDto({ ...payment, state, postedAt: null })).toMatchObject({
        state,
        sequence: 42,
        postedSequence: null,
        postedAt: null,
      });
    }
  });

  test("shows metadata in one order, none as an empty object", () => {
    const orders = [
      { b: "1", a: "2", 10: "3", 9: "4" },
      { 9: "4", 10: "3", a: "2", b: "1" },
    ];
    const texts = orders.map((metadata) => JSON.stringify(toPaymentDto({ ...payment, metadata }).metadata));
    expect(new Set(texts).size).toBe(1);
    expect(toPaymentDto(payment).metadata).toEqual({});
  });

  test("shows each account on its own normal side, in the currency of its lines", () => {
    const stand = { seq: 3n, balanceMinor: -1050n, heldMinor: 50n };
    const lines = [line, { ...line, lineNo: 2, debitAccountId: C, creditAccountId: PAYMENT_ID, currency: "JPY" }];
    const accounts = [
      { ...stand, accountId: A, creditNormal: true },
      { ...stand, accountId: B, creditNormal: false },
      { ...stand, accountId: C, creditNormal: false },
    ];
    expect(toPaymentDto({ ...payment, lines, accounts }).accounts).toEqual([
      { accountId: A, accountSequence: 3, balance: "-10.50", heldAmount: "0.50", availableBalance: "-11.00" },
      { accountId: B, accountSequence: 3, balance: "10.50", heldAmount: "0.50", availableBalance: "10.00" },
      { accountId: C, accountSequence: 3, balance: "1050", heldAmount: "50", availableBalance: "1000" },
    ]);
  });
});
