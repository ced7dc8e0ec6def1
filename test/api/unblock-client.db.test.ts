// Operation 6: a blocked client is let through again, unless it is prohibited.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeOf, openStandingBank, type StandingBank } from "../setup/standing.ts";
import { bodyOf } from "../setup/ledger.ts";

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank();
});
afterAll(() => bank.close());

test("is answered with an active client, and nothing is left of the block but its history", async () => {
  const clientId = await bank.aClientThatIs("blocked");
  const answer = bodyOf(await bank.unblock(clientId, "It was his sister"));
  expect(answer).toMatchObject({ clientId, status: "active", blockReason: null, blockedAt: null });
  expect(await bank.client(clientId)).toEqual(answer);
  const [, , block, unblock] = await bank.history(clientId);
  expect(block).toMatchObject({ from: { status: "active" }, to: { status: "blocked" }, note: "a test" });
  expect(unblock).toMatchObject({ from: { status: "blocked" }, to: { status: "active" }, reason: "staff", note: "It was his sister" });
  expect((await bank.events(clientId)).at(-1)).toMatchObject({ type: "client.statusChanged", data: { from: "blocked", to: "active" } });
});

test("blocked anew, the client has the new reason and the new time", async () => {
  const clientId = await bank.aClientThatIs("blocked");
  const first = await bank.client(clientId);
  bodyOf(await bank.unblock(clientId));
  const second = bodyOf(await bank.block(clientId, "another"));
  expect(second).toMatchObject({ blockReason: "another" });
  expect(Date.parse(String(second["blockedAt"]))).toBeGreaterThan(Date.parse(String(first["blockedAt"])));
});

test("an active client is answered as it is, and nothing is written", async () => {
  const clientId = await bank.aClientThatIs("active");
  const before = await bank.client(clientId);
  expect(bodyOf(await bank.unblock(clientId))).toEqual(before);
  expect(await bank.history(clientId)).toHaveLength(2);
});

test.each(["pending", "rejected", "closed"] as const)("a %s client cannot be unblocked: 409 invalidState", async (status) => {
  const clientId = await bank.aClientThatIs(status);
  expect(await bank.unblock(clientId)).toMatchObject({ status: 409, body: { code: "invalidState", clientStatus: status } });
});

test("a prohibited client stays blocked: 409 clientProhibited", async () => {
  const clientId = await bank.aClientThatIs("blocked");
  await bank.owner.query("update client_profile.client set risk_level = 'prohibited' where id = $1", [clientId]);
  expect(await bank.unblock(clientId)).toMatchObject({ status: 409, body: { code: "clientProhibited", clientStatus: "blocked" } });
  expect(codeOf(await bank.setStatus(clientId, "active"))).toEqual([409, "clientProhibited"]);
  expect(await bank.client(clientId)).toMatchObject({ status: "blocked" });
});

describe("the comment", () => {
  test.each<[string, unknown]>([
    ["is absent with its body", undefined],
    ["is absent", {}],
    ["is null", { comment: null }],
    ["is empty", { comment: "" }],
  ])("%s: the history has no note", async (_what, body) => {
    const clientId = await bank.aClientThatIs("blocked");
    bodyOf(await bank.staff.put(`/internal/Clients/${clientId}/unblock`, body));
    expect((await bank.history(clientId)).at(-1)).toMatchObject({ to: { status: "active" }, note: null });
  });

  test.each<[string, unknown]>([
    ["of 501 characters", { comment: "x".repeat(501) }],
    ["that is a number", { comment: 5 }],
    ["under another name", { reason: "x" }],
    ["in a text", '"x"'],
  ])("%s is refused with 400", async (_what, body) => {
    const clientId = await bank.aClientThatIs("blocked");
    expect((await bank.staff.put(`/internal/Clients/${clientId}/unblock`, body)).status).toBe(400);
    expect(await bank.client(clientId)).toMatchObject({ status: "blocked" });
  });
});
