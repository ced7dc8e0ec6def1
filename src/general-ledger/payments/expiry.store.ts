// SQL of expiry: which payments' time is over, by the database's clock. That is now(), which stands still in a transaction: an index can be
// read up to it. clock_timestamp() would be asked for each row, and all that is ever to expire would be read, once a second.

import type { Tx } from "#platform/db.ts";

/** Payments whose time is over, in any order: those that cannot be cancelled must not stand in the way of the others. */
export async function findExpired(tx: Tx, limit: number): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select payment_id as id from general_ledger.payment_expiry where expires_at <= now() order by random() limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Forgets those of the payments that have come to their end. */
export async function forgetEnded(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.sql`
    delete from general_ledger.payment_expiry e
    where e.payment_id = any(${ids}) and e.expires_at <= now()
      and (select p.state from general_ledger.payment p where p.id = e.payment_id) in ('posted', 'cancelled')`;
}
