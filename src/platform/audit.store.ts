// SQL of the audit trail. Rows are only ever added.

import type { Tx } from "./db.ts";

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
