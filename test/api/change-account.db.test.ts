// PATCH of an account by the bank: its name, and how far below zero it may go.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const change = (id: string, body: unknown, headers?: Record<string, string>): Promise<TestAnswer> =>
  bank.system.patch(`/v2/internal/Accounts/${id}`, body, headers);
const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];
const floorOf = async (id: string): Promise<unknown> =>
  (await bank.owner.query<{ floor: bigint | null }>("select floor_minor as floor from general_ledger.account where id = $1", [id])).rows[0]
    ?.floor;

describe("a credit limit", () => {
  test("lets an account go below zero, so far and no further", async () => {
    const [account, target] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const answer = await change(account.id, { creditLimit: "5.00" });
    expect(answer.body).toMatchObject({ creditLimit: "5.00", balance: "10.00", version: 3 });
    expect(answer.body).toEqual(await bank.account(account.id));
    expect(codeOf(await bank.transfer(aTransfer(account, target, "15.01")))).toEqual([409, "insufficientFunds"]);
    expect((await bank.transfer(aTransfer(account, target, "15.00"))).status).toBe(200);
    expect(await bank.account(account.id)).toMatchObject({ balance: "-5.00", availableBalance: "-5.00" });
  });

  test("is a change with its number and a line in the audit that tells the figure", async () => {
    const account = await bank.aClientAccount({ currency: "KWD" });
    bodyOf(await change(account.id, { creditLimit: "1.250", name: "Salary" }));
    const { rows } = await bank.owner.query("select detail from platform.audit_entry where subject = $1 and action = 'account.changed'", [
      `account:${account.id}`,
    ]);
    expect(rows).toEqual([{ detail: { isRenamed: true, creditLimit: "1.250" } }]);
    const journal = await bank.owner.query(
      "select changes from general_ledger.journal where subjects = array[$1::uuid] order by first_sequence",
      [account.id],
    );
    expect(journal.rows).toEqual([{ changes: "{account.opened}" }, { changes: "{account.changed}" }]);
  });

  test("cannot be lower than what is in use of it, and the answer tells both figures", async () => {
    const account = await bank.aClientAccount();
    bodyOf(await change(account.id, { creditLimit: "100.00" }));
    bodyOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "60.00")));
    expect(await change(account.id, { creditLimit: "59.99" })).toMatchObject({
      status: 409,
      body: { code: "insufficientFunds", accountId: account.id, available: "59.99", required: "60.00", currency: "EUR" },
    });
    expect(bodyOf(await change(account.id, { creditLimit: "60.00" }))).toMatchObject({ creditLimit: "60.00" });
  });

  test("and a payment that would use it come one after the other: nothing ends below the limit", async () => {
    const target = await bank.anAccount();
    for (let round = 0; round < 8; round++) {
      const account = await bank.aClientAccount();
      bodyOf(await change(account.id, { creditLimit: "10.00" }));
      const [lowered, ...paid] = await Promise.all([
        change(account.id, { creditLimit: "4.00" }),
        ...Array.from({ length: 5 }, () => bank.transfer(aTransfer(account, target, "2.00"))),
      ]);
      const used = 2 * paid.filter(({ status }) => status === 200).length;
      expect(await bank.account(account.id)).toMatchObject({ balance: used === 0 ? "0.00" : `-${used}.00` });
      if (lowered?.status === 200) expect(used).toBeLessThanOrEqual(4);
      else expect([lowered?.body["code"], used > 4]).toEqual(["insufficientFunds", true]);
    }
  });

  test("goes up to the largest amount that one payment may move", async () => {
    const { id } = await bank.aClientAccount({ currency: "JPY" });
    expect(bodyOf(await change(id, { creditLimit: "1000000000000000" }))).toMatchObject({ creditLimit: "1000000000000000" });
    expect((await change(id, { creditLimit: "1000000000000001" })).status).toBe(400);
    expect(bodyOf(await change(id, '{"creditLimit": 5}'))).toMatchObject({ creditLimit: "5" });
  });

  test.each(["-1.00", "1.001", "1,00", "", "5 EUR"])("400 for %j", async (creditLimit) => {
    const { status, body } = await change((await bank.aClientAccount()).id, { creditLimit });
    expect([status, Object.keys(body["errors"] as object)]).toEqual([400, ["creditLimit"]]);
  });

  test("gives an account of the bank the floor that it did not have; isUnlimited takes it away", async () => {
    const account = await bank.anAccount({ type: "suspense" });
    bodyOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "3.00")));
    expect(await floorOf(account.id)).toBeNull();
    expect(codeOf(await change(account.id, { creditLimit: "2.00" }))).toEqual([409, "insufficientFunds"]);
    bodyOf(await change(account.id, { creditLimit: "3.00" }));
    expect(codeOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "0.01")))).toEqual([409, "insufficientFunds"]);
    expect(bodyOf(await change(account.id, { isUnlimited: true }))).toMatchObject({ creditLimit: "0.00", version: 4 });
    expect(await floorOf(account.id)).toBeNull();
    expect((await bank.transfer(aTransfer(account, await bank.anAccount(), "0.01"))).status).toBe(200);
  });

  test.each([
    ["the debit side has none", { type: "settlement" }, { creditLimit: "1.00" }, "creditLimit"],
    ["an expense account has none", { type: "suspense", category: "expense" }, { creditLimit: "0.00" }, "creditLimit"],
    ["a reserve always has one", { type: "reserve" }, { isUnlimited: true }, "isUnlimited"],
    ["it is a figure or none", { type: "fee" }, { isUnlimited: true, creditLimit: "1.00" }, "creditLimit"],
    ["something must change", { type: "fee" }, {}, "$"],
    ["null is as not given", { type: "fee" }, { name: null, creditLimit: null, isUnlimited: null }, "$"],
    ["the default is the client's", { type: "fee" }, { isDefault: true }, "isDefault"],
  ])("%s: 400", async (_, order, body, field) => {
    const answer = await change((await bank.anAccount(order)).id, body);
    expect([answer.status, Object.keys(answer.body["errors"] as object)]).toEqual([400, [field]]);
  });
});

test("a name alone leaves the limit, and null is as not given", async () => {
  const { id } = await bank.aClientAccount();
  bodyOf(await change(id, { creditLimit: "7.00" }));
  expect(bodyOf(await change(id, { name: "x", creditLimit: null }))).toMatchObject({ name: "x", creditLimit: "7.00", version: 3 });
  expect(bodyOf(await change(id, { name: "x", creditLimit: "7.00", isUnlimited: false }))).toMatchObject({ version: 3 });
});

test("a closed account keeps its terms", async () => {
  const { id } = await bank.aClientAccount();
  bodyOf(await bank.system.put(`/v2/internal/Accounts/${id}/close`));
  expect(codeOf(await change(id, { name: "x" }))).toEqual([409, "accountClosed"]);
});

test("another tenant's account is 404, as one that is not there", async () => {
  const { id } = await bank.aClientAccount({ tenant: "north" });
  expect(codeOf(await bank.systemOf("south").patch(`/v2/internal/Accounts/${id}`, { name: "x" }))).toEqual([404, "notFound"]);
  expect(codeOf(await change(NOBODY, { name: "x" }))).toEqual([404, "notFound"]);
  expect((await bank.systemOf("north").patch(`/v2/internal/Accounts/${id}`, { name: "x" })).status).toBe(200);
});

test("a key changes once", async () => {
  const { id } = await bank.aClientAccount();
  const headers = { "idempotency-key": unique("key") };
  const answers = await Promise.all(Array.from({ length: 4 }, () => change(id, { creditLimit: "1.00" }, headers)));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect((await change(id, { creditLimit: "2.00" }, headers)).status).toBe(422);
  expect(await bank.account(id)).toMatchObject({ creditLimit: "1.00", version: 2 });
});

test("after all this the books are in order", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
