// The provider's events: each is kept as it comes and answered at once; what it means is applied afterwards, one by one and in the order in
// which they happened. A newer verdict is never undone by an older one, whatever the order of arrival. An event may come before anybody
// here knows its applicant: it waits for that.

import type { ClientProfile } from "#client-profile";
import { createHash } from "node:crypto";
import type { Actor, Database, Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { isUuid } from "#platform/ids.ts";
import { enqueue, type Job, job } from "#platform/jobs.ts";
import { newId } from "#platform/new-id.ts";
import { invariant } from "#platform/problem.ts";
import { strictObject, Type } from "#platform/schema.ts";
import * as applicants from "./applicant.store.ts";
import type { TakenWebhook } from "./contract.ts";
import * as store from "./event.store.ts";
import { attentionAfter, isNewer, type Lifecycle, type Meaning, meaningOf, type Verdict } from "./verdict.ts";
import type { WebhookEvent } from "./webhook-event.ts";

export type EventsDeps = {
  readonly clients: Pick<ClientProfile, "applyVerification" | "verification">;
  /** Whether an event of the provider's sandbox may change a client: nowhere in production. */
  readonly takesSandbox: boolean;
  /** For applicants that an event makes known. */
  readonly levelOf: (type: "individual" | "company") => string;
};

/** Keeps the event, once. The job that applies it is in the same transaction. */
export async function takeEvent(
  tx: Tx,
  deps: EventsDeps,
  apply: Job<{ readonly applicantId: string }>,
  event: WebhookEvent,
  raw: Uint8Array,
): Promise<TakenWebhook> {
  const meaning = meaningOf(event.type, event.review);
  const eventAt = event.createdAt instanceof Date ? event.createdAt : null;
  const parkedAs = event.isSandbox && !deps.takesSandbox ? "sandbox" : typeof event.createdAt === "string" ? event.createdAt : null;
  const { applicantId, type, createdAtText, correlationId, externalUserId } = event;
  const isFirst = await store.insertEvent(tx, {
    id: newId(),
    applicantId,
    type,
    createdAtText,
    correlationId,
    eventAt,
    externalUserId,
    parkedAs,
    rank: meaning.kind === "verdict" ? meaning.verdict.rank : null,
    content: JSON.stringify(event.kept),
    bodyHash: createHash("sha256").update(raw).digest(),
  });
  if (!isFirst) return { processed: false, reason: "repeat" };
  if (parkedAs !== null) return { processed: false, reason: parkedAs };
  await enqueue(tx, apply, { applicantId }, { key: `verification ${applicantId}` });
  return await forecast(tx, deps, event, meaning);
}

/** What will become of the event, as far as it can be said now. */
async function forecast(tx: Tx, deps: EventsDeps, event: WebhookEvent, meaning: Meaning): Promise<TakenWebhook> {
  if (meaning.kind === "record" && !meaning.isKnown) return { processed: false, reason: "unknownType" };
  const applicant = await applicants.findByApplicantId(tx, event.applicantId);
  if (applicant === null) {
    const found = await findUnlinked(tx, deps, event);
    return typeof found === "string" ? { processed: false, reason: found } : { processed: true };
  }
  const position =
    meaning.kind === "verdict" && event.createdAt instanceof Date ? { at: event.createdAt, rank: meaning.verdict.rank } : null;
  return position === null || isNewer(position, appliedOf(applicant)) ? { processed: true } : { processed: false, reason: "older" };
}

/** Far more than one applicant ever has waiting. */
const STEPS_MAX = 10_000;

/** The job that applies what has come for an applicant. Safe to repeat: what is settled stays so. */
export function eventApplying(deps: EventsDeps): Job<{ readonly applicantId: string }> {
  return job({
    name: "apply_verification_events",
    payload: strictObject({ applicantId: Type.String({ minLength: 1, maxLength: 100 }) }),
    run: async ({ applicantId }, { db, actor }) => await applyEvents(db, actor, deps, applicantId),
  });
}

/** Applies what has come for the applicant, each event in a transaction of its own. */
export async function applyEvents(db: Database, actor: Actor, deps: EventsDeps, applicantId: string): Promise<void> {
  for (let step = 0; await db.write(actor, (tx) => applyNext(tx, deps, applicantId)); step++) {
    invariant(step < STEPS_MAX, "the events of an applicant come to no end");
  }
}

/** One step; false: there is nothing to be done. */
async function applyNext(tx: Tx, deps: EventsDeps, applicantId: string): Promise<boolean> {
  await applicants.lockApplicant(tx, applicantId);
  const event = await store.findNext(tx, applicantId);
  if (event === null) return false;
  const meaning = meaningOf(event.type, event.review);
  if (meaning.kind === "record" && !meaning.isKnown) return await settled(tx, event, "unknownType");
  const applicant = await applicants.findByApplicantId(tx, applicantId);
  if (applicant === null) return await linkFirst(tx, deps, event);
  if (meaning.kind === "verdict") return await settled(tx, event, await applyVerdict(tx, deps, applicant, event, meaning.verdict));
  if (meaning.kind === "lifecycle") return await settled(tx, event, await applyLifecycle(tx, deps, applicant, event, meaning.lifecycle));
  return await settled(tx, event, "recorded");
}

async function settled(tx: Tx, event: store.EventRow, outcome: string): Promise<true> {
  await store.settle(tx, event.id, "done", outcome);
  return true;
}

/**
 * Nobody knows the applicant: by our own id it is linked, once and for ever. That is a transaction of its own, which locks no client; the
 * event is applied by the next one.
 */
async function linkFirst(tx: Tx, deps: EventsDeps, event: store.EventRow): Promise<true> {
  const found = await findUnlinked(tx, deps, event);
  if (found === "unknownApplicant") await store.setWaiting(tx, event.id);
  else if (typeof found === "string") await store.settle(tx, event.id, "parked", found);
  else {
    await applicants.insertApplicant(tx, found);
    // Linked otherwise at this moment: the next step sees it.
    await applicants.linkApplicant(tx, found.subjectId, event.applicantId);
  }
  return true;
}

type Told = Pick<WebhookEvent, "applicantId" | "externalUserId" | "applicantType">;

/** Whom of ours an unknown applicant is, by the id that we gave the provider; or why it is none. */
async function findUnlinked(
  tx: Tx,
  { clients, levelOf }: EventsDeps,
  event: Told,
): Promise<applicants.NewApplicant | "unknownApplicant" | "otherApplicant" | "otherType"> {
  const subjectId = event.externalUserId?.toLowerCase() ?? "";
  if (!isUuid(subjectId)) return "unknownApplicant";
  const known = await applicants.findBySubject(tx, subjectId);
  // A second applicant under our id: whoever made it, it decides about nobody.
  if (known !== null && known.applicantId !== null) return "otherApplicant";
  const client = await clients.verification.findClient(tx, subjectId, null);
  const person = client === null ? await clients.verification.findPerson(tx, subjectId) : null;
  if (client === null && person === null) return "unknownApplicant";
  const type = client?.type ?? "individual";
  // A person's verdict says nothing about a company.
  if (event.applicantType !== null && event.applicantType !== type) return "otherType";
  return {
    subjectId,
    clientId: client?.clientId ?? person?.clientId ?? "",
    relatedIndividualId: person?.relatedIndividualId ?? null,
    levelName: levelOf(type),
  };
}

/** The client first, own rows after it: the order in which everybody locks. */
async function applyVerdict(
  tx: Tx,
  deps: EventsDeps,
  applicant: applicants.ApplicantRow,
  event: store.EventRow,
  verdict: Verdict,
): Promise<string> {
  const position = { at: event.eventAt, rank: verdict.rank };
  if (!isNewer(position, appliedOf(applicant))) return "older";
  const { subjectId, clientId, relatedIndividualId } = applicant;
  if (relatedIndividualId !== null) {
    const isThere = await deps.clients.verification.setPersonStatus(tx, relatedIndividualId, verdict.verificationStatus, event.type);
    await applicants.setApplied(tx, subjectId, position, null);
    if (isThere && verdict.outcome === "reject") await alert(tx, deps, clientId, "personRejected");
    return isThere ? "applied" : "gone";
  }
  const { verificationStatus, ofServed, outcome } = verdict;
  const change = await deps.clients.applyVerification(tx, { clientId, verificationStatus, ofServed, outcome, reason: event.type });
  const attention = change === null ? null : attentionAfter(verdict, change.from.status, change.to.status);
  await applicants.setApplied(tx, subjectId, position, attention);
  if (attention !== null) await alert(tx, deps, clientId, attention);
  return change === null ? "gone" : "applied";
}

async function applyLifecycle(
  tx: Tx,
  deps: EventsDeps,
  applicant: applicants.ApplicantRow,
  event: store.EventRow,
  lifecycle: Lifecycle,
): Promise<string> {
  if (!(await applicants.setLifecycle(tx, applicant.subjectId, lifecycle, event.eventAt))) return "older";
  if (lifecycle !== "active") await alert(tx, deps, applicant.clientId, lifecycle);
  return "applied";
}

/** Staff should look at the client. */
async function alert(tx: Tx, { clients }: EventsDeps, clientId: string, reason: string): Promise<void> {
  const client = await clients.verification.findClient(tx, clientId, null);
  if (client === null) return;
  await publish(tx, {
    type: "client.verificationAttention",
    subject: `client:${clientId}`,
    tenant: client.tenant,
    data: { clientId, reason },
  });
}

function appliedOf({ appliedAt, appliedRank }: applicants.ApplicantRow): { readonly at: Date; readonly rank: number } | null {
  return appliedAt === null || appliedRank === null ? null : { at: appliedAt, rank: appliedRank };
}
