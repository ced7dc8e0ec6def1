// Operation 41 sent more than once: what a key and an externalId promise (contract decision 2).

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique, withField } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PATH = "/v2/internal/Payments/transfer";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const keyed = (key: string): Record<string, string> => ({ "idempotency-key": key });
const isReplay = (answer: TestAnswer): boolean => answer.headers["idempotency-replayed"] === "true";

/** The second answer is the first one again, to the byte. */
function expectReplay(first: TestAnswer, again: TestAnswer): void {
  expect(again.text).toBe(first.text);
  expect(again.status).toBe(first.status);
  expect(again.headers["content-type"]).toBe(first.headers["content-type"]);
  expect([isReplay(first), isReplay(again)]).toEqual([false, true]);
}

describe("the same key with the same body", () => {
  test("answers the same bytes again and moves nothing, also when the accounts have moved on", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
    const order = aTransfer(payer, payee, "30.00", { metadata: { z: "1", a: "2", 10: "x", 9: "y" }, description: "Dinner" });
    const key = keyed(unique("key"));
    const first = await bank.transfer(order, key);
    await bank.transfer(aTransfer(payer, payee, "1.00"));
    expectReplay(first, await bank.transfer(order, key));
    expectReplay(first, await bank.transfer(order, key));
    expect(await bank.account(payer.id)).toMatchObject({ balance: "69.00" });
  });

  test.each<[string, (body: Record<string, unknown>) => string]>([
    ["the order of its members", (body) => JSON.stringify(Object.fromEntries(Object.entries(body).reverse()))],
    ["white space", (body) => JSON.stringify(body, null, "\t\r\n ")],
    ["zeros of an amount", (body) => JSON.stringify({ ...body, amount: "1.000" })],
    ["an amount as a number", (body) => JSON.stringify({ ...body, amount: "#" }).replace('"#"', "1.0")],
    ["an amount with an exponent", (body) => JSON.stringify({ ...body, amount: "#" }).replace('"#"', "10e-1")],
    ["null for what is absent", (body) => JSON.stringify({ ...body, reference: null, metadata: null, transactions: null })],
    ["letter case of ids", (body) => JSON.stringify({ ...body, debitAccountId: String(body["debitAccountId"]).toUpperCase() })],
    ["escapes", (body) => JSON.stringify(body).replace("transfer", "\\u0074ransfer")],
  ])("is the same whatever %s", async (_, rewrite) => {
    const [payer, payee] = await pair();
    const order = aTransfer(payer, payee, "1", { type: "transfer" });
    const key = keyed(unique("key"));
    expectReplay(await bank.transfer(order, key), await bank.transfer(rewrite(order), key));
  });

  test("is the same key quoted or bare, and with blanks around it", async () => {
    const [payer, payee] = await pair();
    const order = aTransfer(payer, payee, "1");
    const key = unique("key");
    const first = await bank.transfer(order, keyed(key));
    for (const form of [`"${key}"`, ` ${key} `, `  "${key}"`]) expectReplay(first, await bank.transfer(order, keyed(form)));
  });

  test("sent two hundred times at once has one effect and one answer", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "0.40");
    const key = keyed(unique("key"));
    const answers = await Promise.all(Array.from({ length: 200 }, () => bank.transfer(order, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter((answer) => !isReplay(answer))).toHaveLength(1);
    expect(await bank.account(payer.id)).toMatchObject({ balance: "99.60" });
  });

  test("refused two hundred times at once, it is one refusal", async () => {
    const [payer, payee] = [await bank.aFundedAccount("1.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.01");
    const key = keyed(unique("key"));
    const answers = await Promise.all(Array.from({ length: 200 }, () => bank.transfer(order, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter((answer) => !isReplay(answer))).toHaveLength(1);
    expect(answers[0]).toMatchObject({ status: 409, body: { code: "insufficientFunds" } });
  });
});

describe("after a refusal", () => {
  test("the key repeats it, figures and all, even when the money has come", async () => {
    const [payer, payee] = [await bank.aFundedAccount("1.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "5.00");
    const key = keyed(unique("key"));
    const first = await bank.transfer(order, key);
    expect(first).toMatchObject({ status: 409, body: { code: "insufficientFunds", available: "1.00", required: "5.00" } });
    await bank.transfer(aTransfer(payee, payer, "10.00"));
    expectReplay(first, await bank.transfer(order, key));
    expect(await bank.account(payer.id)).toMatchObject({ balance: "11.00" });

    // A new key is a new try; the externalId is free, since only an accepted command occupies it.
    expect((await bank.transfer(order, keyed(unique("key")))).status).toBe(200);
    expectReplay(first, await bank.transfer(order, key));
  });

  test.each([
    ["accountBlocked", "debit_blocked = true", "debit_blocked = false"],
    ["accountClosed", "status = 'closed'", "status = 'active'"],
    ["accountNotActive", "status = 'pending'", "status = 'active'"],
  ])("%s is repeated under its key when the account has changed", async (code, bad, good) => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const order = aTransfer(payer, payee, "5.00");
    const key = keyed(unique("key"));
    await bank.owner.query(`update general_ledger.account set ${bad} where id = $1`, [payer.id]);
    const first = await bank.transfer(order, key);
    expect(first.body).toMatchObject({ status: 409, code, accountId: payer.id });
    await bank.owner.query(`update general_ledger.account set ${good} where id = $1`, [payer.id]);
    expectReplay(first, await bank.transfer(order, key));
    expect((await bank.transfer(order)).status).toBe(200);
  });

  test("currencyMismatch and duplicateExternalId are repeated too", async () => {
    const [payer, payee] = await pair();
    const taken = aTransfer(payer, payee, "1");
    expect((await bank.transfer(taken)).status).toBe(200);
    for (const [order, code] of [
      [aTransfer(payer, payee, "1", { currency: "USD" }), "currencyMismatch"],
      [{ ...taken, amount: "2" }, "duplicateExternalId"],
    ] as const) {
      const key = keyed(unique("key"));
      const first = await bank.transfer(order, key);
      expect(first.body).toMatchObject({ status: 409, code });
      expectReplay(first, await bank.transfer(order, key));
    }
  });

  test("400, 401, 403, 404, 413 and 415 leave no trace under the key", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    const key = keyed(unique("key"));
    const reader = bank.callAs({ kind: "system", scopes: ["ledger.read"] });
    const before = [
      await bank.transfer({ ...order, amount: "0" }, key),
      await bank.transfer("{", key),
      await bank.transfer({ ...order, debitAccountId: NOBODY }, key),
      await bank.callAs(null).post(PATH, order, key),
      await reader.post(PATH, order, key),
      await bank.transfer(" ".repeat(2 ** 20 + 1), key),
      await bank.transfer(order, { ...key, "content-type": "text/plain" }),
    ];
    expect(before.map(({ status }) => status)).toEqual([400, 400, 404, 401, 403, 413, 415]);
    const accepted = await bank.transfer(order, key);
    expect([accepted.status, isReplay(accepted)]).toEqual([200, false]);
  });
});

describe("the same key for something else is 422 idempotencyKeyReused", () => {
  const expectReused = ({ status, body }: TestAnswer): void => expect([status, body["code"]]).toEqual([422, "idempotencyKeyReused"]);

  test("another amount, payee, externalId, text", async () => {
    const [payer, payee] = await pair();
    const order = aTransfer(payer, payee, "1.00");
    const key = keyed(unique("key"));
    const first = await bank.transfer(order, key);
    const before = await bank.account(payer.id);
    const changes: [string, unknown][] = [
      ["amount", "1.01"],
      ["creditAccountId", (await bank.anAccount()).id],
      ["externalId", unique("other")],
      ["description", "x"],
      ["metadata", { a: "b" }],
      ["valueDate", "2026-01-01"],
      ["type", "transfer"],
    ];
    for (const [field, value] of changes) expectReused(await bank.transfer(withField(order, field, value), key));
    expect(await bank.account(payer.id)).toEqual(before);
    expectReplay(first, await bank.transfer(order, key));
  });

  test("a default that was left out before and is said now, in the query, too", async () => {
    const [payer, payee] = await pair();
    const [order, key] = [aTransfer(payer, payee, "1.00"), keyed(unique("key"))];
    const first = await bank.transfer(order, key);
    expectReused(await bank.system.post(`${PATH}?dryRun=false`, order, key));
    expectReused(await bank.transfer({ ...order, type: "transfer" }, key));
    expectReplay(first, await bank.transfer(order, key));
    const [list, listKey] = [{ payments: [aTransfer(payer, payee, "1.00")] }, keyed(unique("key"))];
    bodyOf(await bank.system.post("/v2/internal/Payments/batch", list, listKey));
    expectReused(await bank.system.post("/v2/internal/Payments/batch", { ...list, atomic: false }, listKey));
  });

  test("another body after a refusal", async () => {
    const [payer, payee] = [await bank.aClientAccount(), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    const key = keyed(unique("key"));
    const first = await bank.transfer(order, key);
    expectReused(await bank.transfer({ ...order, amount: "0.01" }, key));
    expectReplay(first, await bank.transfer(order, key));
  });

  test("another route, both ways round", async () => {
    const [payer, payee] = await pair();
    const transferKey = keyed(unique("key"));
    const accountKey = keyed(unique("key"));
    const order = { type: "fee", currency: "EUR" };
    bodyOf(await bank.transfer(aTransfer(payer, payee, "1"), transferKey));
    bodyOf(await bank.system.post("/v2/internal/Accounts", order, accountKey));
    expectReused(await bank.system.post("/v2/internal/Accounts", order, transferKey));
    expectReused(await bank.transfer(aTransfer(payer, payee, "1"), accountKey));
    for (const atomic of [false, true]) {
      const batch = { payments: [aTransfer(payer, payee, "1")], atomic };
      expectReused(await bank.system.post("/v2/internal/Payments/batch", batch, transferKey));
      const batchKey = keyed(unique("key"));
      bodyOf(await bank.system.post("/v2/internal/Payments/batch", batch, batchKey));
      expectReused(await bank.transfer(aTransfer(payer, payee, "1"), batchKey));
      expectReused(await bank.system.post("/v2/internal/Accounts", order, batchKey));
    }
  });

  test("while the first is still running", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    const key = keyed(unique("key"));
    await bank.owner.query("begin");
    await bank.owner.query("select from general_ledger.account where id = $1 for update", [payer.id]);
    const running = bank.transfer(order, key);
    expectReused(await bank.transfer({ ...order, amount: "2.00" }, key));
    await bank.owner.query("commit");
    expect((await running).status).toBe(200);
  });
});

describe("whose key it is", () => {
  test("each subject and each tenant has keys of its own", async () => {
    const key = keyed(unique("key"));
    const answers = [];
    for (const calls of [bank.system, bank.systemOf("north", "robot"), bank.systemOf("north", "other"), bank.systemOf("south", "robot")]) {
      const order = { type: "fee", currency: "EUR" };
      const [a, b] = [bodyOf(await calls.post("/v2/internal/Accounts", order)), bodyOf(await calls.post("/v2/internal/Accounts", order))];
      answers.push(await calls.post(PATH, aTransfer(a as TestAccount, b as TestAccount, "1"), key));
    }
    expect(answers.map((answer) => [answer.status, isReplay(answer)])).toEqual(Array.from({ length: 4 }, () => [200, false]));
  });

  test.each([
    ["empty", ""],
    ["two quotes", '""'],
    ["101 characters", "k".repeat(101)],
    ["a control character", "a\u0001b"],
    ["beyond ASCII", "schlüssel"],
  ])("a key that is %s is 400", async (_, key) => {
    const [payer, payee] = await pair();
    const { status, body } = await bank.transfer(aTransfer(payer, payee, "1"), keyed(key));
    expect([status, Object.keys(body["errors"] ?? {})]).toEqual([400, ["Idempotency-Key"]]);
  });

  test("a key of 100 printable characters is taken, with any of them", async () => {
    const [payer, payee] = await pair();
    const order = aTransfer(payer, payee, "1");
    const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
    const key = keyed(`x${printable}yyyy`);
    expectReplay(await bank.transfer(order, key), await bank.transfer(order, key));
  });
});

describe("the same externalId without a key", () => {
  test("with the same content is the same payment again", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00", { metadata: { b: "1", a: "2" } });
    const first = await bank.transfer(order);
    expectReplay(first, await bank.transfer(order));
    expectReplay(first, await bank.transfer({ ...order, metadata: { a: "2", b: "1" }, amount: "1", type: "transfer" }));
    expectReplay(first, await bank.transfer(order, keyed(unique("key"))));
    expect(await bank.account(payer.id)).toMatchObject({ balance: "9.00" });
  });

  test("as one line in its own fields or as a list of one line, it is the same content", async () => {
    const [payer, payee] = await pair();
    const externalId = unique("payment");
    const first = await bank.transfer(aTransfer(payer, payee, "1.00", { externalId }));
    expectReplay(first, await bank.transfer({ externalId, transactions: [aLine(payer, payee, "1.00")] }));
  });

  test("with other content is 409 duplicateExternalId, and nothing moves", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    bodyOf(await bank.transfer(order));
    const changes: [string, unknown][] = [
      ["amount", "1.01"],
      ["creditAccountId", (await bank.anAccount()).id],
      ["type", "fee"],
      ["description", ""],
      ["reference", "x"],
      ["metadata", { a: "" }],
      ["valueDate", "2026-01-01"],
    ];
    for (const [field, value] of changes) {
      const { status, body } = await bank.transfer(withField(order, field, value));
      expect([field, status, body["code"]]).toEqual([field, 409, "duplicateExternalId"]);
      expect(body["errors"]).toEqual({ externalId: ["The value is in use."] });
    }
    expect(await bank.account(payer.id)).toMatchObject({ balance: "9.00" });
  });

  test("a hundred times at once is one payment; with two contents at once, one of them", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    const same = await Promise.all(Array.from({ length: 100 }, () => bank.transfer(order)));
    expect(new Set(same.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(same.filter((answer) => !isReplay(answer))).toHaveLength(1);

    const others = Array.from({ length: 100 }, (_, i) => aTransfer(payer, payee, `2.${i % 2}`, { externalId: "two-contents" }));
    const mixed = await Promise.all(others.map((body) => bank.transfer(body)));
    expect(mixed.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(mixed.filter(({ body }) => body["code"] === "duplicateExternalId")).toHaveLength(50);
    expect(mixed.filter((answer) => answer.status === 200 && !isReplay(answer))).toHaveLength(1);
    expect((await bank.account(payer.id)).balance).toMatch(/^9[67]\./);
  });

  test("belongs to the tenant: another one may use it for something else", async () => {
    const externalId = unique("shared");
    const seen = new Set<unknown>();
    for (const tenant of ["north", "south"]) {
      const calls = bank.systemOf(tenant);
      const [a, b] = [
        bodyOf(await calls.post("/v2/internal/Accounts", { type: "fee", currency: "EUR" })),
        bodyOf(await calls.post("/v2/internal/Accounts", { type: "fee", currency: "EUR" })),
      ];
      const answer = await calls.post(PATH, aTransfer(a as TestAccount, b as TestAccount, "1", { externalId }));
      seen.add(bodyOf(answer)["id"]);
      const listed = await calls.get(`/v2/internal/Payments?externalId=${externalId}`);
      expect((listed.body["items"] as { id: string }[]).map(({ id }) => id)).toEqual([answer.body["id"]]);
    }
    expect(seen.size).toBe(2);
  });
});

let known: [TestAccount, TestAccount] | undefined;
async function pair(): Promise<[TestAccount, TestAccount]> {
  known ??= [await bank.anAccount(), await bank.anAccount()];
  return known;
}
