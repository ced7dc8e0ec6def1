// ETag and If-Match of accounts (contract 3.7): whoever read an account may ask that it has neither moved nor changed since.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

type Method = "PATCH" | "PUT";
type Change = readonly [what: string, method: Method, path: (account: TestAccount) => string, body: unknown];

const PATH = "/v2/internal/Accounts";
const BY_STAFF: readonly Change[] = [
  ["a change", "PATCH", ({ id }) => `${PATH}/${id}`, { name: "Rent" }],
  ["a block", "PUT", ({ id }) => `${PATH}/${id}/block`, { debit: true, reason: "a test" }],
  ["an unblocking", "PUT", ({ id }) => `${PATH}/${id}/unblock`, { debit: true, reason: "a test" }],
  ["a closing", "PUT", ({ id }) => `${PATH}/${id}/close`, undefined],
];
const etagOf = ({ headers }: TestAnswer): unknown => headers["etag"];
const read = (account: TestAccount): Promise<TestAnswer> => bank.system.get(`/v2/ledger/internal/Accounts/${account.id}`);

test("an account is answered with its version as ETag, to systems and to its client, and so is every change of it", async () => {
  const account = await bank.aFundedAccount("10.00");
  const own = bank.clientCalls(account.clientId ?? "");
  const [first, mine] = [await read(account), await own.get(`/Accounts/${account.id}`)];
  expect([etagOf(first), etagOf(mine)]).toEqual([`"${String(first.body["version"])}"`, etagOf(first)]);
  bodyOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "10.00")));
  expect(etagOf(await read(account))).not.toBe(etagOf(first));
  for (const [, method, path, body] of BY_STAFF) {
    const changed = await bank.system.send(method, path(account), body);
    expect(etagOf(changed)).toBe(`"${String(bodyOf(changed)["version"])}"`);
    expect(etagOf(await read(account))).toBe(etagOf(changed));
  }
});

describe.each(BY_STAFF)("%s on condition", (what, method, path, body) => {
  const change = (account: TestAccount, ifMatch: string, key: Record<string, string> = {}): Promise<TestAnswer> =>
    bank.system.send(method, path(account), body, { "if-match": ifMatch, ...key });
  const anAccount = async (): Promise<TestAccount> => {
    const account = await bank.aClientAccount();
    if (what === "an unblocking") bodyOf(await bank.system.put(`${PATH}/${account.id}/block`, { debit: true, reason: "a test" }));
    return account;
  };

  test("is made on the version that was read, on one of several, and on any", async () => {
    for (const condition of [(etag: string) => etag, (etag: string) => `"1000", ${etag}`, () => "*"]) {
      const account = await anAccount();
      const before = await read(account);
      const { version } = bodyOf(await change(account, condition(String(etagOf(before)))));
      expect(version).toBe(Number(before.body["version"]) + 1);
    }
  });

  test("is refused with 412 when the account has moved, and nothing is changed", async () => {
    const account = await anAccount();
    const etag = String(etagOf(await read(account)));
    bodyOf(await bank.transfer(aTransfer(await bank.anAccount(), account, "1.00")));
    const before = await read(account);
    const key = { "idempotency-key": unique("key") };
    for (const stale of [etag, `W/${String(etagOf(before))}`, '"0"', "1"]) {
      const { status, body: problem } = await change(account, stale, stale === etag ? key : {});
      expect([stale, status, problem["code"], problem["accountId"]]).toEqual([stale, 412, "preconditionFailed", account.id]);
    }
    expect((await read(account)).body).toEqual(before.body);
    // A definite refusal like any other: the key remembers it.
    expect((await change(account, etag, key)).headers["idempotency-replayed"]).toBe("true");
  });
});

test("a client changes its own account on condition, too", async () => {
  const account = await bank.aClientAccount();
  const own = bank.clientCalls(account.clientId ?? "");
  const rename = (name: string, ifMatch: string): Promise<TestAnswer> =>
    own.patch(`/Accounts/${account.id}`, { name }, { "if-match": ifMatch });
  const etag = String(etagOf(await own.get(`/Accounts/${account.id}`)));
  const renamed = await rename("Rent", etag);
  expect(bodyOf(renamed)).toMatchObject({ name: "Rent" });
  expect((await rename("Car", etag)).body).toMatchObject({ status: 412, code: "preconditionFailed" });
  expect(bodyOf(await rename("Car", String(etagOf(renamed))))).toMatchObject({ name: "Car" });
});

test("of many changes on one version one is made", async () => {
  const account = await bank.aClientAccount();
  const etag = String(etagOf(await read(account)));
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => bank.system.patch(`${PATH}/${account.id}`, { name: `Name ${n}` }, { "if-match": etag })),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(11).fill(412)]);
});
