// SQL of expiry: which payments' time is over, by the database's clock.

import type { Tx } from "#platform/db.ts";

/** Payments whose time is over, the longest over first. */
export async function findExpired(tx: Tx, limit: number): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select payment_id as id from general_ledger.payment_expiry where expires_at <= clock_timestamp() order by expires_at limit ${limit}`;
  return rows.map(({ id }) => id);
}

/** Forgets those of the payments that have come to their end. */
export async function forgetEnded(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.sql`
    delete from general_ledger.payment_expiry e
    where e.payment_id = any(${ids}) and e.expires_at <= clock_timestamp()
      and (select p.state from general_ledger.payment p where p.id = e.payment_id) in ('posted', 'cancelled')`;
}
