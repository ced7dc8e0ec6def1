// One e-mail address leads to one client of a tenant, where staff enter it. Imports are free of that rule: two clients of another system may
// share a mailbox, as couples do.

import type { Tx } from "#platform/db.ts";
import type { Vault } from "../keys/vault.ts";
import { refuse } from "../problems.ts";
import * as store from "./email.store.ts";
import { emailMarkOf } from "./new-clients.ts";

/**
 * Makes sure that no other client of the tenant has the address, and that none is given it before this transaction ends. Refuses with 409
 * duplicateEmail. `owner`: the client that may have it already; null for a new one.
 */
export async function claimEmail(tx: Tx, vault: Vault, tenant: string, email: string, owner: string | null): Promise<void> {
  const mark = emailMarkOf(vault, email);
  await store.lockEmail(tx, tenant, mark);
  if (await store.isEmailTaken(tx, tenant, mark, owner)) refuse("duplicateEmail", { errors: { email: ["The value is in use."] } });
}
