// Operation 41's amounts: every text a caller may think of is stored as exactly its mathematical value or refused, never rounded and
// never another value; a JSON number is judged on its own text, as a string is.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const AMOUNT = "«amount»";

let bank: LedgerApp;
const accounts = new Map<string, readonly [TestAccount, TestAccount]>();
beforeAll(async () => {
  bank = await openLedgerApp();
  for (const currency of ["EUR", "JPY", "KWD"])
    accounts.set(currency, [await bank.anAccount({ currency }), await bank.anAccount({ currency })]);
});
afterAll(() => bank.close());

/** Sends the transfer with the amount written as it stands, once in its own fields and once in a list of lines and in a batch. */
async function send(raw: string, currency = "EUR"): Promise<readonly TestAnswer[]> {
  const [payer, payee] = accounts.get(currency) ?? expect.fail(`no accounts in ${currency}`);
  const single = aTransfer(payer, payee, AMOUNT);
  const lines = { externalId: unique("payment"), transactions: [aLine(payer, payee, AMOUNT)] };
  const texts = [single, lines].map((body) => JSON.stringify(body).replace(`"${AMOUNT}"`, raw));
  return await Promise.all(texts.map((text) => bank.transfer(text)));
}

async function expectStored(raw: string, stored: string, currency = "EUR"): Promise<void> {
  for (const { status, body, text } of await send(raw, currency)) {
    expect(status, text).toBe(200);
    const [line] = body["transactions"] as { amount: string }[];
    expect(line?.amount).toBe(stored);
    const read = await bank.system.get(`/v2/internal/Payments/${String(body["id"])}`);
    expect(read.text).toBe(text);
  }
}

async function expectRefused(raw: string, currency = "EUR"): Promise<void> {
  for (const { status, body, text } of await send(raw, currency)) {
    expect(status, text).toBe(400);
    expect(["validationFailed", "malformedRequest"]).toContain(body["code"]);
    if (body["code"] === "validationFailed") expect(Object.keys(body["errors"] as object)[0]).toMatch(/^(transactions\.0\.)?amount$/);
  }
}

const quoted = (text: string): string => JSON.stringify(text);

describe("stored exactly", () => {
  test.each([
    ["1", "1.00"],
    ["1.0", "1.00"],
    ["1.00", "1.00"],
    ["1.000", "1.00"],
    ["10.5", "10.50"],
    ["0.01", "0.01"],
    ["0.10", "0.10"],
    ["90071992547409.93", undefined],
    ["9999999999999.99", "9999999999999.99"],
    ["10000000000000.00", "10000000000000.00"],
    ["10000000000000", "10000000000000.00"],
  ])("%s EUR, as a number and as a string", async (text, stored) => {
    if (stored === undefined) {
      // 2^53 + 1 minor units: beyond the limit of 10^15, so it must be refused, and not become its neighbour.
      await expectRefused(text);
      await expectRefused(quoted(text));
      return;
    }
    await expectStored(text, stored);
    await expectStored(quoted(text), stored);
  });

  test.each([
    ["JPY", "1", "1"],
    ["JPY", "1.0", "1"],
    ["JPY", "1000000000000000", "1000000000000000"],
    ["KWD", "0.001", "0.001"],
    ["KWD", "1.5", "1.500"],
    ["KWD", "1000000000000.000", "1000000000000.000"],
  ])("%s %s, to the currency's own digits", async (currency, text, stored) => {
    await expectStored(text, stored, currency);
    await expectStored(quoted(text), stored, currency);
  });

  test.each([
    ["1e2", "100.00"],
    ["1E2", "100.00"],
    ["1e+2", "100.00"],
    ["1e-2", "0.01"],
    ["100e-2", "1.00"],
    ["0.0001e2", "0.01"],
    ["1e13", "10000000000000.00"],
  ])("the number %s", (text, stored) => expectStored(text, stored));

  test("amounts beyond 2^53 add up to the unit on one account", async () => {
    const [source, target] = [await bank.anAccount({ type: "clearing" }), await bank.anAccount({ type: "clearing" })];
    const parts = ["10000000000000.00", "9999999999999.99", "0.01", "9007199254740.93"];
    for (let round = 0; round < 3; round++) {
      for (const part of parts) expect((await bank.transfer(aTransfer(source, target, part))).status).toBe(200);
    }
    const total = parts.reduce((sum, part) => sum + BigInt(part.replace(".", "")), 0n) * 3n;
    const text = `${total / 100n}.${String(total % 100n).padStart(2, "0")}`;
    expect(await bank.account(target.id)).toMatchObject({ balance: text, availableBalance: text });
    expect(await bank.account(source.id)).toMatchObject({ balance: `-${text}` });
  });

  test("any amount within the limits, in any currency, comes back to the digit", { timeout: 300_000 }, async () => {
    const currencies = [...accounts.keys()];
    const digits: Record<string, number> = { EUR: 2, JPY: 0, KWD: 3 };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...currencies), fc.bigInt(1n, 10n ** 15n), fc.boolean(), async (currency, minor, asNumber) => {
        const places = digits[currency] ?? 0;
        const padded = minor.toString().padStart(places + 1, "0");
        const text = places === 0 ? padded : `${padded.slice(0, -places)}.${padded.slice(-places)}`;
        await expectStored(asNumber ? text : quoted(text), text, currency);
      }),
      { numRuns: process.env["FINLEGO_NIGHTLY"] === "1" ? 2_500 : 60 },
    );
  });
});

describe("refused", () => {
  test.each([
    "0.001",
    "1.005",
    "0.10000000000000000000001",
    "10.501",
    "99999999999999999999",
    "10000000000000.01",
    "10000000000001",
    `1${"0".repeat(100)}`,
  ])("%s EUR, as a number and as a string", async (text) => {
    await expectRefused(text);
    await expectRefused(quoted(text));
  });

  test.each([
    ["JPY", "0.5"],
    ["JPY", "1000000000000001"],
    ["KWD", "0.0001"],
    ["KWD", "1000000000000.001"],
  ])("%s %s", async (currency, text) => {
    await expectRefused(text, currency);
    await expectRefused(quoted(text), currency);
  });

  test.each(["0", "0.00", "-0", "-0.0", "-1", "-0.01", "0e5", "1e400", "1e-400", "1e-3", "-1e2", "1e9999999999"])("the number %s", (text) =>
    expectRefused(text),
  );

  const TEXTS = [
    ["-1", "+1", "−1", "-0", "0", "0.00", "1e2", "1e400", "NaN", "Infinity", "-Infinity", "nan", "inf", "null", ""],
    ["1,00", "1.000,00", "1 000", "1_000", "1'000", "0x10", "0b1", "0o7", "1n", "1/2", "1.", ".5", "01", "1.0.0", "00"],
    [" 1", "1 ", "\t1", "1\n", "\ufeff1", "1\u200b", "1\u00a0", "1\u0000"],
    ["１００", "١٠٠", "Ⅻ", "½", "1٫5", "[object Object]", "€1", "1€", "1 EUR", "true", "1".repeat(10_000)],
  ].flat();
  test.each(TEXTS)("the string %j", (text) => expectRefused(quoted(text)));

  test.each(["null", "true", "false", "[]", "[1]", '["1"]', "{}", '{"valueOf":1}', '{"toString":"1"}'])("the value %s", (text) =>
    expectRefused(text),
  );

  test.each(["01", "+1", ".5", "1.", "0x10", "NaN", "Infinity", "1_000", "1n", "--1", "1.5.5", "1e", "undefined"])(
    "the unquoted %s is no JSON",
    async (text) => {
      for (const { status, body } of await send(text)) expect([status, body["code"]]).toEqual([400, "malformedRequest"]);
    },
  );

  test("a million digits, without being read", async () => {
    for (const { status } of await send("1".repeat(1_000_000))) expect([400, 413]).toContain(status);
    for (const { status } of await send(`0.${"0".repeat(1_000_000)}1`)) expect([400, 413]).toContain(status);
  });

  test("an amount that stands twice, whichever is meant", async () => {
    for (const { status, body } of await send('"1.00","amount":"1000.00"'))
      expect([status, body["code"]]).toEqual([400, "malformedRequest"]);
  });
});

describe("a batch judges its amounts as a single transfer does", () => {
  test.each([
    ["1e2", "100.00"],
    ["0.01", "0.01"],
    ['"10.5"', "10.50"],
    ["0.001", null],
    ["-1", null],
    ["1e400", null],
    ['"1e2"', null],
    ["90071992547409.93", null],
    ["null", null],
    ["true", null],
  ])("%s", async (raw, stored) => {
    const [payer, payee] = accounts.get("EUR") ?? expect.fail();
    const payments = [aTransfer(payer, payee, AMOUNT), { externalId: unique("payment"), transactions: [aLine(payer, payee, AMOUNT)] }];
    const text = JSON.stringify({ payments }).replaceAll(`"${AMOUNT}"`, raw);
    const { status, body } = await bank.system.post("/v2/internal/Payments/batch", text);
    expect(status).toBe(200);
    const results = body["results"] as { accepted: boolean; payment?: { transactions: { amount: string }[] }; problem?: object }[];
    for (const result of results) {
      if (stored === null) expect(result).toMatchObject({ accepted: false, problem: { code: "validationFailed", status: 400 } });
      else expect(result).toMatchObject({ accepted: true, payment: { transactions: [{ amount: stored }] } });
    }
  });
});
