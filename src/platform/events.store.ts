// SQL of the outbox. Rows are only ever added.

import type { Tx } from "./db.ts";
import type { PlainDetail } from "./personal-data.ts";

/** Something that has happened. `data` says what a listener needs to decide whether to ask for more; never personal data. */
export type NewEvent = {
  /** Noun and past tense: "client.imported". */
  readonly type: string;
  /** The thing it happened to: "client:<uuid>". */
  readonly subject: string;
  /** The tenant whose thing it is, which need not be the actor's. */
  readonly tenant: string;
  readonly data: PlainDetail;
};

export type StoredEvent = NewEvent & { readonly id: string; readonly occurredAt: Date; readonly traceId: string };

export async function insertEvent(tx: Tx, id: string, event: NewEvent): Promise<void> {
  await tx.sql`
    insert into platform.event (id, type, subject, tenant, occurred_at, trace_id, data)
    values (${id}, ${event.type}, ${event.subject}, ${event.tenant}, ${tx.now}, ${tx.actor.traceId}, ${JSON.stringify(event.data)}::jsonb)`;
}

export async function insertEvents(tx: Tx, events: readonly (NewEvent & { readonly id: string })[]): Promise<void> {
  const column = <K extends keyof (typeof events)[number]>(name: K) => events.map((event) => event[name]);
  await tx.sql`
    insert into platform.event (id, type, subject, tenant, occurred_at, trace_id, data)
    select e.id, e.type, e.subject, e.tenant, ${tx.now}, ${tx.actor.traceId}, e.data::jsonb
    from unnest(
      ${column("id")}::uuid[], ${column("type")}::text[], ${column("subject")}::text[], ${column("tenant")}::text[],
      ${events.map(({ data }) => JSON.stringify(data))}::text[]
    ) as e (id, type, subject, tenant, data)`;
}

export async function findEvent(tx: Tx, id: string): Promise<StoredEvent | null> {
  const rows = await tx.sql<StoredEvent>`
    select id, type, subject, tenant, occurred_at as "occurredAt", trace_id as "traceId", data
    from platform.event
    where id = ${id}`;
  return rows[0] ?? null;
}
