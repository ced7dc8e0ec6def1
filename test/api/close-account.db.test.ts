// Operation 17 and its counterpart of the bank: when an account may be closed, what happens to the default, and that money on its way in
// never meets a closed account half-way.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";
import { standAs } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const close = (id: string, headers?: Record<string, string>): Promise<TestAnswer> =>
  bank.system.put(`/v2/internal/Accounts/${id}/close`, undefined, headers);
const closeOwn = ({ id, clientId }: TestAccount, token?: string, headers: Record<string, string> = {}): Promise<TestAnswer> =>
  bank
    .clientCalls(clientId ?? "")
    .send("DELETE", `/Accounts/${id}${token === undefined ? "" : `?verificationToken=${encodeURIComponent(token)}`}`, undefined, headers);
const openFor = async (clientId: string, currency = "EUR"): Promise<TestAccount> =>
  bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId, currency }))) as TestAccount;
const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];
const defaultsOf = async (clientId: string): Promise<string[]> =>
  (JSON.parse((await bank.clientCalls(clientId).get("/Accounts")).text) as (TestAccount & { isDefault: boolean })[])
    .filter(({ isDefault }) => isDefault)
    .map(({ id }) => id);
const changesOf = async (id: string): Promise<string[]> => {
  const { rows } = await bank.owner.query<{ change: string }>(
    "select u.change from general_ledger.journal j, unnest(j.changes, j.subjects) u(change, subject) where u.subject = $1 order by j.first_sequence",
    [id],
  );
  return rows.map(({ change }) => change);
};
const auditOf = async (id: string): Promise<unknown[]> => {
  const { rows } = await bank.owner.query<{ action: string; detail: unknown; kind: string }>(
    "select action, detail, actor_kind as kind from platform.audit_entry where subject = $1 order by at, action",
    [`account:${id}`],
  );
  return rows.filter(({ action }) => action !== "account.opened").map(({ action, detail, kind }) => [action, detail, kind]);
};

describe("the bank closes an account", () => {
  test("which then is closed for ever: with its time, a version more, a number in the journal and a line in the audit", async () => {
    const account = await bank.aClientAccount();
    const answer = await close(account.id);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      ...account,
      status: "closed",
      isDefault: false,
      closedAt: expect.stringMatching(/Z$/) as string,
      version: 2,
    });
    expect(await bank.account(account.id)).toEqual(answer.body);
    expect(await changesOf(account.id)).toEqual(["account.opened", "account.closed"]);
    expect(await auditOf(account.id)).toEqual([["account.closed", { by: "bank" }, "system"]]);
  });

  test("again is answered as it is, and is no second change", async () => {
    const { id } = await bank.anAccount();
    const first = await close(id);
    expect((await close(id)).text).toBe(first.text);
    expect(await changesOf(id)).toEqual(["account.opened", "account.closed"]);
  });

  test("a closed account takes no bookings", async () => {
    const [account, source] = [await bank.aClientAccount(), await bank.anAccount()];
    bodyOf(await close(account.id));
    expect(codeOf(await bank.transfer(aTransfer(source, account, "1.00")))).toEqual([409, "accountClosed"]);
  });

  test("only when nothing is on it: not with a balance, on either side of zero", async () => {
    const account = await bank.aFundedAccount("0.01");
    const debtor = await bank.anAccount({ type: "suspense" });
    bodyOf(await bank.transfer(aTransfer(debtor, await bank.anAccount(), "5.00")));
    expect(codeOf(await close(account.id))).toEqual([409, "accountNotEmpty"]);
    expect(await close(debtor.id)).toMatchObject({ status: 409, body: { code: "accountNotEmpty", accountId: debtor.id } });
    expect(await bank.account(account.id)).toMatchObject({ status: "active", version: 2 });
  });

  test.each(["held_minor", "incoming_minor"])("not with %s", async (column) => {
    const account = await bank.aClientAccount();
    // More than the floor allows would be refused by the table.
    await bank.owner.query(`update general_ledger.account set ${column} = 1, floor_minor = -1 where id = $1`, [account.id]);
    expect(codeOf(await close(account.id))).toEqual([409, "accountNotEmpty"]);
  });

  test("blocked sides do not stand in the way", async () => {
    const account = await bank.aClientAccount();
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${account.id}/block`, { debit: true, reason: "a test" }));
    expect(bodyOf(await close(account.id))).toMatchObject({ status: "closed", debitBlocked: true });
  });

  test("which it can see: 404 for others", async () => {
    const account = await bank.aClientAccount({ tenant: "north" });
    expect(codeOf(await bank.systemOf("south").put(`/v2/internal/Accounts/${account.id}/close`))).toEqual([404, "notFound"]);
    expect(codeOf(await close(NOBODY))).toEqual([404, "notFound"]);
    expect(await bank.account(account.id)).toMatchObject({ status: "active" });
  });

  test("a repeat of its key is the same answer; a refusal is kept under the key", async () => {
    const account = await bank.aFundedAccount("1.00");
    const headers = { "idempotency-key": unique("key") };
    const refused = await close(account.id, headers);
    bodyOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "1.00")));
    const again = await close(account.id, headers);
    expect([again.status, again.body["code"], again.headers["idempotency-replayed"]]).toEqual([409, "accountNotEmpty", "true"]);
    expect(again.text).toBe(refused.text);
    const key = { "idempotency-key": unique("key") };
    const closed = await close(account.id, key);
    expect([closed.status, (await close(account.id, key)).text]).toEqual([200, closed.text]);
  });
});

describe("a payment in two phases keeps its accounts open", () => {
  const PAYMENTS = "/v2/internal/Payments";
  const order = (debit: TestAccount, credit: TestAccount, state: "draft" | "pending"): Record<string, unknown> => {
    const line = { debitAccountId: debit.id, creditAccountId: credit.id, amount: "1.00", currency: "EUR", type: "transfer" };
    return { externalId: unique("payment"), type: "transfer", transactions: [line], ...(state === "pending" ? { state } : {}) };
  };
  const make = async (debit: TestAccount, credit: TestAccount, state: "draft" | "pending"): Promise<string> =>
    String(bodyOf(await bank.system.post(PAYMENTS, order(debit, credit, state)))["id"]);

  test.each(["settlement", "client"] as const)("while it is pending, on both of its accounts, for an account of type %s", async (type) => {
    // On the debit side there is neither a hold nor an announcement that would tell.
    const [debit, credit] =
      type === "client"
        ? [await bank.aFundedAccount("1.00"), await bank.aClientAccount()]
        : [await bank.anAccount(), await bank.anAccount()];
    const payment = await make(debit, credit, "pending");
    expect(codeOf(await close(debit.id))).toEqual([409, "accountNotEmpty"]);
    expect(codeOf(await close(credit.id))).toEqual([409, "accountNotEmpty"]);
    bodyOf(await bank.system.post(`${PAYMENTS}/${payment}/cancel`));
    expect((await close(credit.id)).status).toBe(200);
  });

  test("not as a draft, which then cannot be pended", async () => {
    const [debit, credit] = [await bank.anAccount(), await bank.anAccount()];
    const payment = await make(debit, credit, "draft");
    expect((await close(credit.id)).status).toBe(200);
    expect(codeOf(await bank.system.post(`${PAYMENTS}/${payment}/pend`))).toEqual([409, "accountClosed"]);
  });

  test("nor do payments that ended before", async () => {
    const [debit, credit] = [await bank.anAccount(), await bank.anAccount()];
    for (const end of ["cancel", "post"]) bodyOf(await bank.system.post(`${PAYMENTS}/${await make(debit, credit, "pending")}/${end}`));
    bodyOf(await bank.transfer(aTransfer(credit, debit, "1.00")));
    expect([(await close(debit.id)).status, (await close(credit.id)).status]).toEqual([200, 200]);
  });

  test("a pend and a closing come one after the other", async () => {
    for (let round = 0; round < 6; round++) {
      const [debit, credit] = [await bank.anAccount(), await bank.anAccount()];
      const payment = await make(debit, credit, "draft");
      const pending = () => bank.system.post(`${PAYMENTS}/${payment}/pend`);
      const [pended, closed] =
        round % 2 === 0
          ? await Promise.all([pending(), close(debit.id)])
          : await Promise.all([close(debit.id), pending()]).then(([first, second]) => [second, first] as const);
      const outcome = [pended.status === 200 ? "pended" : pended.body["code"], closed.status === 200 ? "closed" : closed.body["code"]];
      expect([
        ["pended", "accountNotEmpty"],
        ["accountClosed", "closed"],
      ]).toContainEqual(outcome);
    }
  });
});

describe("the default", () => {
  test("goes to the client's next open account of the currency in its order, as a change of that account", async () => {
    const clientId = await aClient(bank);
    const [first, yen, second, third] = [
      await openFor(clientId),
      await openFor(clientId, "JPY"),
      await openFor(clientId),
      await openFor(clientId),
    ] as const;
    const order = [yen, third, second, first].map(({ id }) => id);
    bodyOf(await bank.clientCalls(clientId).put("/Accounts/reorder-accounts", { accountIds: order }));
    bodyOf(await close(first.id));
    expect((await defaultsOf(clientId)).sort()).toEqual([yen.id, third.id].sort());
    expect(await changesOf(third.id)).toEqual(["account.opened", "account.changed"]);
    expect(await auditOf(third.id)).toEqual([["account.changed", { isDefault: true }, "system"]]);
    expect(await bank.account(third.id)).toMatchObject({ version: 2 });

    bodyOf(await close(third.id));
    bodyOf(await close(second.id));
    expect(await defaultsOf(clientId)).toEqual([yen.id]);
    // The next one that is opened begins anew.
    expect(await openFor(clientId)).toMatchObject({ isDefault: true });
  });

  test("stays where it is when another account closes", async () => {
    const clientId = await aClient(bank);
    const [first, second] = [await openFor(clientId), await openFor(clientId)];
    bodyOf(await close(second.id));
    expect(await defaultsOf(clientId)).toEqual([first.id]);
    expect(await changesOf(first.id)).toEqual(["account.opened"]);
  });

  test("is always one of the open accounts, however many close and open at once", async () => {
    const clientId = await aClient(bank);
    const accounts = [];
    for (let i = 0; i < 6; i++) accounts.push(await openFor(clientId));
    const [keep, ...others] = accounts;
    await Promise.all([...others.map(({ id }) => close(id)), openFor(clientId), openFor(clientId), close(keep?.id ?? "")]);
    const defaults = await defaultsOf(clientId);
    expect(defaults).toHaveLength(1);
    expect(await bank.account(defaults[0] ?? "")).toMatchObject({ status: "active" });
  });
});

describe("a client closes its own account", () => {
  test("with the token of a one-time code, in the query: 200 without a body", async () => {
    const account = await bank.aClientAccount();
    const answer = await closeOwn(account, await bank.confirmClosing(account));
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([200, "", undefined]);
    expect(await bank.account(account.id)).toMatchObject({ status: "closed" });
    expect(await auditOf(account.id)).toEqual([["account.closed", { by: "client" }, "client"]]);
  });

  test("or in a header", async () => {
    const account = await bank.aClientAccount();
    const headers = { "verification-token": await bank.confirmClosing(account), "idempotency-key": unique("key") };
    expect((await closeOwn(account, undefined, headers)).status).toBe(200);
    const again = await closeOwn(account, undefined, headers);
    expect([again.status, again.text, again.headers["idempotency-replayed"]]).toEqual([200, "", "true"]);
  });

  test("again is 200, token or not", async () => {
    const account = await bank.aClientAccount();
    bodyOf(await close(account.id));
    expect((await closeOwn(account)).status).toBe(200);
  });

  test("not without a token, with one that nobody gave, or with another account's: 409 otpRequired", async () => {
    const account = await bank.aClientAccount();
    const other = await openFor(account.clientId ?? "");
    const token = await bank.confirmClosing(other);
    expect(codeOf(await closeOwn(account))).toEqual([409, "otpRequired"]);
    expect(codeOf(await closeOwn(account, "never-given"))).toEqual([409, "otpRequired"]);
    expect(codeOf(await closeOwn(account, token))).toEqual([409, "otpRequired"]);
    expect(await bank.account(account.id)).toMatchObject({ status: "active", version: 1 });
    // Nothing of this has used the token up.
    expect((await closeOwn(other, token)).status).toBe(200);
  });

  test("a token opens one door once", async () => {
    const account = await bank.aClientAccount();
    const token = await bank.confirmClosing(account);
    const answers = await Promise.all(Array.from({ length: 5 }, () => closeOwn(account, token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await changesOf(account.id)).toEqual(["account.opened", "account.closed"]);
  });

  test("not with money on it, which is told first and leaves the token fit for use", async () => {
    const account = await bank.aFundedAccount("1.00");
    expect(codeOf(await closeOwn(account))).toEqual([409, "accountNotEmpty"]);
    const token = await bank.confirmClosing(account);
    expect(codeOf(await closeOwn(account, token, { "idempotency-key": unique("key") }))).toEqual([409, "accountNotEmpty"]);
    bodyOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "1.00")));
    expect((await closeOwn(account, token, { "idempotency-key": unique("key") })).status).toBe(200);
  });

  test.each([{ debit: true }, { credit: true }, { debit: true, credit: true }])("not while the bank blocks it: %j", async (sides) => {
    const account = await bank.aClientAccount();
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${account.id}/block`, { ...sides, reason: "a test" }));
    expect(codeOf(await closeOwn(account))).toEqual([409, "accountBlocked"]);
  });

  test("not while the client is blocked: 403 clientBlocked", async () => {
    const account = await bank.aClientAccount();
    await standAs(bank, account.clientId, "blocked");
    expect(codeOf(await closeOwn(account))).toEqual([403, "clientBlocked"]);
  });

  test("not another's: 404, as for one that is not there", async () => {
    const [mine, other] = [await bank.aClientAccount(), await bank.aClientAccount()];
    const token = await bank.confirmClosing(mine);
    expect(codeOf(await closeOwn({ ...mine, id: other.id }, token))).toEqual([404, "notFound"]);
    expect(codeOf(await closeOwn({ ...mine, id: NOBODY }))).toEqual([404, "notFound"]);
    expect(codeOf(await closeOwn({ ...mine, clientId: NOBODY }))).toEqual([404, "notFound"]);
    expect(await bank.account(other.id)).toMatchObject({ status: "active" });
  });

  test.each(["verificationToken=", "verificationToken=a&verificationToken=b", "token=a"])("400 for ?%s", async (query) => {
    const account = await bank.aClientAccount();
    expect((await bank.clientCalls(account.clientId ?? "").send("DELETE", `/Accounts/${account.id}?${query}`)).status).toBe(400);
  });
});

test("money on its way in and a closing come one after the other: never a closed account with money on it", async () => {
  const source = await bank.anAccount();
  for (let round = 0; round < 10; round++) {
    const account = await bank.aClientAccount();
    const pay = (count: number) => Array.from({ length: count }, () => bank.transfer(aTransfer(source, account, "1.00")));
    const before = pay(round % 4);
    const [closed, ...paid] = await Promise.all([close(account.id), ...before, ...pay(3)]);
    const accepted = paid.filter(({ status }) => status === 200).length;
    const { status, balance } = await bank.account(account.id);
    if (closed.status === 200) expect([accepted, status, balance]).toEqual([0, "closed", "0.00"]);
    else expect([closed.body["code"], accepted > 0, status]).toEqual(["accountNotEmpty", true, "active"]);
    for (const { status: code, body } of paid) expect([200, "accountClosed"]).toContain(code === 200 ? 200 : body["code"]);
  }
});

test("after all this the books are in order", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
