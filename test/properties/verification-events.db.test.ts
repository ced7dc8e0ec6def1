// Bodies of chance under right digests, and a flood of them: never a server's fault, nothing kept that a database cannot hold, everybody else
// served as before. FINLEGO_NIGHTLY=1 sends 50 000 and floods for longer.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anApplicantId, anEvent, digestOf, GREEN, openVerificationApp, UPDATE, type VerificationApp } from "../setup/verification.ts";

const isNightly = process.env["FINLEGO_NIGHTLY"] === "1";
const RUNS = isNightly ? 50_000 : 600;
const FLOOD = isNightly ? 20_000 : 600;

let bank: VerificationApp;
beforeAll(async () => {
  bank = await openVerificationApp();
});
afterAll(() => bank.close());

const send = async (body: string | Buffer): Promise<number> => {
  const headers = { "content-type": "application/json", "x-payload-digest": digestOf(body) };
  return (await bank.app.inject({ method: "POST", url: UPDATE, headers, payload: body })).statusCode;
};

const names = Object.keys(anEvent("a", "b", "c", { reviewResult: {}, applicantMemberOf: [], createdAt: "", reviewMode: "" }));
const types = fc.constantFrom(
  "applicantReviewed",
  "applicantPending",
  "applicantDeleted",
  "applicantWorkflowFailed",
  "applicantX",
  "__proto__",
);
const oddText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.constantFrom("\ud800", "\u0000", "'", '"', "\u202e", "2026-01-01 00:00:00.000"),
);
const oddValue = fc.oneof(fc.jsonValue({ maxDepth: 4 }), oddText, fc.constantFrom(1e308, -0, 0.1), fc.array(oddText, { maxLength: 5 }));
const members = fc.dictionary(fc.oneof(fc.constantFrom(...names), oddText), oddValue, { maxKeys: 12 });
const nearlySound = fc
  .tuple(types, fc.string({ minLength: 1, maxLength: 30 }), members)
  .map(([type, applicantId, more]) => ({ type, applicantId, ...more }));
const bodies = fc.oneof(
  { weight: 5, arbitrary: nearlySound.map((body) => JSON.stringify(body)) },
  { weight: 2, arbitrary: members.map((body) => JSON.stringify(body)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 500 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20_000 }).map((depth) => "[".repeat(depth)) },
);

test(`${RUNS} bodies under right digests: 200 or 400, and everything that was kept can be applied`, {
  timeout: 30_000 + RUNS * 20,
}, async () => {
  const met = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const status = await send(body);
      expect([200, 400]).toContain(status);
      met.set(status, (met.get(status) ?? 0) + 1);
    }),
    { numRuns: RUNS },
  );
  // Both answers were really met, or this would say nothing.
  expect([(met.get(200) ?? 0) > RUNS / 10, (met.get(400) ?? 0) > RUNS / 10]).toEqual([true, true]);
  const { rows } = await bank.owner.query<{ id: string }>(
    "select distinct applicant_id as id from onboarding.verification_event where state = 'new' limit 500",
  );
  for (const { id } of rows) await bank.apply(id);
  const left = await bank.owner.query("select from onboarding.verification_event where state = 'new'");
  if (rows.length < 500) expect(left.rows).toHaveLength(0);
});

test(`${FLOOD} webhooks at once: each is answered below the provider's five seconds, and others are served`, {
  timeout: 30_000 + FLOOD * 20,
}, async () => {
  const clients = await Promise.all(Array.from({ length: 10 }, () => bank.aNewcomer()));
  const applicants = clients.map(() => anApplicantId());
  const times: number[] = [];
  const worst = { others: 0 };
  const flood = { sent: 0 };
  const sender = async (): Promise<void> => {
    for (let n = flood.sent++; n < FLOOD; n = flood.sent++) {
      const at = n % clients.length;
      const started = performance.now();
      const { status } = await bank.webhook(
        anEvent(applicants[at] ?? "", clients[at] ?? "", n % 3 === 0 ? "applicantPending" : "applicantReviewed", GREEN),
      );
      times.push(performance.now() - started);
      expect(status).toBe(200);
    }
  };
  const other = async (): Promise<void> => {
    while (flood.sent < FLOOD) {
      const started = performance.now();
      expect((await bank.staff.get(`/internal/Clients/${clients[0]}`)).status).toBe(200);
      worst.others = Math.max(worst.others, performance.now() - started);
    }
  };
  await Promise.all([...Array.from({ length: 20 }, sender), other()]);
  const p99 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Infinity;
  expect(p99).toBeLessThan(4_500);
  expect(worst.others).toBeLessThan(4_500);
  for (const id of applicants) await bank.apply(id);
  for (const clientId of clients) expect((await bank.statusOf(clientId)).verificationStatus).toMatch(/approved|pending/);
});
