// SQL of the period lock, which stands in the ledger's head: payments see it under the same lock that numbers them.

import type { Tx } from "#platform/db.ts";

/** The last closed day, and today in the bank's time zone. */
export async function findPeriod(tx: Tx, timeZone: string): Promise<{ closedThrough: string | null; today: string }> {
  const rows = await tx.sql<{ closedThrough: string | null; today: string }>`
    select nullif(closed_through, '-infinity') as "closedThrough", (clock_timestamp() at time zone ${timeZone})::date as today
    from general_ledger.ledger_head where id = 1`;
  return rows[0] ?? { closedThrough: null, today: "" };
}

/** Moves the lock; it never goes back. The last statement of its transaction: it holds the ledger's head until the commit. */
export async function closeDays(tx: Tx, through: string): Promise<string> {
  const rows = await tx.sql<{ closedThrough: string }>`select general_ledger.close_days(${through}) as "closedThrough"`;
  return rows[0]?.closedThrough ?? through;
}
