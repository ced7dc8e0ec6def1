// The outbox. An event is written in the transaction in which it happened, together with one job for each subscriber: after the
// commit every subscriber hears of it at least once, after a rollback nobody does. Order between events is not promised; `occurredAt`
// tells which was first.

import type { Tx } from "./db.ts";
import { newId } from "./new-id.ts";
import { enqueue, enqueueAll, type Job } from "./jobs.ts";
import { refusePersonalData } from "./personal-data.ts";
import { invariant } from "./problem.ts";
import * as store from "./events.store.ts";

export type { StoredEvent } from "./events.store.ts";

/** What a subscriber's job is given; `findEvent` has the rest. */
export type EventNotice = { readonly eventId: string };

/** Who hears of which events. The job runs at least once for each. */
export type Subscription = { readonly types: "all" | readonly string[]; readonly job: Job<EventNotice> };

const EVENT_TYPE = /^[a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)+$/;

const subscriptions = new Map<string, Subscription>();

/**
 * Adds a subscriber, one for each job's name. The composition root does this before the first request is served, in every process that
 * publishes: an event that was published before goes unheard. Gives the way to take it back.
 */
export function subscribe(subscription: Subscription): () => void {
  const { name } = subscription.job;
  subscriptions.set(name, subscription);
  return () => {
    if (subscriptions.get(name) === subscription) subscriptions.delete(name);
  };
}

/** Writes the event and its subscribers' jobs in the caller's transaction. A bug when `data` has a member named like personal data. */
export async function publish(tx: Tx, event: store.NewEvent): Promise<void> {
  invariant(EVENT_TYPE.test(event.type), `not the name of an event: ${event.type}`);
  refusePersonalData(event.data);
  const eventId = newId();
  await store.insertEvent(tx, eventId, event);
  for (const { types, job } of subscriptions.values()) {
    if (types === "all" || types.includes(event.type)) await enqueue(tx, job, { eventId });
  }
}

/** As `publish`, for many at once: a statement for the events and one for each subscriber's jobs. */
export async function publishAll(tx: Tx, events: readonly store.NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  for (const { type, data } of events) {
    invariant(EVENT_TYPE.test(type), `not the name of an event: ${type}`);
    refusePersonalData(data);
  }
  const stored = events.map((event) => ({ ...event, id: newId() }));
  await store.insertEvents(tx, stored);
  for (const { types, job } of subscriptions.values()) {
    const heard = stored.filter(({ type }) => types === "all" || types.includes(type));
    const notices = heard.map(({ id }) => ({ eventId: id }));
    await enqueueAll(tx, job, notices);
  }
}

/** The event of a notice. Null only where somebody emptied the outbox. */
export async function findEvent(tx: Tx, eventId: string): Promise<store.StoredEvent | null> {
  return await store.findEvent(tx, eventId);
}
