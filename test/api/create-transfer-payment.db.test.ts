// Operation 41: what a transfer does to the books, what its answer says, and each way it is refused.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique, withField } from "../builders.ts";
import { type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PATH = "/v2/internal/Payments/transfer";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

type Stand = { accountId: string; accountSequence: number; balance: string; heldAmount: string; availableBalance: string };
const stands = (body: Readonly<Record<string, unknown>>): Stand[] => body["accounts"] as Stand[];

/** No trace of a refused payment: neither on the accounts nor under its externalId. */
async function expectUntouched(body: Record<string, unknown>, ...accounts: TestAccount[]): Promise<void> {
  for (const account of accounts) expect(await bank.account(account.id)).toMatchObject({ balance: account.balance });
  const found = await bank.system.get(`/v2/internal/Payments?externalId=${encodeURIComponent(String(body["externalId"]))}`);
  expect(found.body).toMatchObject({ items: [], totalCount: 0 });
}

describe("the answer", () => {
  test("holds every field in the documented order, and null or empty where nothing was said", async () => {
    const payer = await bank.aFundedAccount("100.00");
    const payee = await bank.aClientAccount();
    const order = aTransfer(payer, payee, "30.5");
    const { status, body } = await bank.transfer(order);
    expect(status).toBe(200);
    const id = body["id"] as string;
    expect(Object.entries(body)).toEqual(
      Object.entries({
        id: expect.stringMatching(UUID) as string,
        externalId: order["externalId"],
        type: "transfer",
        state: "posted",
        clientId: payer.clientId,
        transactions: [
          {
            id: `${id.slice(0, 34)}02`,
            debitAccountId: payer.id,
            creditAccountId: payee.id,
            amount: "30.50",
            instructedAmount: "30.50",
            currency: "EUR",
            type: "transfer",
            description: null,
            state: "posted",
          },
        ],
        description: null,
        reference: null,
        reason: null,
        metadata: {},
        createdAt: expect.stringMatching(INSTANT) as string,
        pendedAt: null,
        postedAt: body["createdAt"],
        cancelledAt: null,
        sequence: expect.any(Number) as number,
        postedSequence: body["sequence"],
        valueDate: (body["createdAt"] as string).slice(0, 10),
        requestedValueDate: null,
        expiresAt: null,
        reversesPaymentId: null,
        reversedByPaymentId: null,
        accounts: [
          { accountId: payer.id, accountSequence: 2, balance: "69.50", heldAmount: "0.00", availableBalance: "69.50" },
          { accountId: payee.id, accountSequence: 1, balance: "30.50", heldAmount: "0.00", availableBalance: "30.50" },
        ],
      }),
    );
  });

  test("repeats what was said: type, description, reference, value date, metadata", async () => {
    const said = {
      type: "fee",
      description: 'Überweisung "quoted" \\ {1,2} NULL',
      reference: "RF18 5390",
      valueDate: "2024-02-29",
      metadata: { b: "2", a: "1", __proto_: "x", constructor: "y" },
    };
    const payer = await bank.aFundedAccount("1.00");
    const { status, body } = await bank.transfer(aTransfer(payer, await bank.anAccount({ type: "fee" }), "1", said));
    expect(status).toBe(200);
    expect(body).toMatchObject(said);
  });
});

describe("the books", () => {
  test("money leaves one account and arrives at the other, numbered along both", async () => {
    const payer = await bank.aFundedAccount("100.00");
    const payee = await bank.aFundedAccount("5.00");
    const { body } = await bank.transfer(aTransfer(payer, payee, "0.01"));
    expect(await bank.account(payer.id)).toMatchObject({ balance: "99.99", heldAmount: "0.00", availableBalance: "99.99", version: 3 });
    expect(await bank.account(payee.id)).toMatchObject({ balance: "5.01", heldAmount: "0.00", availableBalance: "5.01", version: 3 });
    expect(stands(body).map(({ accountSequence }) => accountSequence)).toEqual([2, 2]);
    expect(await bank.unbalanced()).toEqual([]);
  });

  test("a debit raises an asset and lowers a liability; a credit the other way round", async () => {
    const settlement = await bank.anAccount({ type: "settlement" });
    const clearing = await bank.anAccount({ type: "clearing" });
    const { body } = await bank.transfer(aTransfer(settlement, clearing, "10.00"));
    expect(stands(body).map(({ balance }) => balance)).toEqual(["10.00", "10.00"]);
    const back = await bank.transfer(aTransfer(clearing, settlement, "25.00"));
    expect(stands(back.body).map(({ balance }) => balance)).toEqual(["-15.00", "-15.00"]);
    expect(await bank.account(settlement.id)).toMatchObject({ balance: "-15.00", availableBalance: "-15.00", category: "asset" });
  });

  test("the last cent can be spent, and one more cannot", async () => {
    const payer = await bank.aFundedAccount("10.00");
    const payee = await bank.anAccount();
    expect((await bank.transfer(aTransfer(payer, payee, "10.01"))).body).toMatchObject({ code: "insufficientFunds" });
    expect((await bank.transfer(aTransfer(payer, payee, "10.00"))).status).toBe(200);
    expect((await bank.transfer(aTransfer(payer, payee, "0.01"))).body).toMatchObject({ code: "insufficientFunds", available: "0.00" });
    expect(await bank.account(payer.id)).toMatchObject({ balance: "0.00" });
  });

  test("a reserve account is guarded as a client's is, and no other type is", async () => {
    const payee = await bank.anAccount();
    for (const type of ["treasury", "fee", "reserve", "clearing", "settlement", "fxPosition", "suspense"]) {
      const { status } = await bank.transfer(aTransfer(await bank.anAccount({ type }), payee, "1.00"));
      expect([type, status]).toEqual([type, type === "reserve" ? 409 : 200]);
    }
  });

  test("a credit limit can be used to its last cent, the first time by one of two at once", async () => {
    const payee = await bank.anAccount();
    for (let round = 0; round < 20; round++) {
      const payer = await bank.aClientAccount();
      await bank.owner.query("update general_ledger.account set floor_minor = -5000 where id = $1", [payer.id]);
      const answers = await Promise.all([1, 2].map(() => bank.transfer(aTransfer(payer, payee, "50.00"))));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: "insufficientFunds", available: "0.00" });
      expect(await bank.account(payer.id)).toMatchObject({ balance: "-50.00", availableBalance: "-50.00", creditLimit: "50.00" });
    }
  });

  test("twenty debits of 60 from 100 at once: one succeeds, every time", async () => {
    const payee = await bank.anAccount();
    for (let round = 0; round < 20; round++) {
      const payer = await bank.aFundedAccount("100.00");
      const answers = await Promise.all(Array.from({ length: 20 }, () => bank.transfer(aTransfer(payer, payee, "60.00"))));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
        expect([status, body["code"], body["available"]]).toEqual([409, "insufficientFunds", "40.00"]);
      }
    }
  });

  test("a thousand debits of one cent against five euros: five hundred succeed and nothing is left", async () => {
    const payer = await bank.aFundedAccount("5.00");
    const payees = await Promise.all(Array.from({ length: 7 }, () => bank.anAccount()));
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => bank.transfer(aTransfer(payer, payees[i % 7] ?? payer, "0.01"))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(500);
    expect(answers.filter(({ body }) => body["code"] === "insufficientFunds")).toHaveLength(500);
    expect(await bank.account(payer.id)).toMatchObject({ balance: "0.00", availableBalance: "0.00", version: 502 });
    expect(await bank.unbalanced()).toEqual([]);
  });

  test("sequences are numbered in the order of the answers, without a gap", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const sequences: number[] = [];
    for (let i = 0; i < 5; i++) sequences.push((await bank.transfer(aTransfer(payer, payee, "1"))).body["sequence"] as number);
    await bank.transfer(aTransfer(payer, { ...payee, id: NOBODY }, "1"));
    sequences.push((await bank.transfer(aTransfer(payer, payee, "1"))).body["sequence"] as number);
    const [first = 0] = sequences;
    expect(sequences).toEqual([0, 1, 2, 3, 4, 5].map((place) => first + place));
  });
});

describe("several lines", () => {
  test("are booked together, each account's figures being those after the last line", async () => {
    const payer = await bank.aFundedAccount("100.00");
    const [payee, fees] = [await bank.aClientAccount(), await bank.anAccount({ type: "fee" })];
    const lines = [
      aLine(payer, payee, "40.00", { type: "transfer", description: "Rent" }),
      aLine(payer, fees, "1.50", { type: "fee" }),
      aLine(payee, fees, "0.50"),
    ];
    const { status, body } = await bank.transfer({
      externalId: unique("lines"),
      type: "withdrawal",
      transactions: lines,
      description: "All",
    });
    expect(status).toBe(200);
    expect(body["transactions"]).toMatchObject([
      { amount: "40.00", type: "transfer", description: "Rent", state: "posted" },
      { amount: "1.50", type: "fee", description: null },
      { amount: "0.50", type: "withdrawal", description: null },
    ]);
    expect(stands(body)).toEqual([
      { accountId: payer.id, accountSequence: 3, balance: "58.50", heldAmount: "0.00", availableBalance: "58.50" },
      { accountId: payee.id, accountSequence: 2, balance: "39.50", heldAmount: "0.00", availableBalance: "39.50" },
      { accountId: fees.id, accountSequence: 2, balance: "2.00", heldAmount: "0.00", availableBalance: "2.00" },
    ]);
    expect(await bank.unbalanced()).toEqual([]);
  });

  test("may be in several currencies, each balanced by itself", async () => {
    const eur = await bank.aFundedAccount("100.00");
    const [eurPosition, jpyPosition] = [
      await bank.anAccount({ type: "fxPosition" }),
      await bank.anAccount({ type: "fxPosition", currency: "JPY" }),
    ];
    const jpy = await bank.aClientAccount({ currency: "JPY" });
    const transactions = [aLine(eur, eurPosition, "10"), aLine(jpyPosition, jpy, "1600")];
    const { body } = await bank.transfer({ externalId: unique("fx"), type: "foreignExchange", transactions });
    expect(stands(body).map(({ balance }) => balance)).toEqual(["90.00", "10.00", "-1600", "1600"]);
    expect(await bank.unbalanced()).toEqual([]);
  });

  test("are judged together: money that comes in by a later line can be spent by an earlier one", async () => {
    const [source, payer, payee] = [await bank.anAccount(), await bank.aClientAccount(), await bank.anAccount()];
    const transactions = [aLine(payer, payee, "10"), aLine(source, payer, "10")];
    expect((await bank.transfer({ externalId: unique("order"), transactions })).status).toBe(200);
    const short = [aLine(payer, payee, "10"), aLine(source, payer, "9.99")];
    const refused = await bank.transfer({ externalId: unique("order"), transactions: short });
    expect(refused.body).toMatchObject({
      code: "insufficientFunds",
      accountId: payer.id,
      available: "0.00",
      required: "0.01",
      currency: "EUR",
    });
  });

  test.each([1, 25, 50])("fifty of them are refused whole when the one at place %i fails", async (place) => {
    const [source, good] = [await bank.anAccount(), await bank.anAccount({ type: "clearing" })];
    const [poor, dollars, blocked] = [await bank.aClientAccount(), await bank.anAccount({ currency: "USD" }), await bank.anAccount()];
    await bank.owner.query("update general_ledger.account set debit_blocked = true where id = $1", [blocked.id]);
    const bad: readonly [Record<string, unknown>, object][] = [
      [aLine(poor, good, "1"), { code: "insufficientFunds", accountId: poor.id }],
      [aLine(blocked, good, "1"), { code: "accountBlocked", accountId: blocked.id }],
      [aLine(source, { ...dollars, currency: "EUR" }, "1"), { code: "currencyMismatch", accountId: dollars.id }],
    ];
    for (const [line, problem] of bad) {
      const transactions = Array.from({ length: 50 }, (_, i) => (i === place - 1 ? line : aLine(source, good, "1")));
      const order = { externalId: unique("fifty"), transactions };
      expect((await bank.transfer(order)).body).toMatchObject({ status: 409, ...problem });
      await expectUntouched(order, good, source);
    }
    const transactions = Array.from({ length: 50 }, () => aLine(source, good, "1"));
    expect(stands((await bank.transfer({ externalId: unique("fifty"), transactions })).body)[1]).toMatchObject({
      accountSequence: 50,
      balance: "50.00",
    });
  });
});

describe("a field that is wrong is named", () => {
  const faults: readonly [string, unknown, string][] = [
    ["externalId", undefined, "externalId"],
    ["externalId", "", "externalId"],
    ["externalId", "x".repeat(101), "externalId"],
    ["externalId", 5, "externalId"],
    ["type", "Transfer", "type"],
    ["type", "gift", "type"],
    ["debitAccountId", undefined, "debitAccountId"],
    ["debitAccountId", null, "debitAccountId"],
    ["debitAccountId", "1", "debitAccountId"],
    ["creditAccountId", undefined, "creditAccountId"],
    ["creditAccountId", NOBODY.replaceAll("-", ""), "creditAccountId"],
    ["amount", undefined, "amount"],
    ["currency", undefined, "currency"],
    ["currency", "eur", "currency"],
    ["currency", "EUR ", "currency"],
    ["currency", "€", "currency"],
    ["currency", "XXX", "currency"],
    ["currency", "BTC", "currency"],
    ["description", "x".repeat(501), "description"],
    ["reference", "x".repeat(141), "reference"],
    ["valueDate", "2023-02-30", "valueDate"],
    ["valueDate", "2023-02-28T00:00:00Z", "valueDate"],
    ["metadata", "text", "metadata"],
    ["metadata", { "a b": "x" }, "metadata"],
    ["metadata", { ["k".repeat(41)]: "x" }, "metadata"],
    ["metadata", { "": "x" }, "metadata"],
    ["metadata", { key: "x".repeat(501) }, "metadata.key"],
    ["metadata", { key: 1 }, "metadata.key"],
    ["metadata", { key: null }, "metadata.key"],
    ["metadata", Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, "x"])), "metadata"],
    ["transactions", [], "transactions"],
    ["unknown", 1, "unknown"],
    ["state", "posted", "state"],
    ["sequence", 1, "sequence"],
    ["clientId", NOBODY, "clientId"],
    ["createdAt", "2026-01-01T00:00:00Z", "createdAt"],
    ["__proto", {}, "__proto"],
  ];
  test.each(faults)("%s = %j", async (field, value, errorAt) => {
    const [payer, payee] = await pair();
    const order = withField(aTransfer(payer, payee, "1.00"), field, value);
    const { status, body } = await bank.transfer(order);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "validationFailed", instance: PATH });
    expect(Object.keys(body["errors"] as object)).toEqual([errorAt]);
  });

  const kept: readonly [string, unknown][] = [
    ["externalId", "x"],
    ["externalId", `${unique("x")} ÄÖ'"\\{}`.padEnd(100, "é")],
    ["description", "x".repeat(500)],
    ["description", ""],
    ["reference", "x".repeat(140)],
    ["valueDate", "0001-01-01"],
    ["valueDate", "9999-12-31"],
    ["metadata", { ["k".repeat(40)]: "x".repeat(500) }],
    ["metadata", { 2: "two", 1: "one", "-": "", constructor: "c", toString: "t" }],
    ["metadata", Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, `${i}`]))],
  ];
  test.each(kept)("at its edge it is taken and read back: %s = %j", async (field, value) => {
    const [payer, payee] = await pair();
    const answer = await bank.transfer(withField(aTransfer(payer, payee, "1.00"), field, value));
    expect(answer.text).toContain(`"state":"posted"`);
    expect(answer.body[field]).toEqual(value);
    expect((await bank.system.get(`/v2/internal/Payments/${String(answer.body["id"])}`)).text).toBe(answer.text);
  });

  test("null is the same as not given, for every optional field", async () => {
    const [payer, payee] = await pair();
    const nothing = { type: null, transactions: null, description: null, reference: null, valueDate: null, metadata: null };
    const { body } = await bank.transfer(aTransfer(payer, payee, "1.00", nothing));
    expect(body).toMatchObject({ state: "posted", type: "transfer", description: null, reference: null, metadata: {} });
  });

  test("all faults are told at once, each line's by its place", async () => {
    const [payer, payee] = await pair();
    const transactions = [
      aLine(payer, payee, "1"),
      aLine(payer, payer, "0.001", { currency: "EUR" }),
      aLine(payer, payee, "0", { currency: "ABC" }),
    ];
    const { body } = await bank.transfer({ externalId: unique("all"), transactions, amount: "1", currency: "EUR" });
    expect(Object.keys(body["errors"] as object).sort()).toEqual([
      "amount",
      "currency",
      "transactions.1.amount",
      "transactions.1.creditAccountId",
      "transactions.2.currency",
    ]);
  });

  test("51 lines are too many, and a line takes no unknown member", async () => {
    const [payer, payee] = await pair();
    const many = await bank.transfer({
      externalId: unique("51"),
      transactions: Array.from({ length: 51 }, () => aLine(payer, payee, "1")),
    });
    expect(Object.keys(many.body["errors"] as object)).toEqual(["transactions"]);
    const more = await bank.transfer({ externalId: unique("more"), transactions: [aLine(payer, payee, "1", { state: "posted" })] });
    expect(Object.keys(more.body["errors"] as object)).toEqual(["transactions.0.state"]);
  });

  test("debit and credit account must differ, in any letter case", async () => {
    const [payer] = await pair();
    const { body } = await bank.transfer(aTransfer(payer, { ...payer, id: payer.id.toUpperCase() }, "1.00"));
    expect(body["errors"]).toEqual({ creditAccountId: ["The field must differ from debitAccountId."] });
  });

  let known: [TestAccount, TestAccount] | undefined;
  async function pair(): Promise<[TestAccount, TestAccount]> {
    known ??= [await bank.anAccount(), await bank.anAccount()];
    return known;
  }
});

describe("refusals name the account and the figures, and leave nothing behind", () => {
  test("insufficientFunds: what there is, what is needed", async () => {
    const [payer, payee] = [await bank.aFundedAccount("30.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "60.00");
    const { status, body, headers } = await bank.transfer(order);
    expect(status).toBe(409);
    expect(headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(body).toEqual({
      type: "https://tools.ietf.org/html/rfc9110#section-15.5.10",
      title: "The available balance is too low.",
      status: 409,
      detail: null,
      instance: PATH,
      traceId: headers["traceparent"],
      code: "insufficientFunds",
      accountId: payer.id,
      available: "30.00",
      required: "60.00",
      currency: "EUR",
    });
    await expectUntouched(order, payer, payee);
  });

  test("currencyMismatch: the account that is in another currency", async () => {
    const [euros, dollars] = [await bank.aFundedAccount("10.00"), await bank.anAccount({ currency: "USD" })];
    for (const order of [aTransfer(euros, dollars, "1.00"), aTransfer(dollars, euros, "1.00", { currency: "EUR" })]) {
      const { status, body } = await bank.transfer(order);
      expect([status, body["code"], body["accountId"]]).toEqual([409, "currencyMismatch", dollars.id]);
      await expectUntouched(order, euros, dollars);
    }
    const neither = await bank.transfer(aTransfer(euros, dollars, "1.00", { currency: "GBP" }));
    expect([neither.status, neither.body["code"], neither.body["accountId"]]).toEqual([409, "currencyMismatch", euros.id]);
  });

  test.each([
    ["accountClosed", "status = 'closed'", true, true],
    ["accountNotActive", "status = 'pending'", true, true],
    ["accountBlocked", "status = 'blocked'", true, true],
    ["accountBlocked", "debit_blocked = true", true, false],
    ["accountBlocked", "credit_blocked = true", false, true],
  ])("%s: an account with %s", async (code, change, refusesDebit, refusesCredit) => {
    const [other, account] = [await bank.anAccount(), await bank.anAccount()];
    await bank.owner.query(`update general_ledger.account set ${change} where id = $1`, [account.id]);
    const tries = [
      { order: aTransfer(account, other, "1.00"), isRefused: refusesDebit },
      { order: aTransfer(other, account, "1.00"), isRefused: refusesCredit },
    ];
    for (const { order, isRefused } of tries.sort((a, b) => Number(b.isRefused) - Number(a.isRefused))) {
      const { status, body } = await bank.transfer(order);
      expect([status, body["code"], body["accountId"]]).toEqual(isRefused ? [409, code, account.id] : [200, undefined, undefined]);
      if (isRefused) await expectUntouched(order, other);
    }
  });

  test("limitExceeded: a balance that would leave the books' bounds, to the unit", async () => {
    const [full, other] = [await bank.anAccount({ type: "clearing" }), await bank.anAccount({ type: "clearing" })];
    const setBalance = (minor: string) =>
      bank.owner.query("update general_ledger.account set balance_minor = $2 where id = $1", [full.id, minor]);
    await setBalance("8999999999999999999");
    const order = aTransfer(other, full, "0.02");
    expect((await bank.transfer(order)).body).toMatchObject({ status: 409, code: "limitExceeded", accountId: full.id });
    expect(stands((await bank.transfer(aTransfer(other, full, "0.01"))).body)[1]).toMatchObject({ balance: "90000000000000000.00" });
    await setBalance("-8999999999999999999");
    expect((await bank.transfer(aTransfer(full, other, "0.02"))).body).toMatchObject({
      status: 409,
      code: "limitExceeded",
      accountId: full.id,
    });
    expect(stands((await bank.transfer(aTransfer(full, other, "0.01"))).body)[0]).toMatchObject({ balance: "-90000000000000000.00" });
    await setBalance("0");
  });

  test("notFound: an account that does not exist", async () => {
    const account = await bank.anAccount();
    for (const order of [aTransfer(account, { ...account, id: NOBODY }, "1.00"), aTransfer({ ...account, id: NOBODY }, account, "1.00")]) {
      const { status, body } = await bank.transfer(order);
      expect([status, body["code"], body["accountId"]]).toEqual([404, "notFound", NOBODY]);
      await expectUntouched(order, account);
    }
  });
});
