// SQL of the audit trail. Rows are only ever added.

import type { Actor, Tx } from "./db.ts";
import type { PlainDetail } from "./personal-data.ts";

export async function insertAuditEntry(tx: Tx, action: string, subject: string, detail: string): Promise<void> {
  const { kind, id, tenant, traceId } = tx.actor;
  await tx.sql`
    insert into platform.audit_entry (at, actor_kind, actor_id, tenant, action, subject, trace_id, detail)
    values (${tx.now}, ${kind}, ${id}, ${tenant}, ${action}, ${subject}, ${traceId}, ${detail}::jsonb)`;
}

export async function insertAuditEntries(
  tx: Tx,
  entries: readonly { readonly action: string; readonly subject: string; readonly detail: string }[],
): Promise<void> {
  const { kind, id, tenant, traceId } = tx.actor;
  await tx.sql`
    insert into platform.audit_entry (at, actor_kind, actor_id, tenant, action, subject, trace_id, detail)
    select ${tx.now}, ${kind}, ${id}, ${tenant}, e.action, e.subject, ${traceId}, e.detail::jsonb
    from unnest(
      ${entries.map(({ action }) => action)}::text[], ${entries.map(({ subject }) => subject)}::text[],
      ${entries.map(({ detail }) => detail)}::text[]
    ) as e (action, subject, detail)`;
}

export type AuditLine = {
  readonly id: bigint;
  readonly at: Date;
  readonly actorKind: Actor["kind"];
  readonly actorId: string;
  readonly action: string;
  readonly detail: PlainDetail;
};

export async function findAuditEntries(tx: Tx, subject: string, after: bigint | null, limit: number): Promise<AuditLine[]> {
  return await tx.sql<AuditLine>`
    select id, at, actor_kind as "actorKind", actor_id as "actorId", action, detail
    from platform.audit_entry
    where subject = ${subject} and (${after}::bigint is null or id > ${after})
    order by id
    limit ${limit}`;
}
