// SQL of the keys under which clients' data stand.

import type { Tx } from "#platform/db.ts";
import type { WrappedKey } from "#platform/sealing.ts";

/** A client's key as a row; null members once it is destroyed. */
export type ClientKeyRow = { readonly clientId: string; readonly masterKey: string | null; readonly wrappedKey: Buffer | null };

/** Keys of new clients. */
export async function insertClientKeys(tx: Tx, keys: readonly ({ readonly clientId: string } & WrappedKey)[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.sql`
    insert into client_profile.client_key (client_id, master_key, wrapped_key, created_at)
    select k.client_id, k.master_key, k.wrapped_key, ${tx.now}
    from unnest(
      ${keys.map(({ clientId }) => clientId)}::uuid[], ${keys.map(({ masterKey }) => masterKey)}::text[],
      ${keys.map(({ wrappedKey }) => wrappedKey)}::bytea[]
    ) as k (client_id, master_key, wrapped_key)`;
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
