// SQL of the keys under which clients' data stand.

import type { Tx } from "#platform/db.ts";
import type { WrappedKey } from "#platform/sealing.ts";

/** A client's key as a row; null members once it is destroyed. */
export type ClientKeyRow = { readonly clientId: string; readonly masterKey: string | null; readonly wrappedKey: Buffer | null };

export async function insertClientKey(tx: Tx, clientId: string, { masterKey, wrappedKey }: WrappedKey): Promise<void> {
  await tx.sql`
    insert into client_profile.client_key (client_id, master_key, wrapped_key, created_at)
    values (${clientId}, ${masterKey}, ${wrappedKey}, ${tx.now})`;
}

export async function findClientKey(tx: Tx, clientId: string): Promise<ClientKeyRow | null> {
  const rows = await tx.sql<ClientKeyRow>`
    select client_id as "clientId", master_key as "masterKey", wrapped_key as "wrappedKey"
    from client_profile.client_key
    where client_id = ${clientId}`;
  return rows[0] ?? null;
}

/** The bank's search key; `fresh` becomes it where there is none yet, also of two processes at once. */
export async function claimSearchKey(tx: Tx, fresh: WrappedKey): Promise<WrappedKey> {
  await tx.sql`
    insert into client_profile.search_key (master_key, wrapped_key) values (${fresh.masterKey}, ${fresh.wrappedKey})
    on conflict (id) do nothing`;
  const rows = await tx.sql<WrappedKey>`
    select master_key as "masterKey", wrapped_key as "wrappedKey" from client_profile.search_key`;
  return rows[0] ?? fresh;
}
