// A client's accounts as the room sees them that decides how the client stands. It knows clients by their id alone.

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { clientData } from "../client-data.ts";
import * as store from "./account-change.store.ts";

/** All accounts of one client together. */
export const clientAccounts = {
  /**
   * Stops the debits of all of a client's accounts, or lets them through again (contract decision 22): once the transaction has committed no
   * debit of the client is booked on any route; credits are. For whoever changes the client's standing, in the same transaction and as its
   * last statement: it numbers the change of every account. The client's row is held against changes before.
   */
  async setBlocked(tx: Tx, clientId: string, isBlocked: boolean): Promise<void> {
    await writeAudit(tx, { action: isBlocked ? "client.debitsStopped" : "client.debitsReleased", subject: `client:${clientId}` });
    await store.setClientBlocked(tx, clientId, isBlocked);
  },

  /** Whether the client has an account that is not closed. Openings hold the client's row for share: hold it against changes before. */
  async hasOpen(tx: Tx, clientId: string): Promise<boolean> {
    return (await store.findOpenAccounts(tx, clientId)).length > 0;
  },

  /** What the ledger keeps of a client, for its right of access and for its erasure. */
  data: clientData,
};
