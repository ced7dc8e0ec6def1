// PUT /internal/Clients/{clientId}/status (contract 5.16): every way there is from one status to another, and no other.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anAccountOrder, aTransfer } from "../builders.ts";
import { bodyOf, type TestAccount } from "../setup/ledger.ts";
import { type ClientStatus, codeOf, openStandingBank, STATUSES, type StandingBank } from "../setup/standing.ts";

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank();
});
afterAll(() => bank.close());

const WAYS: Readonly<Record<ClientStatus, readonly ClientStatus[]>> = {
  pending: ["active", "rejected"],
  active: ["blocked", "closed"],
  blocked: ["active", "closed"],
  rejected: [],
  closed: [],
};
const MOVES = STATUSES.flatMap((from) => STATUSES.map((to) => ({ from, to, isWay: WAYS[from].includes(to) })));

test.each(MOVES.filter(({ isWay }) => isWay))("from $from to $to", async ({ from, to }) => {
  const clientId = await bank.aClientThatIs(from);
  const answer = bodyOf(await bank.setStatus(clientId, to, "because"));
  expect(answer).toMatchObject({ status: to, blockReason: to === "blocked" ? "because" : null });
  expect(answer["blockedAt"] === null).toBe(to !== "blocked");
  expect(await bank.client(clientId)).toEqual(answer);
  expect((await bank.history(clientId)).at(-1)).toMatchObject({
    from: { status: from },
    to: { status: to },
    reason: "staff",
    note: "because",
  });
  expect((await bank.events(clientId)).at(-1)).toMatchObject({ type: "client.statusChanged", data: { from, to } });
});

test.each(MOVES.filter(({ from, to, isWay }) => !isWay && from !== to))("not from $from to $to: 409 invalidState", async ({ from, to }) => {
  const clientId = await bank.aClientThatIs(from);
  const [before, lines] = [await bank.client(clientId), await bank.history(clientId)];
  expect(await bank.setStatus(clientId, to)).toMatchObject({ status: 409, body: { code: "invalidState", clientStatus: from } });
  expect(await bank.client(clientId)).toEqual(before);
  expect(await bank.history(clientId)).toEqual(lines);
});

test.each(STATUSES)("a %s client that shall be just that is answered as it is", async (status) => {
  const clientId = await bank.aClientThatIs(status);
  const [before, lines] = [await bank.client(clientId), await bank.history(clientId)];
  expect(bodyOf(await bank.setStatus(clientId, status))).toEqual(before);
  expect(await bank.history(clientId)).toEqual(lines);
});

test("a pending client becomes active only once its verification is approved", async () => {
  const clientId = await bank.aClientThatIs("pending");
  await bank.judge({ clientId, verificationStatus: "onHold", outcome: "none", reason: "test" });
  expect(await bank.setStatus(clientId, "active")).toMatchObject({
    status: 409,
    body: { code: "invalidState", detail: "The verification of the client is not approved." },
  });
  await bank.judge({ clientId, verificationStatus: "approved", outcome: "none", reason: "test" });
  expect(bodyOf(await bank.setStatus(clientId, "active"))).toMatchObject({ status: "active" });
});

describe("a client is closed", () => {
  const openFor = async (clientId: string): Promise<TestAccount> =>
    bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }))) as TestAccount;
  const close = (account: TestAccount) => bank.system.put(`/v2/internal/Accounts/${account.id}/close`);

  test.each(["active", "blocked"] as const)("only once all its accounts are closed: %s", async (status) => {
    const clientId = await bank.aClientThatIs("active");
    const [one, other] = [await openFor(clientId), await openFor(clientId)];
    if (status === "blocked") bodyOf(await bank.block(clientId));
    const refusal = { status: 409, body: { code: "invalidState", detail: "The client has an account that is not closed." } };
    expect(await bank.setStatus(clientId, "closed")).toMatchObject(refusal);
    bodyOf(await close(one));
    expect(await bank.setStatus(clientId, "closed")).toMatchObject(refusal);
    bodyOf(await close(other));
    expect(bodyOf(await bank.setStatus(clientId, "closed"))).toMatchObject({ status: "closed", blockReason: null, blockedAt: null });
    const order = anAccountOrder({ type: "client", clientId });
    expect(codeOf(await bank.system.post("/v2/internal/Accounts", order))).toEqual([409, "clientNotActive"]);
  });

  test("or an account is opened first: of both at once one is done, whichever comes first", async () => {
    for (let round = 0; round < 12; round++) {
      const clientId = await bank.aClientThatIs("active");
      const order = anAccountOrder({ type: "client", clientId });
      const [opened, closed] = await Promise.all([bank.system.post("/v2/internal/Accounts", order), bank.setStatus(clientId, "closed")]);
      const codes = [opened, closed].map(({ status, body }) => (status === 200 ? "done" : body["code"]));
      expect([
        ["done", "invalidState"],
        ["clientNotActive", "done"],
      ]).toContainEqual(codes);
    }
  });

  test("and may read on, and nothing more", async () => {
    const clientId = await bank.aClientThatIs("closed");
    const own = bank.clientCalls(clientId);
    expect((await own.get("/Client")).body).toMatchObject({ status: "closed" });
    expect((await own.get("/Accounts")).status).toBe(200);
    expect(codeOf(await own.post("/Accounts", { currency: "EUR" }))).toEqual([409, "clientNotActive"]);
    expect(codeOf(await own.post("/Accounts/send-otp", { operation: "openAccount" }))).toEqual([409, "clientNotActive"]);
  });
});

test("an unblocked client pays again, whichever operation unblocks it", async () => {
  const clientId = await bank.aClientThatIs("active");
  const account = bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }))) as TestAccount;
  const source = await bank.anAccount();
  bodyOf(await bank.transfer(aTransfer(source, account, "10.00")));
  bodyOf(await bank.setStatus(clientId, "blocked"));
  expect(codeOf(await bank.transfer(aTransfer(account, source, "1.00")))).toEqual([409, "clientBlocked"]);
  bodyOf(await bank.setStatus(clientId, "active"));
  expect((await bank.transfer(aTransfer(account, source, "1.00"))).status).toBe(200);
});

test.each<[string, unknown]>([
  ["no status", { reason: "x" }],
  ["no reason", { status: "blocked" }],
  ["an empty reason", { status: "blocked", reason: "" }],
  ["a reason of 501 characters", { status: "blocked", reason: "x".repeat(501) }],
  ["a status nobody knows", { status: "frozen", reason: "x" }],
  ["a status in capitals", { status: "Blocked", reason: "x" }],
  ["a null", { status: null, reason: "x" }],
  ["a member of Object", { status: "constructor", reason: "x" }],
  ["a standing", { status: "blocked", reason: "x", riskLevel: "low" }],
  ["a text", '"blocked"'],
])("%s is refused with 400, and the client stays as it is", async (_what, body) => {
  const clientId = await bank.aClientThatIs("active");
  expect((await bank.staff.put(`/internal/Clients/${clientId}/status`, body)).status).toBe(400);
  expect(await bank.client(clientId)).toMatchObject({ status: "active" });
});
