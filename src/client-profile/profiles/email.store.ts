// SQL of e-mail addresses, which are known here by their marks alone.

import type { Tx } from "#platform/db.ts";

/** Until the transaction ends nobody else gets past this with the same address of the same tenant. */
export async function lockEmail(tx: Tx, tenant: string, mark: Buffer): Promise<void> {
  await tx.sql`select pg_advisory_xact_lock(hashtextextended(${`e-mail ${mark.toString("hex")} of tenant ${tenant}`}, 0))`;
}

/** Whether a client of the tenant, other than `owner`, has the address. An erased client has none. */
export async function isEmailTaken(tx: Tx, tenant: string, mark: Buffer, owner: string | null): Promise<boolean> {
  const rows = await tx.sql`
    select 1 as found
    from client_profile.client
    where tenant = ${tenant} and email_mark = ${mark} and erased_at is null and id is distinct from ${owner}::uuid
    limit 1`;
  return rows.length > 0;
}
