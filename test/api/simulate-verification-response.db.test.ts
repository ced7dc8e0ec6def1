// Operation 102: verdicts for those who try the bank out, and nothing at all in production.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { aClient, unique } from "../builders.ts";
import {
  anApplicantId,
  anEvent,
  GREEN,
  openProvider,
  openVerificationApp,
  type ProviderTest,
  SIMULATE,
  UPDATE,
  type VerificationApp,
} from "../setup/verification.ts";
import { bodyOf } from "../setup/ledger.ts";

let bank: VerificationApp;
let alone: VerificationApp;
let sumsub: ProviderTest;
beforeAll(async () => {
  sumsub = await openProvider();
  bank = await openVerificationApp({ verification: { provider: sumsub.provider } });
  alone = await openVerificationApp();
});
beforeEach(() => sumsub.behave({}));
afterAll(async () => {
  await bank.close();
  await alone.close();
  await sumsub.close();
});

const RED_FINAL = { reviewAnswer: "RED", reviewRejectType: "FINAL", rejectLabels: ["FORGERY"] };
const RED_RETRY = {
  reviewAnswer: "RED",
  reviewRejectType: "RETRY",
  rejectLabels: ["SCREENSHOTS"],
  clientComment: "c",
  moderationComment: "m",
};

describe.each([
  ["with a provider", () => bank],
  ["without one", () => alone],
])("%s", (_, app) => {
  test.each([
    [{ reviewAnswer: "GREEN" }, "active", "approved"],
    [{ reviewAnswer: "GREEN", rejectLabels: [], reviewRejectType: null, clientComment: null }, "active", "approved"],
    [RED_RETRY, "pending", "resubmissionRequested"],
    [RED_FINAL, "rejected", "rejected"],
  ])("%j of a newcomer is there when the answer is: %s, %s", async (review, status, verificationStatus) => {
    const clientId = await app().aNewcomer();
    const body = bodyOf(await app().staff.post(SIMULATE, { clientId, ...review }));
    expect(body).toEqual({ applicantId: expect.stringMatching(/^[0-9a-f]{24}$/) as string, verificationStatus });
    expect(await app().statusOf(clientId)).toEqual({ status, verificationStatus });
  });

  test("one verdict after the other: the last one counts, however fast they come", async () => {
    const clientId = await app().aNewcomer();
    const statuses = [];
    for (const review of [RED_RETRY, { reviewAnswer: "GREEN" }, RED_FINAL, { reviewAnswer: "GREEN" }, RED_RETRY]) {
      statuses.push(bodyOf(await app().staff.post(SIMULATE, { clientId, ...review }))["verificationStatus"]);
    }
    expect(statuses).toEqual(["resubmissionRequested", "approved", "rejected", "approved", "onHold"]);
  });

  test("an applicant is named by the provider's id as well", async () => {
    const clientId = await app().aNewcomer();
    const { applicantId } = bodyOf(await app().staff.post(SIMULATE, { clientId, ...RED_RETRY }));
    expect(bodyOf(await app().staff.post(SIMULATE, { applicantId, reviewAnswer: "GREEN" }))).toEqual({
      applicantId,
      verificationStatus: "approved",
    });
  });

  test("an Idempotency-Key gives one verdict", async () => {
    const clientId = await app().aNewcomer();
    const headers = { "idempotency-key": unique("key") };
    const order = { clientId, reviewAnswer: "GREEN" };
    const [first, second] = [await app().staff.post(SIMULATE, order, headers), await app().staff.post(SIMULATE, order, headers)];
    expect([bodyOf(second), second.headers["idempotency-replayed"]]).toEqual([bodyOf(first), "true"]);
    expect(await app().eventsOf(String(first.body["applicantId"]))).toHaveLength(1);
    expect((await app().staff.post(SIMULATE, { clientId, ...RED_FINAL }, headers)).status).toBe(422);
  });
});

test("the walk of a newcomer: created, verified, and the owner of an account", async () => {
  const clientId = await bank.aNewcomer();
  expect(bodyOf(await bank.staff.post(`/internal/Clients/${clientId}/verification`))).toMatchObject({
    accessToken: expect.any(String) as string,
  });
  bodyOf(await bank.staff.post(SIMULATE, { clientId, reviewAnswer: "GREEN" }));
  expect((await bank.system.post("/v2/internal/Accounts", { type: "client", clientId, currency: "EUR" })).status).toBe(200);
});

test("the provider is told, comments included, and its own event changes nothing more", async () => {
  const clientId = await bank.aNewcomer();
  const { applicantId } = bodyOf(await bank.staff.post(SIMULATE, { clientId, ...RED_RETRY }));
  expect(await sumsub.provider?.findState(String(applicantId), new AbortController().signal)).toEqual({
    reviewStatus: "completed",
    reviewAnswer: "RED",
  });
  expect((await sumsub.sent()).map(({ type }) => type)).toContain("applicantReviewed");
  expect(await sumsub.known(clientId)).toHaveLength(1);
});

describe("what is refused", () => {
  const clientId = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
  test.each<[object, string]>([
    [{ reviewAnswer: "GREEN" }, "clientId"],
    [{ reviewAnswer: "GREEN", clientId, applicantId: "a" }, "clientId"],
    [{ reviewAnswer: "GREEN", clientId: null, applicantId: null }, "clientId"],
    [{ reviewAnswer: "RED", clientId }, "reviewRejectType"],
    [{ reviewAnswer: "RED", clientId, reviewRejectType: null }, "reviewRejectType"],
    [{ reviewAnswer: "YELLOW", clientId }, "reviewAnswer"],
    [{ clientId }, "reviewAnswer"],
    [{ reviewAnswer: "RED", clientId, reviewRejectType: "EXTERNAL" }, "reviewRejectType"],
    [{ reviewAnswer: "GREEN", clientId: "nobody" }, "clientId"],
    [{ reviewAnswer: "GREEN", clientId, rejectLabels: "FORGERY" }, "rejectLabels"],
    [{ reviewAnswer: "GREEN", clientId, rejectLabels: [""] }, "rejectLabels[0]"],
    [{ reviewAnswer: "GREEN", clientId, clientComment: "x".repeat(2_001) }, "clientComment"],
    [{ reviewAnswer: "GREEN", clientId, status: "active" }, "status"],
  ])("%j: 400, %s", async (body, field) => {
    const answer = await bank.staff.post(SIMULATE, body);
    expect([answer.status, Object.keys(answer.body["errors"] as object).join()]).toEqual([
      400,
      expect.stringContaining(field.replace("[0]", "")) as string,
    ]);
  });

  test("404 for a client or an applicant that is not there, or another tenant's", async () => {
    const theirs = await bank.aNewcomer("tenant-a");
    const { applicantId } = bodyOf(await bank.staff.post(SIMULATE, { clientId: theirs, ...RED_RETRY }));
    const other = bank.callAs({ kind: "system", scopes: ["integration.import"], tenant: "tenant-b" });
    for (const whose of [{ clientId: theirs }, { applicantId }, { clientId }, { applicantId: "0".repeat(24) }]) {
      expect((await other.post(SIMULATE, { ...whose, reviewAnswer: "GREEN" })).status).toBe(404);
    }
    expect((await bank.statusOf(theirs)).verificationStatus).toBe("resubmissionRequested");
    const own = bank.callAs({ kind: "system", scopes: ["integration.import"], tenant: "tenant-a" });
    expect((await own.post(SIMULATE, { applicantId, reviewAnswer: "GREEN" })).status).toBe(200);
  });

  test("what the provider refuses, or does not answer, changes nobody", async () => {
    const newcomer = await bank.aNewcomer();
    bodyOf(await bank.staff.post(`/internal/Clients/${newcomer}/verification`));
    for (const [answers, code] of [
      ["refuse", "verificationRefused"],
      ["fail", "verificationUnavailable"],
    ] as const) {
      await sumsub.behave({ answers });
      expect((await bank.staff.post(SIMULATE, { clientId: newcomer, reviewAnswer: "GREEN" })).body["code"]).toBe(code);
    }
    expect(await bank.statusOf(newcomer)).toEqual({ status: "pending", verificationStatus: "notStarted" });
  });

  test("under an Idempotency-Key what the provider did not do is done by the repeat", async () => {
    const newcomer = await bank.aNewcomer();
    bodyOf(await bank.staff.post(`/internal/Clients/${newcomer}/verification`));
    const headers = { "idempotency-key": unique("key") };
    const order = { clientId: newcomer, reviewAnswer: "GREEN" };
    await sumsub.behave({ answers: "fail" });
    expect((await bank.staff.post(SIMULATE, order, headers)).status).toBe(503);
    await sumsub.behave({});
    expect(bodyOf(await bank.staff.post(SIMULATE, order, headers))["verificationStatus"]).toBe("approved");
  });

  test("a token without the scope: 403, none: 401", async () => {
    const body = { clientId, reviewAnswer: "GREEN" };
    expect((await bank.callAs({ kind: "system", scopes: ["clients.write"] }).post(SIMULATE, body)).status).toBe(403);
    expect((await bank.callAs(null).post(SIMULATE, body)).status).toBe(401);
  });
});

describe("in production", () => {
  let production: VerificationApp;
  beforeAll(async () => {
    production = await openVerificationApp({ verification: { isProduction: true } });
  });
  afterAll(() => production.close());

  test("nothing is simulated: 404, whoever asks, with whatever method", async () => {
    const token = await production.mint({ audience: "system", scope: "integration.import" });
    for (const method of ["POST", "GET", "HEAD", "PUT", "OPTIONS", "DELETE"] as const) {
      for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
        for (const url of [SIMULATE, SIMULATE.toUpperCase(), `${SIMULATE}/`]) {
          const answer = await production.app.inject({ method, url, headers });
          expect([method, url, answer.statusCode]).toEqual([method, url, 404]);
        }
      }
    }
    expect((await production.app.inject({ method: "GET", url: UPDATE })).statusCode).toBe(405);
  });

  test.each([true, "true", 1, {}])("an event of the sandbox (%j) is kept and changes nothing", async (sandboxMode) => {
    const clientId = await production.aNewcomer();
    const applicantId = anApplicantId();
    const event = anEvent(applicantId, clientId, "applicantReviewed", { ...GREEN, sandboxMode });
    expect((await production.happen(event)).body).toEqual({ processed: false, reason: "sandbox" });
    expect((await production.statusOf(clientId)).status).toBe("pending");
    expect(await production.eventsOf(applicantId)).toEqual([{ type: "applicantReviewed", state: "parked", outcome: "sandbox" }]);
  });

  test("an event that is none of the sandbox's is applied", async () => {
    const clientId = await aClient(production);
    await production.happen(anEvent(anApplicantId(), clientId, "applicantOnHold"));
    expect((await production.statusOf(clientId)).verificationStatus).toBe("onHold");
  });
});
