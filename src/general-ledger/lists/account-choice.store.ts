// SQL that finds the accounts along which a list is read.

import type { Tx } from "#platform/db.ts";

/** More accounts than this are not walked side by side: the journal is read and each row looked at. */
export const ACCOUNTS_MAX = 100;

/** Whose accounts are meant: all three must hold, as far as they are given. */
export type AccountChoice = {
  readonly accounts: readonly string[] | null;
  readonly clients: readonly string[] | null;
  readonly tenant: string | null;
};

/** The accounts that are meant, at most `limit`. */
export async function findAccountIds(tx: Tx, { accounts, clients, tenant }: AccountChoice, limit: number): Promise<string[]> {
  // One statement for each way in, so that each is read by its index.
  let rows: { id: string }[];
  if (accounts !== null) {
    rows = await tx.sql<{ id: string }>`
      select id from general_ledger.account
      where id = any(${accounts}) and (${clients}::uuid[] is null or client_id = any(${clients}))
        and (${tenant}::text is null or tenant = ${tenant})
      limit ${limit}`;
  } else if (clients !== null) {
    rows = await tx.sql<{ id: string }>`
      select id from general_ledger.account
      where client_id = any(${clients}) and (${tenant}::text is null or tenant = ${tenant}) limit ${limit}`;
  } else
    rows = await tx.sql<{
      id: string;
    }>`select account_id as id from general_ledger.account_profile where tenant = ${tenant} limit ${limit}`;
  return rows.map(({ id }) => id);
}
