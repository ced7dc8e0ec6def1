// The checks of verification see what they are for: each is silent over sound tables and tells of planted damage.

import { afterAll, beforeAll, expect, test } from "vitest";
import { anApplicantId, anEvent, GREEN, openVerificationApp, type VerificationApp } from "../../../test/setup/verification.ts";
import { verificationVerifiable } from "./checks.store.ts";

let bank: VerificationApp;
let applicantId: string;
beforeAll(async () => {
  bank = await openVerificationApp();
  applicantId = anApplicantId();
  const clientId = await bank.aNewcomer();
  await bank.happen(anEvent(applicantId, clientId, "applicantPending"));
  await bank.happen(anEvent(applicantId, clientId, "applicantReviewed", GREEN));
});
afterAll(() => bank.close());

const DAMAGES = [
  [
    "an event that nobody applied",
    "update onboarding.verification_event set state = 'new', outcome = null, settled_at = null, received_at = now() - interval '2 hours' where rank = 4",
  ],
  ["a verdict that was taken back", "update onboarding.applicant set applied_at = applied_at - interval '1 millisecond'"],
] as const;

test.each(verificationVerifiable.checks.map((check, at) => [DAMAGES[at]?.[0] ?? "nothing", check, DAMAGES[at]?.[1] ?? ""] as const))(
  "%s is seen",
  async (_, { sql }, damage) => {
    expect((await bank.owner.query(sql)).rows).toEqual([]);
    await bank.owner.query("begin");
    try {
      // Past the triggers, as a mistake at the database's console would be.
      await bank.owner.query("set local session_replication_role = replica");
      await bank.owner.query(damage);
      expect((await bank.owner.query(sql)).rows).toMatchObject([{ place: { applicantId } }]);
    } finally {
      await bank.owner.query("rollback");
    }
  },
);

test.each([
  ["a link is changed", "update onboarding.applicant set applicant_id = 'another'", /is linked/],
  ["a verdict is taken back", "update onboarding.applicant set applied_at = applied_at - interval '1 second'", /newer verdict/],
  ["a settled event is settled again", "update onboarding.verification_event set outcome = 'older'", /is settled/],
  ["an event is removed", "delete from onboarding.verification_event", /never changed or removed/],
  ["an applicant is removed", "delete from onboarding.applicant", /never changed or removed/],
])("the database refuses, also its owner: %s", async (_, statement, message) => {
  await expect(bank.owner.query(statement)).rejects.toThrow(message);
});
