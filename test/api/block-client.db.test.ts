// Operation 5: a client is blocked. What it does to money is told in client-block-at-once and client-block; here is what is answered and kept.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, aTransfer } from "../builders.ts";
import { bodyOf, type TestAccount } from "../setup/ledger.ts";
import { codeOf, openStandingBank, type StandingBank } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank();
});
afterAll(() => bank.close());

const openFor = async (clientId: string): Promise<TestAccount> =>
  bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }))) as TestAccount;

describe("a block", () => {
  test("is answered with the client as it stands now, and reads back the same", async () => {
    const clientId = await bank.aClientThatIs("active");
    const before = await bank.client(clientId);
    const answer = bodyOf(await bank.block(clientId, "Two reports of fraud"));
    expect(answer).toEqual({
      ...before,
      status: "blocked",
      blockReason: "Two reports of fraud",
      blockedAt: answer["updatedAt"],
      updatedAt: answer["updatedAt"],
    });
    expect(Date.parse(String(answer["blockedAt"]))).toBeGreaterThan(Date.parse(String(before["updatedAt"])));
    expect(await bank.client(clientId)).toEqual(answer);
  });

  test("tells the client itself nothing of its reason", async () => {
    const clientId = await bank.aClientThatIs("active");
    await bank.block(clientId, "Kanarienvogel");
    const own = await bank.clientCalls(clientId).get("/Client");
    expect(own).toMatchObject({ status: 200, body: { status: "blocked" } });
    expect(own.text).not.toContain("Kanarienvogel");
    expect(own.body).not.toHaveProperty("blockReason");
  });

  test("once more is answered as it stands: the first reason and time stay, and nothing is written", async () => {
    const clientId = await bank.aClientThatIs("active");
    const first = bodyOf(await bank.block(clientId, "the first"));
    expect(bodyOf(await bank.block(clientId, "the second"))).toEqual(first);
    expect(await bank.history(clientId)).toHaveLength(3);
    expect(await bank.auditOf(clientId, "client.standingChanged")).toHaveLength(2);
  });

  test("stands in history, audit and events; the reason in words in the history alone, encrypted", async () => {
    const clientId = await bank.aClientThatIs("active", "north");
    bodyOf(await bank.staffOf("north", "officer-7").put(`/internal/Clients/${clientId}/block`, { reason: "Kanarienvogel" }));
    const line = (await bank.history(clientId)).at(-1);
    expect(line).toEqual({
      at: (await bank.client(clientId))["blockedAt"],
      by: { kind: "system", id: "officer-7" },
      from: { status: "active", verificationStatus: "approved", riskLevel: "low" },
      to: { status: "blocked", verificationStatus: "approved", riskLevel: "low" },
      reason: "staff",
      note: "Kanarienvogel",
    });
    expect((await bank.events(clientId)).at(-1)).toEqual({
      type: "client.statusChanged",
      tenant: "north",
      data: { clientId, from: "active", to: "blocked", reason: "staff" },
    });
    expect(await bank.auditOf(clientId, "client.standingChanged")).toHaveLength(2);
    expect(await bank.auditOf(clientId, "client.debitsStopped")).toHaveLength(1);
    const { rows } = await bank.owner.query<{ found: boolean }>(
      `select exists (
         select from client_profile.client_status_history where client_status_history::text like '%Kanarienvogel%'
         union all select from client_profile.client where client::text like '%Kanarienvogel%'
         union all select from platform.audit_entry where audit_entry::text like '%Kanarienvogel%'
         union all select from platform.event where event::text like '%Kanarienvogel%') as found`,
    );
    expect(rows).toEqual([{ found: false }]);
  });

  test("stops what the client pays, and lets in what it is paid", async () => {
    const clientId = await bank.aClientThatIs("active");
    const [account, source] = [await openFor(clientId), await bank.anAccount()];
    bodyOf(await bank.transfer(aTransfer(source, account, "10.00")));
    bodyOf(await bank.block(clientId));
    expect(codeOf(await bank.transfer(aTransfer(account, source, "1.00")))).toEqual([409, "clientBlocked"]);
    expect((await bank.transfer(aTransfer(source, account, "1.00"))).status).toBe(200);
    expect((await bank.clientCalls(clientId).get("/Accounts")).status).toBe(200);
    bodyOf(await bank.unblock(clientId));
    expect((await bank.transfer(aTransfer(account, source, "11.00"))).status).toBe(200);
  });
});

test.each(["pending", "rejected", "closed"] as const)("a %s client is not blocked: 409 invalidState", async (status) => {
  const clientId = await bank.aClientThatIs(status);
  const before = await bank.client(clientId);
  expect(await bank.block(clientId)).toMatchObject({ status: 409, body: { code: "invalidState", clientStatus: status } });
  expect(await bank.client(clientId)).toEqual(before);
});

test("a client of another tenant is not found, by no verb, and nothing is told of it", async () => {
  const clientId = await bank.aClientThatIs("active", "north");
  const south = bank.staffOf("south");
  for (const [verb, body] of [
    ["block", { reason: "x" }],
    ["unblock", {}],
    ["status", { status: "closed", reason: "x" }],
  ] as const) {
    const [foreign, absent] = [clientId, NOBODY].map((id) => south.put(`/internal/Clients/${id}/${verb}`, body));
    expect(codeOf((await foreign)!)).toEqual([404, "notFound"]);
    expect((await foreign)?.body["title"]).toBe((await absent)?.body["title"]);
  }
  expect(await bank.client(clientId)).toMatchObject({ status: "active" });
});

test("an erased client is not found", async () => {
  const clientId = await bank.aClientThatIs("closed");
  await bank.owner.query(
    "update client_profile.client set sealed_profile = null, email_mark = null, search_marks = null, erased_at = now() where id = $1",
    [clientId],
  );
  expect(codeOf(await bank.block(clientId))).toEqual([404, "notFound"]);
  expect(codeOf(await bank.staff.get(`/internal/Clients/${clientId}/history`))).toEqual([404, "notFound"]);
  expect(await bank.judge({ clientId, verificationStatus: "approved", outcome: "none", reason: "test" })).toBeNull();
});

describe("hostile bodies", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["no reason", {}],
    ["null", { reason: null }],
    ["an empty reason", { reason: "" }],
    ["501 characters", { reason: "x".repeat(501) }],
    ["a number", { reason: 1 }],
    ["a list", { reason: ["x"] }],
    ["an unknown member", { reason: "x", by: "me" }],
    ["a list of bodies", [{ reason: "x" }]],
    ["broken JSON", '{"reason":'],
    ["a member twice", '{"reason":"a","reason":"b"}'],
  ])("%s is refused with 400, and the client stays as it is", async (_what, body) => {
    const clientId = await bank.aClientThatIs("active");
    expect((await bank.staff.put(`/internal/Clients/${clientId}/block`, body)).status).toBe(400);
    expect(await bank.client(clientId)).toMatchObject({ status: "active", blockReason: null, blockedAt: null });
  });

  test.each(["x".repeat(500), "𝕏".repeat(500), "'; drop table client; --", "\u202e\u0007 \u0000", "Ω≈ç√"])(
    "any words of up to 500 characters are kept as they are",
    async (reason) => {
      const clientId = await bank.aClientThatIs("active");
      const answer = await bank.block(clientId, reason);
      if (answer.status === 400) return expect(reason).toContain("\u0000");
      expect(bodyOf(answer)).toMatchObject({ blockReason: reason });
      expect((await bank.history(clientId)).at(-1)).toMatchObject({ note: reason });
    },
  );
});

describe("a key", () => {
  test("answers the block once more after the client was unblocked, and does not block it again", async () => {
    const clientId = await bank.aClientThatIs("active");
    const send = () => bank.staff.put(`/internal/Clients/${clientId}/block`, { reason: "keyed" }, { "idempotency-key": `k ${clientId}` });
    const first = await send();
    bodyOf(await bank.unblock(clientId));
    const again = await send();
    expect(again.text).toBe(first.text);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect(await bank.client(clientId)).toMatchObject({ status: "active" });
  });

  test("keeps a refusal", async () => {
    const clientId = await aClient(bank);
    const send = () => bank.staff.put(`/internal/Clients/${clientId}/block`, { reason: "keyed" }, { "idempotency-key": `r ${clientId}` });
    expect(codeOf(await send())).toEqual([409, "invalidState"]);
    bodyOf(await bank.setStatus(clientId, "active"));
    expect(codeOf(await send())).toEqual([409, "invalidState"]);
  });
});

describe("the database", () => {
  const asApp = (text: string, clientId: string) =>
    bank.db.write({ kind: "system", id: "test", tenant: null, traceId: "test" }, (tx) => tx.query(text, [clientId]));

  test.each([
    ["client_block_leaves_nothing", "update client_profile.client set blocked_at = now() where id = $1"],
    ["client_block_leaves_nothing", "update client_profile.client set sealed_block_reason = '\\x00' where id = $1"],
    ["client_block_has_its_time", "update client_profile.client set status = 'blocked' where id = $1"],
    ["client_closed_has_its_time", "update client_profile.client set status = 'closed' where id = $1"],
    ["client_prohibited_is_never_active", "update client_profile.client set risk_level = 'prohibited' where id = $1"],
    [
      "client_stands_once_per_version",
      `insert into client_profile.client_status_history (client_id, at, status, verification_status, risk_level, version, reason, actor_kind, actor_id)
       select client_id, now(), 'blocked', verification_status, risk_level, version, 'x', 'system', 'x'
       from client_profile.client_status_history where client_id = $1 order by version desc limit 1`,
    ],
  ])("refuses by %s what no operation does", async (constraint, statement) => {
    await expect(asApp(statement, await bank.aClientThatIs("active"))).rejects.toMatchObject({ constraint });
  });
});

test("clients.read does not block", async () => {
  const clientId = await bank.aClientThatIs("active");
  const reader = bank.callAs({ kind: "system", scopes: ["clients.read", "documents.write", "ledger.admin"] });
  for (const verb of ["block", "unblock", "status"]) {
    expect((await reader.put(`/internal/Clients/${clientId}/${verb}`, { reason: "x" })).status).toBe(403);
  }
});
