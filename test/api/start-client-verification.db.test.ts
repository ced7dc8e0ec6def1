// POST and GET /internal/Clients/{clientId}/verification: a client becomes known to the provider once, whatever fails between (EXT-1, EXT-2,
// EXT-4, EXT-9).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { aClient, anIndividual, unique } from "../builders.ts";
import {
  anApplicantId,
  anEvent,
  FINAL,
  GREEN,
  openProvider,
  openVerificationApp,
  type ProviderTest,
  type VerificationApp,
} from "../setup/verification.ts";
import { bodyOf } from "../setup/ledger.ts";

let bank: VerificationApp;
let sumsub: ProviderTest;
beforeAll(async () => {
  sumsub = await openProvider();
  bank = await openVerificationApp({ verification: { provider: sumsub.provider } });
});
beforeEach(() => sumsub.behave({}));
afterAll(async () => {
  await bank.close();
  await sumsub.close();
});

const pathOf = (clientId: string) => `/internal/Clients/${clientId}/verification`;
const start = (clientId: string, headers: Record<string, string> = {}) => bank.staff.post(pathOf(clientId), undefined, headers);

async function aCompany(): Promise<{ clientId: string; persons: string[] }> {
  const person = (name: string) => {
    const { externalId: _id, riskLevel: _risk, ...rest } = anIndividual({ firstName: name });
    return { roles: ["director", "shareholder"], sharePercent: 50, ...rest };
  };
  const { address, phoneNumber } = anIndividual() as { address: object; phoneNumber: string };
  const answer = bodyOf(
    await bank.staff.post("/internal/Clients", {
      type: "company",
      externalId: unique("company"),
      riskLevel: "low",
      email: `${unique("company")}@example.com`,
      phoneNumber,
      address,
      company: {
        companyName: "Sample Ltd",
        registrationNumber: "HRB 1",
        registrationCountry: "DE",
        registrationDate: "2020-01-01",
        relatedIndividuals: [person("Ada"), person("Grace")],
      },
    }),
  );
  const clientId = String(answer["clientId"]);
  const { company } = bodyOf(await bank.staff.get(`/internal/Clients/${clientId}`)) as {
    company: { relatedIndividuals: { relatedIndividualId: string }[] };
  };
  return { clientId, persons: company.relatedIndividuals.map(({ relatedIndividualId }) => relatedIndividualId) };
}

test("a newcomer becomes an applicant and gets a token", async () => {
  const clientId = await bank.aNewcomer();
  const before = Date.now();
  const body = bodyOf(await start(clientId));
  const [known] = await sumsub.known(clientId);
  expect(body).toEqual({
    applicantId: known?.id,
    levelName: "test level of persons",
    accessToken: expect.stringMatching(/^_act-/) as string,
    expiresAt: expect.any(String) as string,
  });
  const lasts = new Date(String(body["expiresAt"])).getTime() - before;
  expect([lasts > 1_700_000, lasts < 1_860_000]).toEqual([true, true]);
  expect(await bank.verificationOf(clientId)).toEqual({
    clientId,
    applicantId: known?.id,
    levelName: "test level of persons",
    verificationStatus: "notStarted",
    lastEvent: null,
    attention: [],
    relatedIndividuals: [],
  });
});

test("nobody's verification is shown as not begun", async () => {
  const clientId = await bank.aNewcomer();
  expect(await bank.verificationOf(clientId)).toMatchObject({
    applicantId: null,
    levelName: null,
    verificationStatus: "notStarted",
    lastEvent: null,
  });
});

test("repeated, the applicant stays and the token is a new one", async () => {
  const clientId = await bank.aNewcomer();
  const [first, second] = [bodyOf(await start(clientId)), bodyOf(await start(clientId))];
  expect(second["applicantId"]).toBe(first["applicantId"]);
  expect(second["accessToken"]).not.toBe(first["accessToken"]);
  expect(await sumsub.known(clientId)).toHaveLength(1);
});

test("asked for twenty times at once, there is one applicant, and nobody waits in vain", async () => {
  const clientId = await bank.aNewcomer();
  const answers = await Promise.all(Array.from({ length: 20 }, () => start(clientId)));
  for (const { status, body } of answers) expect([200, 503], JSON.stringify(body)).toContain(status);
  expect(answers.some(({ status }) => status === 200)).toBe(true);
  expect(bodyOf(await start(clientId))["applicantId"]).toBe((await sumsub.known(clientId))[0]?.id);
  expect(await sumsub.known(clientId)).toHaveLength(1);
});

test.each(["drop", "garbage", "huge", "slow"] as const)("an answer that is lost makes no second applicant: %s", async (answers) => {
  const clientId = await bank.aNewcomer();
  await sumsub.behave({ answers, calls: 1, delayMs: 1_000 });
  expect((await start(clientId)).status).toBe(200);
  expect(await sumsub.known(clientId)).toHaveLength(1);
});

test("a process that dies between the provider's answer and the commit leaves nothing that is done twice", async () => {
  const clientId = await bank.aNewcomer();
  // What such a process leaves: the intention, its hold on it, and an applicant that nobody here knows.
  await bank.owner.query(
    `insert into onboarding.applicant (subject_id, client_id, level_name, created_at, creating_until)
     values ($1, $1, 'test level of persons', now(), now() + interval '45 seconds')`,
    [clientId],
  );
  const address = { streetLine1: "1", city: "c", zip: "z", country: "DE" };
  const individual = { firstName: "S", lastName: "P", dateOfBirth: "1990-01-01", citizenshipCountry: "DE", residenceCountry: "DE" };
  const order = {
    externalUserId: clientId,
    levelName: "l",
    email: "a@example.com",
    phoneNumber: "+4915123456789",
    address,
    individual,
    company: null,
  };
  const { applicantId } = (await sumsub.provider?.createApplicant(order, new AbortController().signal)) ?? {};
  expect(bodyOf(await start(clientId))["applicantId"]).toBe(applicantId);
  expect(await sumsub.known(clientId)).toHaveLength(1);
});

test("a process that dies before it asks the provider is waited for, and then another one asks", async () => {
  const clientId = await bank.aNewcomer();
  await bank.owner.query(
    `insert into onboarding.applicant (subject_id, client_id, level_name, created_at, creating_until)
     values ($1, $1, 'test level of persons', now(), now() + interval '45 seconds')`,
    [clientId],
  );
  expect((await start(clientId)).body["code"]).toBe("busy");
  expect(await sumsub.known(clientId)).toEqual([]);
  await bank.owner.query("update onboarding.applicant set creating_until = now() - interval '1 second' where subject_id = $1", [clientId]);
  expect((await start(clientId)).status).toBe(200);
});

test("an event that comes before the provider's answer finds its client, and one that names nobody waits for it", async () => {
  const [named, unnamed] = [await bank.aNewcomer(), await bank.aNewcomer()];
  // The provider has created the applicant, and its answer is lost on the way to us for good.
  await sumsub.behave({ answers: "drop", calls: 0 });
  for (const clientId of [named, unnamed]) expect((await start(clientId)).body["code"]).toBe("verificationUnavailable");
  const [one, two] = [(await sumsub.known(named))[0]?.id ?? "", (await sumsub.known(unnamed))[0]?.id ?? ""];
  await bank.happen(anEvent(one, named, "applicantReviewed", GREEN));
  expect((await bank.statusOf(named)).status).toBe("active");
  expect((await bank.happen(anEvent(two, null, "applicantReviewed", GREEN))).body).toEqual({
    processed: false,
    reason: "unknownApplicant",
  });
  await sumsub.behave({});
  for (const clientId of [named, unnamed]) expect((await start(clientId)).status).toBe(200);
  await bank.apply(two);
  expect((await bank.statusOf(unnamed)).status).toBe("active");
});

describe("what is refused", () => {
  test.each(["fail", "tooMany", "redirect"] as const)("503 while the provider is not there: %s", async (answers) => {
    const clientId = await bank.aNewcomer();
    await sumsub.behave({ answers });
    const { status, body } = await start(clientId);
    expect([status, body["code"]]).toEqual([503, "verificationUnavailable"]);
    await sumsub.behave({});
    // The breaker may still be open: another provider's client is asked to see that the intention was left as it should be.
    const { rows } = await bank.owner.query("select creating_until, applicant_id from onboarding.applicant where subject_id = $1", [
      clientId,
    ]);
    expect(rows).toEqual([{ creating_until: null, applicant_id: null }]);
  });

  test("409 where the provider says no, without its words", async () => {
    const clientId = await bank.aNewcomer();
    await sumsub.behave({ answers: "refuse", calls: 1 });
    const { status, body, text } = await start(clientId);
    expect([status, body["code"], body["providerCode"], typeof body["correlationId"]]).toEqual([
      409,
      "verificationRefused",
      "400",
      "string",
    ]);
    expect(text).not.toContain("told to");
    expect((await start(clientId)).status).toBe(200);
  });

  test("404 for another tenant's client, one that is not there, and one that is erased", async () => {
    const clientId = await bank.aNewcomer("tenant-a");
    const other = bank.callAs({ kind: "system", scopes: ["clients.read", "clients.write"], tenant: "tenant-b" });
    for (const id of [clientId, "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0eff"]) {
      expect([(await other.post(pathOf(id))).status, (await other.get(pathOf(id))).status]).toEqual([404, 404]);
    }
    expect(await sumsub.known(clientId)).toEqual([]);
  });

  test("409 for a client that is rejected", async () => {
    const clientId = await aClient(bank, { changes: { riskLevel: "prohibited" } });
    expect((await start(clientId)).body["code"]).toBe("invalidState");
  });

  test("409 for a client that asked to be forgotten", async () => {
    const clientId = await aClient(bank);
    await bank.owner.query("update client_profile.client set restricted_at = now() where id = $1", [clientId]);
    expect((await start(clientId)).body["code"]).toBe("invalidState");
  });

  test("an Idempotency-Key stands for one client", async () => {
    const [one, two] = [await bank.aNewcomer(), await bank.aNewcomer()];
    const headers = { "idempotency-key": unique("key") };
    const answers = [await start(one, headers), await start(one, headers), await start(two, headers)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 422]);
    expect(answers[1]?.body["applicantId"]).toBe(answers[0]?.body["applicantId"]);
  });

  test("a body with something in it: 400", async () => {
    const clientId = await bank.aNewcomer();
    expect((await bank.staff.post(pathOf(clientId), { levelName: "x" })).status).toBe(400);
  });
});

describe("a company", () => {
  test("is an applicant, and each of its persons another one, linked to it once", async () => {
    const { clientId, persons } = await aCompany();
    expect(bodyOf(await start(clientId))["levelName"]).toBe("test level of companies");
    await bank.introduce();
    bodyOf(await start(clientId));
    await bank.introduce();
    const [company] = await sumsub.known(clientId);
    expect(company?.beneficiaries).toHaveLength(2);
    for (const id of persons) expect(await sumsub.known(id)).toHaveLength(1);
    const { relatedIndividuals } = (await bank.verificationOf(clientId)) as { relatedIndividuals: { relatedIndividualId: string }[] };
    expect(relatedIndividuals.map(({ relatedIndividualId }) => relatedIndividualId).toSorted()).toEqual(persons.toSorted());
  });

  test("has a verdict of its own: that of a person is the person's", async () => {
    const { clientId, persons } = await aCompany();
    bodyOf(await start(clientId));
    await bank.introduce();
    const [ada = "", grace = ""] = persons;
    const idOf = async (subject: string) => (await sumsub.known(subject))[0]?.id ?? "";
    await bank.happen(anEvent(await idOf(ada), ada, "applicantReviewed", GREEN));
    await bank.happen(anEvent(await idOf(grace), grace, "applicantReviewed", FINAL));
    expect(await bank.statusOf(clientId)).toEqual({ status: "pending", verificationStatus: "notStarted" });
    const { company } = bodyOf(await bank.staff.get(`/internal/Clients/${clientId}`)) as {
      company: { relatedIndividuals: { verificationStatus: string }[] };
    };
    expect(company.relatedIndividuals.map(({ verificationStatus }) => verificationStatus)).toEqual(["approved", "rejected"]);
    expect(await bank.alertsOf(clientId)).toEqual(["personRejected"]);
    await bank.happen(anEvent(await idOf(clientId), clientId, "applicantReviewed", { ...GREEN, applicantType: "company" }));
    expect(await bank.statusOf(clientId)).toEqual({ status: "active", verificationStatus: "approved" });
  });

  test("is linked to a person whose answer was lost, once", async () => {
    const { clientId, persons } = await aCompany();
    bodyOf(await start(clientId));
    await sumsub.behave({ answers: "drop", calls: 1 });
    await bank.introduce();
    for (const id of persons) expect(await sumsub.known(id)).toHaveLength(1);
  });
});

test("without a provider nobody can be verified: 503", async () => {
  const alone = await openVerificationApp();
  const clientId = await alone.aNewcomer();
  expect((await alone.staff.post(pathOf(clientId))).body["code"]).toBe("verificationUnavailable");
  const applicantId = anApplicantId();
  await alone.happen(anEvent(applicantId, clientId, "applicantReviewed", GREEN));
  expect((await alone.statusOf(clientId)).status).toBe("active");
  await alone.close();
});
