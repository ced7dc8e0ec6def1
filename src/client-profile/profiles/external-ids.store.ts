// SQL that finds clients by the names that tenants have for them.

import type { Tx } from "#platform/db.ts";

/** Of the externalIds those that are in use, and by whom: null where that client is erased. */
export async function findClientIds(tx: Tx, tenant: string, externalIds: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  const rows = await tx.sql<{ externalId: string; clientId: string | null }>`
    select external_id as "externalId", case when erased_at is null then id end as "clientId"
    from client_profile.client
    where tenant = ${tenant} and external_id = any(${externalIds}::text[])`;
  return new Map(rows.map(({ externalId, clientId }) => [externalId, clientId]));
}
