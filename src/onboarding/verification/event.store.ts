// SQL of the inbox of the provider's events.

import type { Tx } from "#platform/db.ts";
import type { Review } from "./webhook-event.ts";

export type NewEventRow = {
  readonly id: string;
  readonly applicantId: string;
  readonly type: string;
  readonly createdAtText: string;
  readonly correlationId: string;
  readonly eventAt: Date | null;
  readonly rank: number | null;
  readonly externalUserId: string | null;
  readonly content: string;
  readonly bodyHash: Buffer;
  /** Null: to be applied. Otherwise why it never will be. */
  readonly parkedAs: string | null;
};

/** Keeps an event; false: it was kept before. */
export async function insertEvent(tx: Tx, event: NewEventRow): Promise<boolean> {
  const rows = await tx.sql`
    insert into onboarding.verification_event (
      id, received_at, applicant_id, type, created_at_text, correlation_id, event_at, rank, external_user_id, content, body_hash,
      state, outcome, settled_at)
    values (
      ${event.id}, ${tx.now}, ${event.applicantId}, ${event.type}, ${event.createdAtText}, ${event.correlationId}, ${event.eventAt},
      ${event.rank}, ${event.externalUserId}, ${event.content}::jsonb, ${event.bodyHash},
      case when ${event.parkedAs}::text is null then 'new' else 'parked' end, ${event.parkedAs},
      case when ${event.parkedAs}::text is null then null else ${tx.now}::timestamptz end)
    on conflict on constraint verification_event_comes_once do nothing
    returning id`;
  return rows.length === 1;
}

/** Whether an event of that correlation id was kept of the applicant. */
export async function isKept(tx: Tx, applicantId: string, correlationId: string): Promise<boolean> {
  const rows = await tx.sql`
    select e.id from onboarding.verification_event e
    where e.applicant_id = ${applicantId} and e.correlation_id = ${correlationId}
    limit 1`;
  return rows.length > 0;
}

export type EventRow = {
  readonly id: string;
  readonly applicantId: string;
  readonly type: string;
  readonly eventAt: Date;
  readonly externalUserId: string | null;
  readonly applicantType: string | null;
  readonly review: Review;
};

/** Of the events of an applicant that are to be applied the one that happened first. */
export async function findNext(tx: Tx, applicantId: string): Promise<EventRow | null> {
  const rows = await tx.sql<Omit<EventRow, "review"> & { answer: string | null; rejectType: string | null }>`
    select e.id, e.applicant_id as "applicantId", e.type, e.event_at as "eventAt", e.external_user_id as "externalUserId",
           e.content ->> 'applicantType' as "applicantType", e.content -> 'reviewResult' ->> 'reviewAnswer' as answer,
           e.content -> 'reviewResult' ->> 'reviewRejectType' as "rejectType"
    from onboarding.verification_event e
    where e.applicant_id = ${applicantId} and e.state = 'new'
    order by e.event_at, e.rank, e.id
    limit 1`;
  const [row] = rows;
  if (row === undefined) return null;
  const { answer, rejectType, ...event } = row;
  return { ...event, review: { answer, rejectType } };
}

export async function settle(tx: Tx, eventId: string, state: "done" | "parked", outcome: string): Promise<void> {
  await tx.sql`
    update onboarding.verification_event set state = ${state}, outcome = ${outcome}, settled_at = ${tx.now} where id = ${eventId}`;
}

export async function setWaiting(tx: Tx, eventId: string): Promise<void> {
  await tx.sql`update onboarding.verification_event set state = 'waiting' where id = ${eventId}`;
}

/** The applicant is known now: what waited for that is to be applied. */
export async function wakeWaiting(tx: Tx, applicantId: string): Promise<void> {
  await tx.sql`update onboarding.verification_event set state = 'new' where applicant_id = ${applicantId} and state = 'waiting'`;
}

export type LastEvent = {
  readonly type: string;
  readonly eventAt: Date;
  readonly receivedAt: Date;
  readonly state: string;
  readonly outcome: string | null;
};

/** Of the events of an applicant the one that happened last. */
export async function findLast(tx: Tx, applicantId: string): Promise<LastEvent | null> {
  const rows = await tx.sql<LastEvent>`
    select e.type, e.event_at as "eventAt", e.received_at as "receivedAt", e.state, e.outcome
    from onboarding.verification_event e
    where e.applicant_id = ${applicantId} and e.event_at is not null
    order by e.event_at desc, e.rank desc nulls last, e.id desc
    limit 1`;
  return rows[0] ?? null;
}
