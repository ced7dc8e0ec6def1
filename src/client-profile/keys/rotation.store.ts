// SQL of the change of master keys.

import type { Tx } from "#platform/db.ts";
import type { WrappedKey } from "#platform/sealing.ts";

export type ClientKey = WrappedKey & { readonly clientId: string };

/** How many clients' keys each master key wraps; a master key of null counts the destroyed ones. */
export async function countKeys(tx: Tx): Promise<{ readonly masterKey: string | null; readonly clients: bigint }[]> {
  return await tx.sql`
    select master_key as "masterKey", count(*) as clients
    from client_profile.client_key
    group by master_key
    order by master_key nulls last`;
}

/** The master keys that wrap any client's key: one step through the index for each, however many clients there are. */
export async function findMasterKeysInUse(tx: Tx): Promise<string[]> {
  const rows = await tx.sql<{ masterKey: string }>`
    with recursive used as (
      select min(master_key) as master_key from client_profile.client_key where master_key is not null
      union all
      select (select min(k.master_key) from client_profile.client_key k where k.master_key > used.master_key)
      from used
      where used.master_key is not null
    )
    select master_key as "masterKey" from used where master_key is not null`;
  return rows.map(({ masterKey }) => masterKey);
}

/** Locks the next keys under that master key, in the order of their clients; leaves out those that somebody else has locked. */
export async function lockKeysUnder(tx: Tx, masterKey: string, after: string, limit: number): Promise<ClientKey[]> {
  return await tx.sql<ClientKey>`
    select client_id as "clientId", master_key as "masterKey", wrapped_key as "wrappedKey"
    from client_profile.client_key
    where master_key = ${masterKey} and client_id > ${after}
    order by client_id
    limit ${limit}
    for update skip locked`;
}

/** Locked keys, wrapped anew. */
export async function updateKeys(tx: Tx, keys: readonly ClientKey[]): Promise<void> {
  await tx.sql`
    update client_profile.client_key k
    set master_key = anew.master_key, wrapped_key = anew.wrapped_key
    from unnest(
      ${keys.map(({ clientId }) => clientId)}::uuid[], ${keys.map(({ masterKey }) => masterKey)}::text[],
      ${keys.map(({ wrappedKey }) => wrappedKey)}::bytea[]
    ) as anew (client_id, master_key, wrapped_key)
    where k.client_id = anew.client_id`;
}

/** Null before the first start of this release. */
export async function findSearchKey(tx: Tx): Promise<WrappedKey | null> {
  const rows = await tx.sql<WrappedKey>`
    select master_key as "masterKey", wrapped_key as "wrappedKey" from client_profile.search_key`;
  return rows[0] ?? null;
}

export async function lockSearchKey(tx: Tx): Promise<WrappedKey | null> {
  const rows = await tx.sql<WrappedKey>`
    select master_key as "masterKey", wrapped_key as "wrappedKey" from client_profile.search_key for update`;
  return rows[0] ?? null;
}

export async function updateSearchKey(tx: Tx, { masterKey, wrappedKey }: WrappedKey): Promise<void> {
  await tx.sql`update client_profile.search_key set master_key = ${masterKey}, wrapped_key = ${wrappedKey}`;
}

/** Whether this database is of a release that knows keys of clients. */
export async function hasKeys(tx: Tx): Promise<boolean> {
  const rows = await tx.sql<{ hasKeys: boolean }>`select to_regclass('client_profile.client_key') is not null as "hasKeys"`;
  return rows[0]?.hasKeys === true;
}
