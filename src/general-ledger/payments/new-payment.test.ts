// From a body to a command: amounts in their currency, every fault by its field, and one text for one meaning.

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PaymentCommand } from "../posting/command.ts";
import type { CreateTransfer } from "./contract.ts";
import { type Order, readTransfer } from "./new-payment.ts";

const [A, B, C] = ["a", "b", "c"].map((letter) => `0197b0a4-4b1c-7cc0-8000-${letter.repeat(12)}`) as [string, string, string];
const ORDER: Order = { id: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00", ownerTenant: "north", isConfined: true, createdBy: "robot", key: null };
const BODY = { externalId: "P1", debitAccountId: A, creditAccountId: B, amount: "10.50", currency: "EUR" };

function commandOf(body: CreateTransfer, order: Order = ORDER): PaymentCommand {
  const read = readTransfer(body, order);
  if ("errors" in read) throw new Error(JSON.stringify(read.errors));
  return read.command;
}
function errorsOf(body: object): unknown {
  const read = readTransfer(body as CreateTransfer, ORDER);
  return "errors" in read ? read.errors : "none";
}
const contentOf = (changes: object): string => commandOf({ ...BODY, ...changes }).content;

describe("a command", () => {
  test("says who asks, and what is asked for in minor units", () => {
    expect(commandOf(BODY)).toEqual({
      ...ORDER,
      externalId: "P1",
      ifVersion: null,
      operation: "transfer",
      clientId: null,
      expiresAt: null,
      reversesPaymentId: null,
      content: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
      type: "transfer",
      valueDate: null,
      description: null,
      reference: null,
      metadata: null,
      lines: [{ debitAccountId: A, creditAccountId: B, amountMinor: 1050n, currency: "EUR", type: "transfer", description: null }],
    });
  });

  test("gives each line its own type and description, else the payment's type and none", () => {
    const line = { debitAccountId: A, creditAccountId: B, amount: "1", currency: "JPY" };
    const transactions = [line, { ...line, type: "fee" as const, description: "Fee" }, { ...line, type: null, description: null }];
    const { lines } = commandOf({ externalId: "P1", type: "withdrawal", description: "All", transactions });
    expect(lines.map(({ type, description, amountMinor }) => [type, description, amountMinor])).toEqual([
      ["withdrawal", null, 1n],
      ["fee", "Fee", 1n],
      ["withdrawal", null, 1n],
    ]);
  });

  test("takes empty metadata for none", () => {
    expect(commandOf({ ...BODY, metadata: {} }).metadata).toBeNull();
    expect(commandOf({ ...BODY, metadata: { a: "" } }).metadata).toEqual({ a: "" });
  });
});

describe("faults", () => {
  test("without lines, the four fields are required", () => {
    const missing = {
      debitAccountId: ["The field is required."],
      creditAccountId: ["The field is required."],
      amount: ["The field is required."],
      currency: ["The field is required."],
    };
    expect(errorsOf({ externalId: "P1" })).toEqual(missing);
    expect(
      errorsOf({ externalId: "P1", debitAccountId: null, creditAccountId: null, amount: null, currency: null, transactions: null }),
    ).toEqual(missing);
  });

  test("with lines, none of the four may be given", () => {
    const transactions = [{ debitAccountId: A, creditAccountId: B, amount: "1", currency: "EUR" }];
    const both = ["The field must not be given together with transactions."];
    expect(errorsOf({ ...BODY, transactions })).toEqual({ debitAccountId: both, creditAccountId: both, amount: both, currency: both });
    expect(errorsOf({ externalId: "P1", debitAccountId: null, amount: null, transactions })).toBe("none");
  });

  test.each([
    ["0", "The amount must be greater than zero."],
    ["0.00", "The amount must be greater than zero."],
    ["0.001", "The amount must have at most 2 decimals for EUR."],
    ["10000000000000.01", "The amount must not exceed 10000000000000.00 EUR."],
    ["-1", 'The amount must be a decimal number without a sign, such as "10.50".'],
  ])("the amount %s: %s", (amount, rule) => {
    expect(errorsOf({ ...BODY, amount })).toEqual({ amount: [rule] });
  });

  test("an unknown currency is named, and says nothing of the amount", () => {
    expect(errorsOf({ ...BODY, currency: "ABC", amount: "0.00001" })).toEqual({
      currency: ["The field must be an active ISO 4217 currency."],
    });
  });

  test("an account cannot pay itself", () => {
    expect(errorsOf({ ...BODY, creditAccountId: A })).toEqual({ creditAccountId: ["The field must differ from debitAccountId."] });
  });

  test("of lines are named by their place, all at once", () => {
    const good = { debitAccountId: A, creditAccountId: B, amount: "1", currency: "EUR" };
    const transactions = [good, { ...good, amount: "0" }, { ...good, creditAccountId: A, currency: "XXX" }];
    expect(Object.keys(errorsOf({ externalId: "P1", transactions }) as object).sort()).toEqual([
      "transactions.1.amount",
      "transactions.2.creditAccountId",
      "transactions.2.currency",
    ]);
  });
});

describe("the content, by which a repeat of an externalId is known", () => {
  const SAME: readonly [string, object][] = [
    ["another way to write the amount", { amount: "10.500" }],
    ["the default type said", { type: "transfer" }],
    ["nulls", { type: null, description: null, reference: null, valueDate: null, metadata: null, transactions: null }],
    ["empty metadata", { metadata: {} }],
    ["another externalId", { externalId: "P2" }],
    [
      "its one line as a list",
      {
        debitAccountId: null,
        creditAccountId: null,
        amount: null,
        currency: null,
        transactions: [{ debitAccountId: A, creditAccountId: B, amount: "10.5", currency: "EUR" }],
      },
    ],
    [
      "the line's type said",
      {
        debitAccountId: null,
        creditAccountId: null,
        amount: null,
        currency: null,
        transactions: [{ debitAccountId: A, creditAccountId: B, amount: "10.5", currency: "EUR", type: "transfer" }],
      },
    ],
  ];
  test.each(SAME)("is equal with %s", (_, changes) => expect(contentOf(changes)).toBe(contentOf({})));

  test("is equal whoever asks, and in whatever order metadata comes", () => {
    const asked = (order: Partial<Order>): string => commandOf(BODY, { ...ORDER, ...order }).content;
    expect(asked({ id: A, createdBy: "other", key: { id: A, request: "", traceId: "", keepsAbsence: false } })).toBe(contentOf({}));
    expect(contentOf({ metadata: { a: "1", b: "2" } })).toBe(contentOf({ metadata: { b: "2", a: "1" } }));
  });

  const OTHER: readonly [string, object][] = [
    ["amount", { amount: "10.51" }],
    ["currency", { currency: "USD" }],
    ["debit account", { debitAccountId: C }],
    ["credit account", { creditAccountId: C }],
    ["direction", { debitAccountId: B, creditAccountId: A }],
    ["type", { type: "fee" }],
    ["description", { description: "" }],
    ["reference", { reference: "" }],
    ["value date", { valueDate: "2026-01-01" }],
    ["metadata", { metadata: { a: "" } }],
  ];
  test("differs with every other thing that was asked for", () => {
    const contents = OTHER.map(([, changes]) => contentOf(changes));
    expect(new Set([contentOf({}), ...contents]).size).toBe(OTHER.length + 1);
  });

  test("does not confuse texts that are put together alike", () => {
    expect(contentOf({ description: "ab", reference: "c" })).not.toBe(contentOf({ description: "a", reference: "bc" }));
    expect(contentOf({ metadata: { a: '1","b":"2' } })).not.toBe(contentOf({ metadata: { a: "1", b: "2" } }));
  });

  test("of any two metadata is equal when and only when they say the same", () => {
    const metadata = fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_-]{1,3}$/), fc.string({ maxLength: 3 }), { maxKeys: 4 });
    const same = (one: object, other: object): boolean => isDeepStrictEqual({ ...one }, { ...other });
    fc.assert(
      fc.property(metadata, metadata, (one, other) => {
        expect(contentOf({ metadata: one }) === contentOf({ metadata: other })).toBe(same(one, other));
      }),
      { numRuns: 500 },
    );
  });
});
