// The whole way, over sockets and with a worker: the simulator of the provider sends its webhooks as badly as a network can, and every
// client ends as it should (EXT-7 to EXT-9, EXT-19).

import { startWorker, type Worker } from "#platform/worker.ts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bodyOf } from "./setup/ledger.ts";
import { openProvider, openVerificationApp, type ProviderTest, UPDATE, type VerificationApp } from "./setup/verification.ts";

let bank: VerificationApp;
let sumsub: ProviderTest;
let worker: Worker;
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
beforeAll(async () => {
  sumsub = await openProvider();
  bank = await openVerificationApp({ verification: { provider: sumsub.provider } });
  const { appUrl: url, appRole: role } = bank.database;
  worker = await startWorker({ url, role, db: bank.db, jobs: bank.verification.jobs, log: quiet });
  await bank.app.listen({ host: "127.0.0.1", port: 0 });
  const address = bank.app.server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  sumsub.sendWebhooksTo(`http://127.0.0.1:${address.port}${UPDATE}`);
});
beforeEach(() => sumsub.behave({ webhooks: "normal" }));
afterAll(async () => {
  await worker.stop();
  await sumsub.close();
  await bank.close();
});

const signal = new AbortController().signal;
const review = (reviewAnswer: "GREEN" | "RED", reviewRejectType: "FINAL" | "RETRY" | null = null) =>
  ({ reviewAnswer, reviewRejectType, rejectLabels: [], clientComment: null, moderationComment: null }) as const;

async function aStarted(): Promise<{ clientId: string; applicantId: string }> {
  const clientId = await bank.aNewcomer();
  const { applicantId } = bodyOf(await bank.staff.post(`/internal/Clients/${clientId}/verification`));
  return { clientId, applicantId: String(applicantId) };
}

/** Looks until it is so; the test's time limit ends it otherwise. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}
const sentOf = async (applicantId: string) => (await sumsub.sent()).filter((each) => each.applicantId === applicantId);
const isStatus = (clientId: string, status: string) => async () => (await bank.statusOf(clientId)).status === status;

test.each(["normal", "late", "twice"] as const)("webhooks that come %s make the client active", async (webhooks) => {
  await sumsub.behave({ webhooks, delayMs: 300 });
  const { clientId, applicantId } = await aStarted();
  await sumsub.provider?.simulateReview(applicantId, review("GREEN"), signal);
  await until(isStatus(clientId, "active"));
  await until(async () =>
    (await sentOf(applicantId)).every(({ status, tries }) => status === 200 && tries === (webhooks === "twice" ? 2 : 1)),
  );
  expect(await bank.statusOf(clientId)).toEqual({ status: "active", verificationStatus: "approved" });
});

test("webhooks in the wrong order: what happened last stands", async () => {
  await sumsub.behave({ webhooks: "reversed" });
  const { clientId, applicantId } = await aStarted();
  // With that of the creation: two pairs, each the wrong way round.
  for (const each of [review("RED", "RETRY"), review("RED", "RETRY"), review("GREEN")])
    await sumsub.provider?.simulateReview(applicantId, each, signal);
  await until(async () => (await sentOf(applicantId)).every(({ status }) => status === 200));
  await until(async () => (await bank.eventsOf(applicantId)).every(({ state }) => state === "done"));
  expect(await bank.statusOf(clientId)).toEqual({ status: "active", verificationStatus: "approved" });
});

test.each(["forged", "wrongSecret"] as const)("webhooks that are %s are refused, each time, and change nothing", async (webhooks) => {
  const { clientId, applicantId } = await aStarted();
  await until(async () => (await bank.eventsOf(applicantId)).length === 1);
  await sumsub.behave({ webhooks });
  await sumsub.provider?.simulateReview(applicantId, review("GREEN"), signal);
  await until(async () => (await sentOf(applicantId)).some(({ status, tries }) => status === 401 && tries >= 2));
  expect(await bank.eventsOf(applicantId)).toHaveLength(1);
  expect(await bank.statusOf(clientId)).toEqual({ status: "pending", verificationStatus: "notStarted" });
});

test("a webhook that is lost is made good by the next one", async () => {
  const { clientId, applicantId } = await aStarted();
  await sumsub.behave({ webhooks: "lost" });
  await sumsub.provider?.simulateReview(applicantId, review("RED", "RETRY"), signal);
  await sumsub.behave({ webhooks: "normal" });
  await sumsub.provider?.simulateReview(applicantId, review("GREEN"), signal);
  await until(isStatus(clientId, "active"));
  expect((await bank.statusOf(clientId)).verificationStatus).toBe("approved");
});

test("a webhook that is sent before the answer to the creation reaches its client", async () => {
  await sumsub.behave({ answers: "slow", delayMs: 350, calls: 1, webhooks: "normal" });
  const { clientId, applicantId } = await aStarted();
  await until(async () => (await bank.eventsOf(applicantId)).some(({ type, state }) => type === "applicantCreated" && state === "done"));
  expect((await bank.verificationOf(clientId))["applicantId"]).toBe(applicantId);
});
