// Operation 102: has a verdict given as the provider would give it, for those who try the bank out. The provider is told where there is one;
// the event itself is built, signed and taken in here as if it had come from outside, so that the answer knows what became of it.
// Not part of production.

import { randomBytes } from "node:crypto";
import type { Actor, Tx } from "#platform/db.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import { ProviderFault, type SimulatedReview } from "../ports.ts";
import * as store from "./applicant.store.ts";
import { type ApplicantsDeps, ensureApplicant, linkSimulated, refusalOf } from "./applicants.ts";
import type { SimulatedVerification, SimulateVerification } from "./contract.ts";
import { isKept } from "./event.store.ts";
import { applyEvents, type EventsDeps, takeEvent } from "./events.ts";
import { isSigned, signWebhook, type WebhookKeys } from "./webhook-digest.ts";
import { readWebhook, writeCreatedAt } from "./webhook-event.ts";

export type SimulationDeps = ApplicantsDeps & { readonly events: EventsDeps; readonly keys: WebhookKeys };

/** A verdict to simulate. Of one name it is given once: a repeat answers how the client stands. */
export type SimulationOrder = SimulateVerification & { readonly correlationId: string };

export type Simulated = { readonly response: SimulatedVerification; readonly isRepeat: boolean };

/** `visibleTo`: a tenant, or null for the bank itself. Refuses with 404, verificationRefused and verificationUnavailable. */
export async function simulateReview(
  deps: SimulationDeps,
  actor: Actor,
  visibleTo: string | null,
  order: SimulationOrder,
  signal: AbortSignal,
): Promise<Simulated> {
  const applicant = await findApplicant(deps, actor, visibleTo, order, signal);
  const { applicantId } = applicant;
  invariant(applicantId, "an applicant without an id");
  const correlationId = `simulated-${order.correlationId}`;
  const isRepeat = await deps.db.read(actor, (tx) => isKept(tx, applicantId, correlationId));
  if (!isRepeat) {
    const review = reviewOf(order);
    await deps.provider?.simulateReview(applicantId, review, signal).catch((fault: unknown) => {
      throw fault instanceof ProviderFault ? refusalOf(fault) : fault;
    });
    await deps.db.write(actor, (tx) => takeSimulated(tx, deps, applicant, applicantId, correlationId, review));
  }
  await applyEvents(deps.db, actor, deps.events, applicantId);
  const response = await deps.db.read(actor, async (tx) => ({ applicantId, verificationStatus: await statusOf(tx, deps, applicant) }));
  return { response, isRepeat };
}

function reviewOf(order: SimulateVerification): SimulatedReview {
  return {
    reviewAnswer: order.reviewAnswer,
    rejectLabels: order.rejectLabels ?? [],
    reviewRejectType: order.reviewAnswer === "RED" ? (order.reviewRejectType ?? null) : null,
    clientComment: order.clientComment ?? null,
    moderationComment: order.moderationComment ?? null,
  };
}

async function findApplicant(
  deps: SimulationDeps,
  actor: Actor,
  visibleTo: string | null,
  order: SimulateVerification,
  signal: AbortSignal,
): Promise<store.ApplicantRow> {
  const known = await deps.db.read(actor, (tx) => findKnown(tx, deps, visibleTo, order));
  if (known !== null && known.applicantId !== null) return known;
  const clientId = order.clientId ?? refusePlatform("notFound");
  if (deps.provider !== null) return await ensureApplicant(deps, actor, clientId, signal);
  return await linkSimulated(deps, actor, clientId, randomBytes(12).toString("hex"));
}

/** Null: the client is there and has no applicant yet. Refuses with 404 for one that the caller does not see. */
async function findKnown(
  tx: Tx,
  { clients }: SimulationDeps,
  visibleTo: string | null,
  { clientId, applicantId }: SimulateVerification,
): Promise<store.ApplicantRow | null> {
  const applicant =
    typeof clientId === "string" ? await store.findBySubject(tx, clientId) : await store.findByApplicantId(tx, applicantId ?? "");
  const owner = clientId ?? applicant?.clientId ?? null;
  const client = owner === null ? null : await clients.verification.findClient(tx, owner, visibleTo);
  if (client === null) return refusePlatform("notFound");
  return applicant;
}

async function takeSimulated(
  tx: Tx,
  deps: SimulationDeps,
  { subjectId, relatedIndividualId, clientId, levelName, appliedAt }: store.ApplicantRow,
  applicantId: string,
  correlationId: string,
  { reviewAnswer, rejectLabels, reviewRejectType }: SimulatedReview,
): Promise<void> {
  const client = await deps.clients.verification.findClient(tx, clientId, null);
  // Later than whatever was applied before: the last order counts, also of two in one millisecond.
  const at = new Date(Math.max(tx.now.getTime(), (appliedAt?.getTime() ?? 0) + 1));
  const raw = Buffer.from(
    JSON.stringify({
      type: "applicantReviewed",
      applicantId,
      applicantType: relatedIndividualId === null ? client?.type : "individual",
      correlationId,
      levelName,
      externalUserId: subjectId,
      sandboxMode: true,
      reviewStatus: "completed",
      reviewResult: { reviewAnswer, ...(reviewRejectType === null ? {} : { reviewRejectType }), rejectLabels },
      createdAtMs: writeCreatedAt(at),
    }),
  );
  const [secret = ""] = deps.keys.secrets;
  invariant(isSigned(deps.keys, raw, signWebhook(secret, raw)), "a simulated event is not signed as events are");
  const event = readWebhook(JSON.parse(raw.toString("utf8")) as Record<string, unknown>, tx.now);
  invariant("applicantId" in event, "a simulated event is no event");
  await takeEvent(tx, deps.events, deps.applying, event, raw);
}

async function statusOf(
  tx: Tx,
  { clients }: SimulationDeps,
  { clientId, relatedIndividualId }: store.ApplicantRow,
): Promise<SimulatedVerification["verificationStatus"]> {
  const subject =
    relatedIndividualId === null
      ? await clients.verification.findClient(tx, clientId, null)
      : await clients.verification.findPerson(tx, relatedIndividualId);
  return subject?.verificationStatus ?? refusePlatform("notFound");
}
