import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FeeWords, LimitWords, TermsWords } from "./contract.ts";
import { isSame, millionthsIn, percentText, readTerms, type Terms, toWords } from "./plan.ts";

const terms = (changes: Partial<TermsWords> = {}): TermsWords => ({
  name: "Business",
  currency: "EUR",
  monthlyFee: "9.90",
  limits: [],
  fees: [],
  ...changes,
});
const read = (changes: Partial<TermsWords>): Terms => {
  const found = readTerms(terms(changes));
  if ("errors" in found) throw new Error(JSON.stringify(found.errors));
  return found;
};
const errorsOf = (changes: Partial<TermsWords>): string[] => {
  const found = readTerms(terms(changes));
  return "errors" in found ? Object.keys(found.errors) : [];
};

test("amounts become minor units of their currency and come back with its digits", () => {
  const limits: LimitWords[] = [
    { kind: "monthlyOutgoing", amount: "1.5", currency: "KWD" },
    { kind: "singleTransfer", amount: "1000", currency: "JPY" },
    { kind: "accounts", count: 5 },
  ];
  const found = read({ limits });
  expect(found.limits).toEqual([
    { kind: "accounts", accountsMax: 5 },
    { kind: "singleTransfer", currency: "JPY", amountMinor: 1000n },
    { kind: "monthlyOutgoing", currency: "KWD", amountMinor: 1500n },
  ]);
  expect(toWords(found).limits).toEqual([
    { kind: "accounts", count: 5, amount: null, currency: null },
    { kind: "singleTransfer", count: null, amount: "1000", currency: "JPY" },
    { kind: "monthlyOutgoing", count: null, amount: "1.500", currency: "KWD" },
  ]);
});

test("a name shows as it reads: clients see it", () => {
  for (const name of ["Busi\u202eness", "Business\n", "\u0007"]) expect(errorsOf({ name })).toEqual(["name"]);
  for (const name of ["Größe 2 – Plus", "Бизнес", "بيزنس"]) expect(errorsOf({ name })).toEqual([]);
});

test("fees keep what their kind has, and nothing else", () => {
  const fees: FeeWords[] = [
    { kind: "foreignExchange", percent: "0.5", minimum: "1", currency: "EUR" },
    { kind: "accountMonthly", amount: "0", currency: "EUR" },
    { kind: "outgoingTransfer", transferType: "swift", amount: "15", currency: "EUR" },
  ];
  const found = read({ fees });
  expect(found.fees).toEqual([
    { kind: "outgoingTransfer", transferType: "swift", currency: "EUR", amountMinor: 1500n },
    { kind: "accountMonthly", currency: "EUR", amountMinor: 0n },
    { kind: "foreignExchange", currency: "EUR", millionths: 5000, minimumMinor: 100n },
  ]);
  expect(toWords(found).fees).toEqual([
    { kind: "outgoingTransfer", transferType: "swift", amount: "15.00", percent: null, minimum: null, currency: "EUR" },
    { kind: "accountMonthly", transferType: null, amount: "0.00", percent: null, minimum: null, currency: "EUR" },
    { kind: "foreignExchange", transferType: null, amount: null, percent: "0.50", minimum: "1.00", currency: "EUR" },
  ]);
});

describe("a percentage", () => {
  test.each([
    ["0", 0],
    ["0.0001", 1],
    ["0.50", 5_000],
    ["0.5000", 5_000],
    ["1", 10_000],
    ["12.3456", 123_456],
    ["100", 1_000_000],
    ["100.0000", 1_000_000],
  ])("%s is %d millionths", (text, millionths) => {
    expect(millionthsIn(text)).toBe(millionths);
  });

  test.each(["", "-1", "0.00001", "100.0001", "101", "1000", "1e9", "1e999999999", "9".repeat(60), "abc", "0x1", "NaN", " 1", "1,5"])(
    "%s is none",
    (text) => {
      expect(millionthsIn(text)).toBeNull();
    },
  );

  test("comes back as the same share", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (millionths) => {
        expect(millionthsIn(percentText(millionths))).toBe(millionths);
        expect(percentText(millionths)).toMatch(/^\d+\.\d{2,4}$/);
      }),
    );
  });
});

describe("what contradicts itself is named, field by field", () => {
  test.each<[string, Partial<TermsWords>, string[]]>([
    ["a currency that is none", { currency: "XTS" }, ["currency"]],
    ["a fee of too many digits", { monthlyFee: "9.999" }, ["monthlyFee"]],
    ["an amount beyond all bounds", { monthlyFee: "10000000000000.01" }, ["monthlyFee"]],
    [
      "accounts with an amount",
      { limits: [{ kind: "accounts", count: 1, amount: "1", currency: "EUR" }] },
      ["limits.0.amount", "limits.0.currency"],
    ],
    ["accounts without a number", { limits: [{ kind: "accounts" }] }, ["limits.0.count"]],
    ["an amount without its currency", { limits: [{ kind: "dailyOutgoing", amount: "1" }] }, ["limits.0.currency"]],
    ["a currency without an amount", { limits: [{ kind: "dailyOutgoing", currency: "EUR" }] }, ["limits.0.amount"]],
    ["an amount with a number", { limits: [{ kind: "dailyOutgoing", amount: "1", currency: "EUR", count: 1 }] }, ["limits.0.count"]],
    ["digits that the currency lacks", { limits: [{ kind: "dailyOutgoing", amount: "1.5", currency: "JPY" }] }, ["limits.0.amount"]],
    [
      "the same limit twice",
      {
        limits: [
          { kind: "dailyOutgoing", amount: "1", currency: "EUR" },
          { kind: "accounts", count: 1 },
          { kind: "dailyOutgoing", amount: "2", currency: "EUR" },
        ],
      },
      ["limits.2"],
    ],
    ["a transfer without a rail", { fees: [{ kind: "outgoingTransfer", amount: "1", currency: "EUR" }] }, ["fees.0.transferType"]],
    [
      "a month with a rail",
      { fees: [{ kind: "accountMonthly", transferType: "sepa", amount: "1", currency: "EUR" }] },
      ["fees.0.transferType"],
    ],
    ["a month with a share", { fees: [{ kind: "accountMonthly", amount: "1", percent: "1", currency: "EUR" }] }, ["fees.0.percent"]],
    ["exchange without its share", { fees: [{ kind: "foreignExchange", minimum: "1", currency: "EUR" }] }, ["fees.0.percent"]],
    ["exchange without its minimum", { fees: [{ kind: "foreignExchange", percent: "1", currency: "EUR" }] }, ["fees.0.minimum"]],
    [
      "exchange with an amount",
      { fees: [{ kind: "foreignExchange", percent: "1", minimum: "1", amount: "1", currency: "EUR" }] },
      ["fees.0.amount"],
    ],
    ["a share above all", { fees: [{ kind: "foreignExchange", percent: "100.1", minimum: "1", currency: "EUR" }] }, ["fees.0.percent"]],
    ["a fee in no currency", { fees: [{ kind: "accountMonthly", amount: "1", currency: "ABC" }] }, ["fees.0.currency"]],
    [
      "the same fee twice",
      {
        fees: [
          { kind: "outgoingTransfer", transferType: "sepa", amount: "1", currency: "EUR" },
          { kind: "outgoingTransfer", transferType: "sepa", amount: "2", currency: "EUR" },
        ],
      },
      ["fees.1"],
    ],
  ])("%s", (_what, changes, fields) => {
    expect(errorsOf(changes)).toEqual(fields);
  });

  test("one rail in two currencies, and two rails in one, are no contradiction", () => {
    const fee = { kind: "outgoingTransfer", amount: "1" } as const;
    const fees: FeeWords[] = [
      { ...fee, transferType: "swift", currency: "EUR" },
      { ...fee, transferType: "swift", currency: "USD" },
      { ...fee, transferType: "sepa", currency: "EUR" },
    ];
    expect(errorsOf({ fees })).toEqual([]);
  });
});

test("what a plan answers may be sent back and says the same", () => {
  const anyTerms = fc.record({
    limits: fc.uniqueArray(
      fc.record({
        kind: fc.constantFrom("singleTransfer" as const, "dailyOutgoing" as const),
        currency: fc.constantFrom("EUR", "JPY", "KWD"),
        amount: fc.nat().map(String),
      }),
      { selector: ({ kind, currency }) => kind + currency },
    ),
    fees: fc.uniqueArray(
      fc.record({
        kind: fc.constant("foreignExchange" as const),
        currency: fc.constantFrom("EUR", "JPY", "KWD"),
        percent: fc.nat(100).map(String),
        minimum: fc.nat().map(String),
      }),
      { selector: ({ currency }) => currency },
    ),
  });
  fc.assert(
    fc.property(anyTerms, (changes) => {
      const once = read(changes);
      expect(isSame(read(toWords(once)), once)).toBe(true);
      expect(isSame(read({ ...toWords(once), name: "Another" }), once)).toBe(false);
    }),
  );
});

test("the order in which things are said says nothing", () => {
  const [a, b]: LimitWords[] = [
    { kind: "accounts", count: 1 },
    { kind: "dailyOutgoing", amount: "1", currency: "EUR" },
  ];
  expect(isSame(read({ limits: [a!, b!] }), read({ limits: [b!, a!] }))).toBe(true);
});
