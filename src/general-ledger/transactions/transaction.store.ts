// SQL of account statements: entries along `account_seq`, which is their order, cursor and count at once.

import type { Tx } from "#platform/db.ts";
import type { PaymentType } from "../words.ts";

export type EntryRow = {
  paymentId: string;
  lineNo: number;
  accountId: string;
  counterAccountId: string;
  accountSeq: bigint;
  /** Credit positive. */
  amountMinor: bigint;
  balanceAfter: bigint;
  currency: string;
  creditNormal: boolean;
  type: PaymentType;
  description: string | null;
  reference: string | null;
  metadata: Record<string, string> | null;
  valueDate: string;
  bookedAt: Date;
  sequence: bigint;
};

/** How many entries of the account were booked before the instant: a binary search, whatever the account's size. Null: all. */
export async function countEntriesBefore(tx: Tx, accountId: string, before: Date | null): Promise<bigint> {
  const rows = await tx.sql<{ count: bigint }>`select general_ledger.count_entries_before(${accountId}, ${before}) as count`;
  return rows[0]?.count ?? 0n;
}

/** Entries numbered `from` to `to`, both included, at most `limit` of them. */
export async function findEntries(
  tx: Tx,
  accountId: string,
  range: { from: bigint; to: bigint; newestFirst: boolean; limit: number },
): Promise<EntryRow[]> {
  // Two statements, so that each reads the primary key in its own direction.
  return range.newestFirst
    ? await tx.sql<EntryRow>`
        select * from general_ledger.statement
        where "accountId" = ${accountId} and "accountSeq" between ${range.from} and ${range.to}
        order by "accountSeq" desc limit ${range.limit}`
    : await tx.sql<EntryRow>`
        select * from general_ledger.statement
        where "accountId" = ${accountId} and "accountSeq" between ${range.from} and ${range.to}
        order by "accountSeq" limit ${range.limit}`;
}
