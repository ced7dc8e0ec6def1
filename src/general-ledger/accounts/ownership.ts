// Whose an account is, for rooms that know accounts by their id alone.

import type { Tx } from "#platform/db.ts";
import { findAccount } from "./account.store.ts";

/** Whether the account is that client's, whatever its state. */
export async function ownsAccount(tx: Tx, clientId: string, accountId: string): Promise<boolean> {
  return (await findAccount(tx, accountId, { tenant: null, clientId })) !== null;
}
