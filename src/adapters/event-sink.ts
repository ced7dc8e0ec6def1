// Tells another system of every event, as CloudEvents 1.0 in structured mode (application/cloudevents+json), one POST each, at least
// once: the receiver drops what it has seen by `id`. Accepted is what is answered 2xx within the time-out; whatever is not is sent again.
// The ledger's changes come in their order, from its follower; all other events come from the job queue in no promised order, to be
// sorted by `time`. No transaction is open while a call runs.

import { type EventNotice, findEvent, type StoredEvent, type Subscription } from "#platform/events.ts";
import { type JobContext, job } from "#platform/jobs.ts";
import { invariant } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import { StartupError } from "#platform/startup-error.ts";

export type EventSinkOptions = {
  /** Where to POST (EVENTS_SINK_URL): http or https. Its host is the operator's choice and may be a private one. */
  readonly url: string;
  /** CloudEvents `source`: which installation speaks. */
  readonly source?: string;
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;
const SOURCE = "/finlego";

/** Delivers one event that is in CloudEvents' words already. Throws where it was not accepted. */
export type DeliverEvent = (event: object, signal: AbortSignal) => Promise<void>;

/** The way to the sink. Throws StartupError for an address that cannot be one. */
export function eventDelivery({ url, timeoutMs = TIMEOUT_MS }: Omit<EventSinkOptions, "source">): DeliverEvent {
  const address = readAddress(url);
  return (event, signal) => post(address, event, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
}

/** The subscription to add (`subscribe`) and, in its `job`, the delivery to hand to the worker. Throws as `eventDelivery` does. */
export function eventSink({ source = SOURCE, ...options }: EventSinkOptions): Subscription {
  const deliver = eventDelivery(options);
  return {
    types: "all",
    job: job({
      name: "deliver_event",
      payload: strictObject({ eventId: Uuid }),
      async run({ eventId }: EventNotice, { db, actor, signal }: JobContext) {
        const event = await db.read(actor, (tx) => findEvent(tx, eventId));
        invariant(event, "an event to deliver is not in the outbox");
        await deliver(toCloudEvent(event, source), signal);
      },
    }),
  };
}

function readAddress(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address === null || !["http:", "https:"].includes(address.protocol) || address.username !== "" || address.password !== "") {
    throw new StartupError("EVENTS_SINK_URL must be an http or https address without user and password.");
  }
  return address;
}

/** The event in the words of CloudEvents 1.0; `tenant` and `traceparent` are extension attributes. */
function toCloudEvent(event: StoredEvent, source: string): object {
  return {
    specversion: "1.0",
    id: event.id,
    source,
    type: `finlego.${event.type}.v1`,
    time: event.occurredAt.toISOString(),
    subject: event.subject,
    tenant: event.tenant,
    traceparent: event.traceId,
    datacontenttype: "application/json",
    data: event.data,
  };
}

async function post(address: URL, body: object, signal: AbortSignal): Promise<void> {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
    body: JSON.stringify(body),
    // A redirect would send the bank's events where nobody configured them.
    redirect: "manual",
    signal,
  });
  // What the sink says beside its status is nobody's concern, and may be endless.
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the event sink answered ${answer.status}`);
}
