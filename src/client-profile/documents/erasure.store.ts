// SQL of the end of documents: their details go with the client, and their bytes after them.

import type { Tx } from "#platform/db.ts";

/** Empties what was sealed of them; gives how many they were. */
export async function eraseDocuments(tx: Tx, clientId: string): Promise<number> {
  const rows = await tx.sql`
    update client_profile.document set sealed_details = null, erased_at = ${tx.now}
    where client_id = ${clientId} and erased_at is null
    returning id`;
  return rows.length;
}

/** Erased ones of a client whose bytes are still to be removed. */
export async function findToRemove(tx: Tx, clientId: string, most: number): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select id from client_profile.document
    where client_id = ${clientId} and erased_at is not null and content_removed_at is null
    order by id
    limit ${most}`;
  return rows.map(({ id }) => id);
}

export async function markRemoved(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.sql`
    update client_profile.document set content_removed_at = ${tx.now}, missing_at = null
    where id = any(${ids}::uuid[]) and erased_at is not null and content_removed_at is null`;
}
