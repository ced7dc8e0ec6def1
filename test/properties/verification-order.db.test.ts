// Whatever the order in which the provider's events arrive, and however often: the one that happened last decides. Every order of five
// states, each sent once; each sent twice in a fifth of the orders, where any state comes last and any is the newest, and at night in all.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  anApplicantId,
  anEvent,
  FINAL,
  GREEN,
  instant,
  openVerificationApp,
  RETRY,
  type VerificationApp,
  type Webhook,
} from "../setup/verification.ts";

let bank: VerificationApp;
beforeAll(async () => {
  bank = await openVerificationApp();
});
afterAll(() => bank.close());

const STATES = [
  { type: "applicantPending", changes: {}, means: ["pending"] },
  { type: "applicantOnHold", changes: {}, means: ["onHold"] },
  // A client that had been approved by then is on hold.
  { type: "applicantReviewed", changes: RETRY, means: ["resubmissionRequested", "onHold"] },
  { type: "applicantReviewed", changes: GREEN, means: ["approved"] },
  { type: "applicantReviewed", changes: FINAL, means: ["rejected"] },
] as const;

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

const ORDERS = permutations([0, 1, 2, 3, 4]);
const isNightly = process.env["FINLEGO_NIGHTLY"] === "1";
/** How often each event is sent, and which orders of arrival are tried. */
const PLAYED = [
  { sent: "once", times: 1, step: 1 },
  { sent: "twice", times: 2, step: isNightly ? 1 : 5 },
].map((played) => ({ ...played, count: ORDERS.length / played.step }));

/** `happened`: which state came at which instant. `arrived`: in which order they are sent. */
async function play(happened: readonly number[], arrived: readonly number[], times: number): Promise<{ found: string; status: string }> {
  const clientId = await bank.aNewcomer();
  const applicantId = anApplicantId();
  const events = new Map<number, Webhook>();
  for (const [at, state] of happened.entries()) {
    const { type, changes } = STATES[state] ?? STATES[0];
    events.set(state, anEvent(applicantId, clientId, type, { ...changes, createdAtMs: instant(1_000 + at) }));
  }
  for (let time = 0; time < times; time++) {
    for (const state of arrived) expect((await bank.happen(events.get(state) ?? {})).status).toBe(200);
  }
  const { status, verificationStatus } = await bank.statusOf(clientId);
  return { found: verificationStatus, status };
}

test.each(PLAYED)("$count orders of arrival, each event sent $sent: the newest decides", { timeout: 240_000 }, async ({ times, step }) => {
  expect(ORDERS).toHaveLength(120);
  const [newestOnes, lastOnes] = [new Set<number | undefined>(), new Set<number | undefined>()];
  for (let n = 0; n < ORDERS.length; n += step) {
    const arrived = ORDERS[n] ?? [];
    // The order in which they happened changes as well: each state is the newest one in a fifth of the runs.
    const happened = ORDERS[(n * 37) % ORDERS.length] ?? [];
    newestOnes.add(happened.at(-1));
    lastOnes.add(arrived.at(-1));
    const newest = STATES[happened.at(-1) ?? 0] ?? STATES[0];
    const { found, status } = await play(happened, arrived, times);
    expect(newest.means, `happened ${happened.join()}, arrived ${arrived.join()}`).toContain(found);
    // Never is a client active whose newest state is a refusal; and one that is approved last is active unless a refusal had ended it.
    if (newest.changes === FINAL) expect(["rejected", "blocked"]).toContain(status);
    if (newest.changes === GREEN) expect(["active", "rejected", "blocked"]).toContain(status);
  }
  expect([newestOnes.size, lastOnes.size]).toEqual([STATES.length, STATES.length]);
});

test("the order of arrival alone, everything applied at once: every order has one end", { timeout: 120_000 }, async () => {
  const ends = new Set<string>();
  for (const arrived of ORDERS) {
    const clientId = await bank.aNewcomer();
    const applicantId = anApplicantId();
    for (const state of arrived) {
      const { type, changes } = STATES[state] ?? STATES[0];
      await bank.webhook(anEvent(applicantId, clientId, type, { ...changes, createdAtMs: instant(2_000 + state) }));
    }
    await bank.apply(applicantId);
    const { status, verificationStatus } = await bank.statusOf(clientId);
    ends.add(`${status} ${verificationStatus}`);
  }
  expect([...ends]).toEqual(["blocked rejected"]);
});
