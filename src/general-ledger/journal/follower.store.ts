// SQL of the followers: how far one has come, and which instance delivers. The clock that ends a hold is the database's.

import type { Tx } from "#platform/db.ts";

/** Takes or keeps the delivery for that long; gives the number of the last change delivered. Null: another instance delivers. */
export async function hold(tx: Tx, follower: string, holder: string, milliseconds: number): Promise<bigint | null> {
  const rows = await tx.sql<{ last: bigint }>`
    update general_ledger.journal_follower
    set holder = ${holder}, held_until = clock_timestamp() + ${milliseconds} * interval '1 millisecond'
    where name = ${follower} and (holder is null or holder = ${holder} or held_until < clock_timestamp())
    returning last_sequence as last`;
  return rows[0]?.last ?? null;
}

/** Notes that the changes up to `to` are delivered and holds on. False: another instance has taken over, and nothing was noted. */
export async function advance(
  tx: Tx,
  follower: string,
  holder: string,
  { from, to, milliseconds }: { readonly from: bigint; readonly to: bigint; readonly milliseconds: number },
): Promise<boolean> {
  const rows = await tx.sql`
    update general_ledger.journal_follower
    set last_sequence = ${to}, held_until = clock_timestamp() + ${milliseconds} * interval '1 millisecond'
    where name = ${follower} and holder = ${holder} and last_sequence = ${from}
    returning name`;
  return rows.length === 1;
}

/** Lets another instance deliver at once. */
export async function release(tx: Tx, follower: string, holder: string): Promise<void> {
  await tx.sql`update general_ledger.journal_follower set holder = null, held_until = null where name = ${follower} and holder = ${holder}`;
}
