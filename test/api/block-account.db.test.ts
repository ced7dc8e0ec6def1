// Blocks of an account: each side by itself, both a blocked account, and from the answer on nothing more is booked there.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp({ poolSize: 12 });
});
afterAll(() => bank.close());

const act = (verb: "block" | "unblock", id: string, body: object, headers?: Record<string, string>): Promise<TestAnswer> =>
  bank.system.put(`/v2/internal/Accounts/${id}/${verb}`, { reason: "a test", ...body }, headers);
const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];
const stateOf = ({ status, debitBlocked, creditBlocked, version }: Readonly<Record<string, unknown>>): unknown[] => [
  status,
  debitBlocked,
  creditBlocked,
  version,
];
const changesOf = async (id: string): Promise<{ change: string; sequence: number }[]> => {
  const { rows } = await bank.owner.query<{ change: string; sequence: string }>(
    `select u.change, j.first_sequence + u.position - 1 as sequence
     from general_ledger.journal j, unnest(j.changes, j.subjects) with ordinality u(change, subject, position)
     where u.subject = $1 order by j.first_sequence`,
    [id],
  );
  return rows.map(({ change, sequence }) => ({ change, sequence: Number(sequence) }));
};
const reasonOf = async (id: string): Promise<unknown> =>
  (
    await bank.owner.query<{ reason: unknown }>("select block_reason as reason from general_ledger.account_profile where account_id = $1", [
      id,
    ])
  ).rows[0]?.reason;

describe("sides", () => {
  test("are blocked and let through one by one; both blocked is status blocked", async () => {
    const { id } = await bank.aClientAccount();
    const steps = [
      ["block", { debit: true }, ["active", true, false, 2]],
      ["block", { credit: true, debit: false }, ["blocked", true, true, 3]],
      ["unblock", { debit: true, credit: null }, ["active", false, true, 4]],
      ["unblock", { debit: true, credit: true }, ["active", false, false, 5]],
      ["block", { debit: true, credit: true }, ["blocked", true, true, 6]],
    ] as const;
    for (const [verb, body, expected] of steps) {
      const answer = bodyOf(await act(verb, id, body));
      expect(stateOf(answer)).toEqual(expected);
      expect(await bank.account(id)).toEqual(answer);
    }
    expect((await changesOf(id)).map(({ change }) => change)).toEqual([
      "account.opened",
      "account.blocked",
      "account.blocked",
      "account.unblocked",
      "account.unblocked",
      "account.blocked",
    ]);
  });

  test("that are so already are answered as they are, without a second change", async () => {
    const { id } = await bank.aClientAccount();
    const first = await act("block", id, { debit: true });
    expect((await act("block", id, { debit: true, reason: "another" })).text).toBe(first.text);
    expect(stateOf(bodyOf(await act("unblock", id, { credit: true })))).toEqual(["active", true, false, 2]);
    expect([(await changesOf(id)).length, await reasonOf(id)]).toEqual([2, "a test"]);
  });

  test("are refused in bookings, each by itself", async () => {
    const [account, source] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    bodyOf(await act("block", account.id, { debit: true }));
    expect(codeOf(await bank.transfer(aTransfer(account, source, "1.00")))).toEqual([409, "accountBlocked"]);
    expect((await bank.transfer(aTransfer(source, account, "1.00"))).status).toBe(200);
    bodyOf(await act("unblock", account.id, { debit: true }));
    bodyOf(await act("block", account.id, { credit: true }));
    expect(codeOf(await bank.transfer(aTransfer(source, account, "1.00")))).toEqual([409, "accountBlocked"]);
    expect((await bank.transfer(aTransfer(account, source, "1.00"))).status).toBe(200);
  });
});

describe("the reason", () => {
  test("stays as long as a side is blocked, and the audit keeps them all", async () => {
    const { id } = await bank.aClientAccount();
    bodyOf(await act("block", id, { debit: true, credit: true, reason: "court order" }));
    bodyOf(await act("unblock", id, { credit: true, reason: "partly lifted" }));
    expect(await reasonOf(id)).toBe("court order");
    bodyOf(await act("unblock", id, { debit: true, reason: "lifted" }));
    expect(await reasonOf(id)).toBeNull();
    const { rows } = await bank.owner.query<{ action: string; detail: { reason: string } }>(
      "select action, detail from platform.audit_entry where subject = $1 and action like 'account.%blocked' order by at",
      [`account:${id}`],
    );
    expect(rows.map(({ action, detail }) => [action, detail.reason])).toEqual([
      ["account.blocked", "court order"],
      ["account.unblocked", "partly lifted"],
      ["account.unblocked", "lifted"],
    ]);
  });

  test.each([
    [{ debit: true, reason: undefined }, "reason"],
    [{ debit: true, reason: "" }, "reason"],
    [{ debit: true, reason: null }, "reason"],
    [{ debit: true, reason: "x".repeat(501) }, "reason"],
    [{}, "debit"],
    [{ debit: false, credit: false }, "debit"],
    [{ debit: "yes" }, "debit"],
  ])("400 for %j", async (body, field) => {
    const answer = await act("block", (await bank.anAccount()).id, body);
    expect([answer.status, Object.keys(answer.body["errors"] as object)]).toEqual([400, [field]]);
  });
});

describe("refusals", () => {
  test.each(["block", "unblock"] as const)("%s of a closed account: 409 accountClosed", async (verb) => {
    const { id } = await bank.anAccount();
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${id}/close`));
    expect(codeOf(await act(verb, id, { debit: true }))).toEqual([409, "accountClosed"]);
  });

  test("of an account that is not active yet: 409 accountNotActive", async () => {
    const { id } = await bank.anAccount();
    await bank.owner.query("update general_ledger.account set status = 'pending' where id = $1", [id]);
    expect(codeOf(await act("block", id, { debit: true }))).toEqual([409, "accountNotActive"]);
  });

  test("another tenant's account is 404, as one that is not there", async () => {
    const { id } = await bank.aClientAccount({ tenant: "north" });
    const south = await bank.systemOf("south").put(`/v2/internal/Accounts/${id}/block`, { debit: true, reason: "x" });
    expect([codeOf(south), codeOf(await act("block", NOBODY, { debit: true }))]).toEqual([
      [404, "notFound"],
      [404, "notFound"],
    ]);
    expect(await bank.account(id)).toMatchObject({ debitBlocked: false });
  });

  test("a key acts once: its repeat after an unblock does not block again", async () => {
    const { id } = await bank.aClientAccount();
    const headers = { "idempotency-key": unique("key") };
    const first = await act("block", id, { debit: true }, headers);
    bodyOf(await act("unblock", id, { debit: true }));
    expect((await act("block", id, { debit: true }, headers)).text).toBe(first.text);
    expect(await bank.account(id)).toMatchObject({ debitBlocked: false });
  });
});

test("no payment that runs while the account is blocked has a later number than the block", async () => {
  const target = await bank.anAccount();
  for (let round = 0; round < 3; round++) {
    const account: TestAccount = await bank.aFundedAccount("1000.00");
    const pay = (count: number) => Array.from({ length: count }, () => bank.transfer(aTransfer(account, target, "1.00")));
    const before = pay(50);
    await before[0];
    const blocking = act("block", account.id, { debit: true });
    const [blocked, ...paid] = await Promise.all([blocking, ...before, ...pay(50)]);
    expect(blocked.status).toBe(200);
    const block = (await changesOf(account.id)).find(({ change }) => change === "account.blocked")?.sequence ?? 0;
    const accepted = paid.filter(({ status }) => status === 200);
    for (const { body } of accepted) expect(Number(body["sequence"])).toBeLessThan(block);
    for (const { body } of paid.filter(({ status }) => status !== 200)) expect(body["code"]).toBe("accountBlocked");
    expect(codeOf(await bank.transfer(aTransfer(account, target, "1.00")))).toEqual([409, "accountBlocked"]);
    expect(await bank.account(account.id)).toMatchObject({ balance: `${1000 - accepted.length}.00`, version: accepted.length + 3 });
  }
});

test("after all this the books are in order", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
