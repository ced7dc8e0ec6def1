// Operation 101: the provider's events, as WH-1 to WH-9 and EXT-7 to EXT-9 ask.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient } from "../builders.ts";
import {
  anApplicantId,
  anEvent,
  digestOf,
  FINAL,
  GREEN,
  instant,
  openVerificationApp,
  RETRY,
  UPDATE,
  type VerificationApp,
} from "../setup/verification.ts";
import { bodyOf, WEBHOOK_SECRET } from "../setup/ledger.ts";

let bank: VerificationApp;
beforeAll(async () => {
  bank = await openVerificationApp();
});
afterAll(() => bank.close());

const applied = async (clientId: string, ...events: readonly (readonly [type: string, changes?: object])[]): Promise<string> => {
  const applicantId = anApplicantId();
  for (const [type, changes] of events) expect((await bank.happen(anEvent(applicantId, clientId, type, { ...changes }))).status).toBe(200);
  return applicantId;
};

describe("what an event does to a client", () => {
  test.each([
    ["applicantCreated", {}, "pending", "notStarted"],
    ["applicantPending", {}, "pending", "pending"],
    ["applicantPrechecked", {}, "pending", "pending"],
    ["applicantAwaitingService", {}, "pending", "pending"],
    ["applicantAwaitingUser", {}, "pending", "resubmissionRequested"],
    ["applicantOnHold", {}, "pending", "onHold"],
    ["applicantReviewed", GREEN, "active", "approved"],
    ["applicantWorkflowCompleted", GREEN, "active", "approved"],
    ["applicantReviewed", RETRY, "pending", "resubmissionRequested"],
    ["applicantReviewed", FINAL, "rejected", "rejected"],
    ["applicantWorkflowFailed", {}, "rejected", "rejected"],
  ])("%s %j of a pending client: %s, %s", async (type, changes, status, verificationStatus) => {
    const clientId = await bank.aNewcomer();
    await applied(clientId, ["applicantOnHold"], [type, changes]);
    expect(await bank.statusOf(clientId)).toEqual({ status, verificationStatus });
  });

  test("an approved client may own an account, a newcomer may not", async () => {
    const clientId = await bank.aNewcomer();
    const open = () => bank.system.post("/v2/internal/Accounts", { type: "client", clientId, currency: "EUR" });
    expect((await open()).body["code"]).toBe("clientNotActive");
    await applied(clientId, ["applicantReviewed", GREEN]);
    expect((await open()).status).toBe(200);
  });

  test("a final refusal after the approval blocks the client and stops its money, and staff hears of it", async () => {
    const account = await bank.aFundedAccount("10.00");
    const clientId = account.clientId ?? "";
    await applied(clientId, ["applicantReviewed", GREEN], ["applicantReviewed", FINAL]);
    expect(await bank.statusOf(clientId)).toEqual({ status: "blocked", verificationStatus: "rejected" });
    const other = await bank.anAccount();
    const refused = await bank.transfer({
      externalId: anApplicantId(),
      debitAccountId: account.id,
      creditAccountId: other.id,
      amount: "1.00",
      currency: "EUR",
    });
    expect(refused.body["code"]).toBe("clientBlocked");
    expect(await bank.alertsOf(clientId)).toEqual(["blockedByVerification"]);
    expect(await bank.verificationOf(clientId)).toMatchObject({ verificationStatus: "rejected", attention: ["blockedByVerification"] });
  });

  test("a client that is served and must try again is on hold and served on; staff hears of it until it is approved", async () => {
    const clientId = await aClient(bank);
    const applicantId = await applied(clientId, ["applicantReviewed", RETRY]);
    expect(await bank.statusOf(clientId)).toEqual({ status: "active", verificationStatus: "onHold" });
    expect(await bank.alertsOf(clientId)).toEqual(["resubmissionOfServed"]);
    await bank.happen(anEvent(applicantId, clientId, "applicantReviewed", GREEN));
    expect(await bank.verificationOf(clientId)).toMatchObject({ verificationStatus: "approved", attention: [] });
  });

  test("an approval that comes after the client was rejected changes no status, and staff hears of it", async () => {
    const clientId = await bank.aNewcomer();
    await applied(clientId, ["applicantReviewed", FINAL], ["applicantReviewed", GREEN]);
    expect(await bank.statusOf(clientId)).toEqual({ status: "rejected", verificationStatus: "approved" });
    expect(await bank.alertsOf(clientId)).toEqual(["approvedButNotActive"]);
  });

  test("a prohibited client is never made active", async () => {
    const clientId = await aClient(bank, { changes: { riskLevel: "prohibited" } });
    await applied(clientId, ["applicantReviewed", GREEN]);
    expect((await bank.statusOf(clientId)).status).toBe("rejected");
  });

  test.each([
    ["applicantDeactivated", "deactivated"],
    ["applicantDeleted", "deleted"],
    ["applicantPersonalDataDeleted", "personalDataDeleted"],
  ])("%s changes nothing and is shown to staff", async (type, attention) => {
    const clientId = await aClient(bank);
    const applicantId = await applied(clientId, [type]);
    expect(await bank.statusOf(clientId)).toEqual({ status: "active", verificationStatus: "approved" });
    expect([await bank.alertsOf(clientId), (await bank.verificationOf(clientId))["attention"]]).toEqual([[attention], [attention]]);
    await bank.happen(anEvent(applicantId, clientId, "applicantActivated"));
    expect((await bank.verificationOf(clientId))["attention"]).toEqual([]);
  });

  test.each(["applicantPersonalInfoChanged", "applicantLevelChanged", "applicantActionReviewed"])(
    "%s is recorded and changes nothing",
    async (type) => {
      const clientId = await aClient(bank);
      const applicantId = anApplicantId();
      expect((await bank.happen(anEvent(applicantId, clientId, type, FINAL))).body).toEqual({ processed: true });
      expect(await bank.statusOf(clientId)).toEqual({ status: "active", verificationStatus: "approved" });
      expect(await bank.eventsOf(applicantId)).toEqual([{ type, state: "done", outcome: "recorded" }]);
    },
  );

  test("a type that nobody knows is kept and answered", async () => {
    const clientId = await aClient(bank);
    const applicantId = anApplicantId();
    expect((await bank.happen(anEvent(applicantId, clientId, "applicantFlew", FINAL))).body).toEqual({
      processed: false,
      reason: "unknownType",
    });
    expect(await bank.eventsOf(applicantId)).toEqual([{ type: "applicantFlew", state: "done", outcome: "unknownType" }]);
    expect((await bank.statusOf(clientId)).status).toBe("active");
  });

  test("who, when and why stand in the client's history, and the world is told", async () => {
    const clientId = await bank.aNewcomer();
    await applied(clientId, ["applicantReviewed", GREEN]);
    const { items } = bodyOf(await bank.staff.get(`/internal/Clients/${clientId}/history`)) as { items: unknown[] };
    expect(items[0]).toMatchObject({
      by: { kind: "job", id: "apply_verification_events" },
      from: { status: "pending", verificationStatus: "notStarted" },
      to: { status: "active", verificationStatus: "approved" },
      reason: "applicantReviewed",
    });
    const { rows } = await bank.owner.query("select type from platform.event where subject = $1 order by occurred_at, id", [
      `client:${clientId}`,
    ]);
    expect(rows).toEqual(expect.arrayContaining([{ type: "client.verificationChanged" }, { type: "client.statusChanged" }]));
  });
});

describe("repeats and order", () => {
  test("the same event a hundred times has one effect, and every answer is 200", async () => {
    const clientId = await bank.aNewcomer();
    const applicantId = anApplicantId();
    const event = anEvent(applicantId, clientId, "applicantReviewed", GREEN);
    const answers = await Promise.all(Array.from({ length: 100 }, () => bank.webhook(event)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200));
    expect(answers.filter(({ body }) => body["processed"] === true)).toHaveLength(1);
    expect(answers.filter(({ body }) => body["reason"] === "repeat")).toHaveLength(99);
    await Promise.all(Array.from({ length: 8 }, () => bank.apply(applicantId)));
    expect(await bank.eventsOf(applicantId)).toHaveLength(1);
    const { items } = bodyOf(await bank.staff.get(`/internal/Clients/${clientId}/history`)) as { items: unknown[] };
    expect(items).toHaveLength(2);
  });

  test("an older event after a newer one is kept and changes nothing", async () => {
    const clientId = await bank.aNewcomer();
    const applicantId = await applied(clientId, ["applicantReviewed", GREEN]);
    const older = anEvent(applicantId, clientId, "applicantReviewed", { ...FINAL, createdAtMs: "2025-06-01 00:00:00.000" });
    expect((await bank.happen(older)).body).toEqual({ processed: false, reason: "older" });
    expect(await bank.statusOf(clientId)).toEqual({ status: "active", verificationStatus: "approved" });
    expect((await bank.eventsOf(applicantId))[1]).toMatchObject({ state: "done", outcome: "older" });
  });

  test("events that wait together are applied in the order in which they happened", async () => {
    const clientId = await bank.aNewcomer();
    const applicantId = anApplicantId();
    const events = [anEvent(applicantId, clientId, "applicantReviewed", GREEN), anEvent(applicantId, clientId, "applicantReviewed", FINAL)];
    for (const event of events.toReversed()) await bank.webhook(event);
    await bank.apply(applicantId);
    // Approved first, refused then: blocked, and not rejected as a newcomer is.
    expect(await bank.statusOf(clientId)).toEqual({ status: "blocked", verificationStatus: "rejected" });
  });

  test.each([
    [[GREEN, FINAL], "rejected"],
    [[FINAL, GREEN], "rejected"],
    // It was active when it was asked for more.
    [[GREEN, RETRY], "onHold"],
    [[RETRY, GREEN], "resubmissionRequested"],
  ])("of events of one instant the more careful one counts, whichever came first: %j", async (reviews, verificationStatus) => {
    const clientId = await bank.aNewcomer();
    const applicantId = anApplicantId();
    const createdAtMs = "2026-03-01 12:00:00.000";
    for (const review of reviews) await bank.happen(anEvent(applicantId, clientId, "applicantReviewed", { ...review, createdAtMs }));
    expect((await bank.statusOf(clientId)).verificationStatus).toBe(verificationStatus);
  });

  test.each([
    ["2026-02-30 00:00:00.000", "malformedTime"],
    ["yesterday", "malformedTime"],
    [1_700_000_000_000, "malformedTime"],
    [{ at: 1 }, "malformedTime"],
    [undefined, "malformedTime"],
    ["2999-01-01 00:00:00.000", "futureTime"],
  ])("an event of %j is parked", async (createdAtMs, reason) => {
    const clientId = await bank.aNewcomer();
    const applicantId = anApplicantId();
    const event = { ...anEvent(applicantId, clientId, "applicantReviewed", GREEN), createdAtMs };
    expect((await bank.happen(event)).body).toEqual({ processed: false, reason });
    expect((await bank.statusOf(clientId)).status).toBe("pending");
    expect(await bank.eventsOf(applicantId)).toMatchObject([{ state: "parked", outcome: reason }]);
  });

  test("the older form of the instant is read", async () => {
    const clientId = await bank.aNewcomer();
    const applicantId = anApplicantId();
    const { createdAtMs: _new, ...event } = anEvent(applicantId, clientId, "applicantReviewed", GREEN) as { createdAtMs?: string };
    await bank.happen({ ...event, applicantId, createdAt: "2026-03-01 12:00:00+0000" });
    expect((await bank.statusOf(clientId)).status).toBe("active");
  });
});

describe("whose event it is", () => {
  test("the applicant is linked by our id once; from then on its own id decides, whatever our id in an event says", async () => {
    const [ada, grace] = [await bank.aNewcomer(), await bank.aNewcomer()];
    const applicantId = await applied(ada, ["applicantPending"]);
    await bank.happen(anEvent(applicantId, grace, "applicantReviewed", GREEN));
    expect((await bank.statusOf(ada)).status).toBe("active");
    expect(await bank.statusOf(grace)).toEqual({ status: "pending", verificationStatus: "notStarted" });
  });

  test("another applicant under a client's id decides nothing about it", async () => {
    const clientId = await bank.aNewcomer();
    await applied(clientId, ["applicantPending"]);
    const foreign = anApplicantId();
    expect((await bank.happen(anEvent(foreign, clientId, "applicantReviewed", GREEN))).body).toEqual({
      processed: false,
      reason: "otherApplicant",
    });
    expect(await bank.statusOf(clientId)).toEqual({ status: "pending", verificationStatus: "pending" });
    expect(await bank.eventsOf(foreign)).toMatchObject([{ state: "parked", outcome: "otherApplicant" }]);
  });

  test("the provider's own tenant id is no client of ours", async () => {
    const clientId = await bank.aNewcomer();
    const event = anEvent(anApplicantId(), null, "applicantReviewed", { ...GREEN, clientId });
    expect((await bank.happen(event)).body).toEqual({ processed: false, reason: "unknownApplicant" });
    expect((await bank.statusOf(clientId)).status).toBe("pending");
  });

  test("a company's event says nothing about a person, nor the other way round", async () => {
    const clientId = await bank.aNewcomer();
    const event = anEvent(anApplicantId(), clientId, "applicantReviewed", { ...GREEN, applicantType: "company" });
    expect((await bank.happen(event)).body).toEqual({ processed: false, reason: "otherType" });
    expect((await bank.statusOf(clientId)).status).toBe("pending");
  });

  test.each([
    undefined,
    null,
    7,
    {},
    "",
    "nobody",
    "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0eff",
    "__proto__",
    "'; drop table onboarding.applicant; --",
  ])("an applicant of %j is unknown: its events wait", async (externalUserId) => {
    const applicantId = anApplicantId();
    const answer = await bank.happen({ ...anEvent(applicantId, null, "applicantReviewed", GREEN), externalUserId });
    expect(answer.body).toEqual({ processed: false, reason: "unknownApplicant" });
    expect(await bank.eventsOf(applicantId)).toMatchObject([{ state: "waiting", outcome: null }]);
  });

  test("our id is known in any letter case", async () => {
    const clientId = await bank.aNewcomer();
    await applied(clientId.toUpperCase(), ["applicantReviewed", GREEN]);
    expect((await bank.statusOf(clientId)).status).toBe("active");
  });

  test("two applicants that come under one id at once: one is linked, for good", async () => {
    const clientId = await bank.aNewcomer();
    const ids = Array.from({ length: 10 }, anApplicantId);
    await Promise.all(ids.map((id) => bank.webhook(anEvent(id, clientId, "applicantPending"))));
    await Promise.all(ids.map((id) => bank.apply(id)));
    const outcomes = [];
    for (const id of ids) outcomes.push(...(await bank.eventsOf(id)).map(({ outcome }) => outcome));
    expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "otherApplicant")).toHaveLength(9);
  });
});

describe("what is not an event", () => {
  const body = JSON.stringify(anEvent(anApplicantId(), null, "applicantPending"));
  const send = (text: string, headers: Record<string, string | string[]>) =>
    bank.app.inject({ method: "POST", url: UPDATE, headers: { "content-type": "application/json", ...headers }, payload: text });
  const count = async () => (await bank.owner.query<{ n: string }>("select count(*) as n from onboarding.verification_event")).rows[0]?.n;

  test.each<[string, Record<string, string | string[]>]>([
    ["no digest", {}],
    ["an empty one", { "x-payload-digest": "" }],
    ["upper case", { "x-payload-digest": digestOf(body).toUpperCase() }],
    ["a part", { "x-payload-digest": digestOf(body).slice(0, 40) }],
    ["another secret", { "x-payload-digest": digestOf(body, "another") }],
    ["two headers", { "x-payload-digest": [digestOf(body), digestOf(body)] }],
    [
      "SHA-1 where it is not configured",
      { "x-payload-digest": digestOf(body, WEBHOOK_SECRET, "sha1"), "x-payload-digest-alg": "HMAC_SHA1_HEX" },
    ],
    ["__proto__", { "x-payload-digest": digestOf(body), "x-payload-digest-alg": "__proto__" }],
    ["a token alone", { authorization: "Bearer x" }],
  ])("%s: 401, and nothing is kept", async (_, headers) => {
    const before = await count();
    expect((await send(body, headers)).statusCode).toBe(401);
    expect(await count()).toBe(before);
  });

  test("SHA-512 is accepted, and SHA-256 is what a missing algorithm means", async () => {
    expect(
      (await send(body, { "x-payload-digest": digestOf(body, WEBHOOK_SECRET, "sha512"), "x-payload-digest-alg": "HMAC_SHA512_HEX" }))
        .statusCode,
    ).toBe(200);
    expect((await send(body, { "x-payload-digest": digestOf(body) })).json()).toMatchObject({ reason: "repeat" });
  });

  test.each(["", "not json", "[]", "null", "7", '"x"', '{"type":"x","type":"y"}', "\ufeff{}", "{} {}", '{"__proto__":1}'])(
    "%j: 400",
    async (text) => {
      const answer = await send(text, { "x-payload-digest": digestOf(text) });
      expect(answer.statusCode).toBe(400);
    },
  );

  test.each([
    [{}, ["type", "applicantId"]],
    [{ type: "applicantPending" }, ["applicantId"]],
    [{ type: 1, applicantId: "a" }, ["type"]],
    [{ type: "x".repeat(101), applicantId: ["a"] }, ["type", "applicantId"]],
  ])("%j: 400, naming what is missing", async (payload, names) => {
    const { status, body: problem } = await bank.webhook(payload);
    expect([status, problem["code"], Object.keys(problem["errors"] as object)]).toEqual([400, "validationFailed", names]);
  });

  test("other spacing, escapes and numbers are other bytes: each is signed as it is sent", async () => {
    const applicantId = anApplicantId();
    const texts = [
      `{ "type":"applicantPending" , "applicantId":"${applicantId}","createdAtMs":"${instant(1)}","n":1.10}`,
      `{"type":"applicantPending","applicantId":"${applicantId}","createdAtMs":"${instant(2)}","s":"\\u00e9"}\r\n`,
      `{"type":"applicantPending","applicantId":"${applicantId}","createdAtMs":"${instant(3)}","s":"é","n":1e400}`,
    ];
    for (const text of texts) expect((await bank.webhook(text)).status).toBe(200);
    expect(await bank.eventsOf(applicantId)).toHaveLength(3);
  });

  test("more than 256 KiB: 413, whatever the digest", async () => {
    const text = JSON.stringify({ type: "x", applicantId: "a", more: "x".repeat(300_000) });
    expect((await send(text, { "x-payload-digest": digestOf(text) })).statusCode).toBe(413);
    expect((await send("x".repeat(10_000_000), { "x-payload-digest": "0" })).statusCode).toBe(413);
  });
});

test("what the provider says of a person in free words stands nowhere", async () => {
  const clientId = await bank.aNewcomer();
  const review = { ...RETRY.reviewResult, clientComment: "canary-of-staff", moderationComment: "canary-of-applicant" };
  const applicantId = await applied(clientId, ["applicantReviewed", { reviewResult: review, firstName: "canary-of-name" }]);
  const { rows } = await bank.owner.query("select e::text as row from onboarding.verification_event e where applicant_id = $1", [
    applicantId,
  ]);
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain("canary");
});
