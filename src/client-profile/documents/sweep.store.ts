// SQL of the sweep: what the store holds against what the rows say.

import type { Tx } from "#platform/db.ts";

/** Of these ids those whose bytes must be kept. */
export async function findKept(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.sql<{ id: string }>`
    select id from client_profile.document where id = any(${ids}::uuid[]) and erased_at is null`;
  return new Set(rows.map(({ id }) => id));
}

/** A place in the order of the store: the last two digits of an id, and the id. */
export type Place = { readonly folder: string; readonly id: string };

/**
 * Marks documents in that part of the order whose bytes the store did not list; gives their number. Those that came after `listedAt` may not
 * have been there yet. `until` null: to the end.
 */
export async function markMissing(
  tx: Tx,
  after: Place | null,
  until: Place | null,
  listed: readonly string[],
  listedAt: Date,
  most: number,
): Promise<number> {
  const rows = await tx.sql`
    update client_profile.document set missing_at = ${tx.now}
    where id in (
      select id from client_profile.document
      where (${after?.folder ?? null}::text is null or (right(id::text, 2), id) > (${after?.folder ?? null}, ${after?.id ?? null}::uuid))
        and (${until?.folder ?? null}::text is null or (right(id::text, 2), id) <= (${until?.folder ?? null}, ${until?.id ?? null}::uuid))
        and not (id = any(${listed}::uuid[])) and erased_at is null and missing_at is null and uploaded_at < ${listedAt}
      order by right(id::text, 2), id
      limit ${most})
    returning id`;
  return rows.length;
}

/** Bytes that were missing and are there again, after a store was restored. */
export async function markFound(tx: Tx, listed: readonly string[]): Promise<void> {
  await tx.sql`
    update client_profile.document set missing_at = null
    where missing_at is not null and id = any(${listed}::uuid[])`;
}
