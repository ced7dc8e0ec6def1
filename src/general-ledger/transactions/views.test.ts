// From a row of the books to the wire: sides, signs, and what is null when.

import { describe, expect, test } from "vitest";
import type { TransactionRow } from "./transaction.store.ts";
import { toClientTransactionDto, toTransactionDto } from "./views.ts";

const [A, B] = ["a", "b"].map((letter) => `0197b0a4-4b1c-7cc0-8000-${letter.repeat(12)}`) as [string, string];
const PAYMENT_ID = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const AT = new Date("2026-11-23T09:45:00.120Z");

const row: TransactionRow = {
  paymentId: PAYMENT_ID,
  lineNo: 2,
  side: 0,
  accountId: A,
  counterAccountId: B,
  accountSeq: 7n,
  amountMinor: 1050n,
  balanceAfter: -2050n,
  currency: "EUR",
  creditNormal: true,
  type: "fee",
  state: "posted",
  description: null,
  reference: null,
  metadata: null,
  valueDate: "2026-11-23",
  createdAt: AT,
  postedAt: AT,
  sequence: 42n,
};

describe("a transaction", () => {
  test("is one side of a line: its id is the side's own, its amount has no sign", () => {
    expect(toTransactionDto(row)).toMatchObject({ id: `${PAYMENT_ID.slice(0, 34)}04`, direction: "debit", amount: "10.50" });
    expect(toTransactionDto({ ...row, side: 1 })).toMatchObject({
      id: `${PAYMENT_ID.slice(0, 34)}05`,
      direction: "credit",
      amount: "10.50",
    });
  });

  test("shows the balance after on the account's normal side", () => {
    expect(toTransactionDto(row).balanceAfter).toBe("-20.50");
    expect(toTransactionDto({ ...row, creditNormal: false }).balanceAfter).toBe("20.50");
    expect(toTransactionDto({ ...row, creditNormal: false, balanceAfter: 0n }).balanceAfter).toBe("0.00");
  });

  test("that is posted has its time, its place on the account and the balance after; one that is not has none of them", () => {
    const at = AT.toISOString();
    expect(toTransactionDto(row)).toMatchObject({ createdAt: at, postedAt: at, sequence: 42, accountSequence: 7, metadata: {} });
    expect(toTransactionDto({ ...row, state: "pending", postedAt: null, accountSeq: null, balanceAfter: null })).toMatchObject({
      state: "pending",
      createdAt: at,
      postedAt: null,
      sequence: 42,
      accountSequence: null,
      balanceAfter: null,
    });
  });

  test("does not tell its client whose account is on the other side, and everything else", () => {
    const { counterAccountId, ...own } = toTransactionDto(row);
    expect(counterAccountId).toBe(B);
    expect(toClientTransactionDto(row)).toEqual(own);
  });
});
