// The shell of what a signed-in client does with its own accounts: opening, changing, closing, ordering. A blocked client does none of it:
// which account is the default decides where money comes in, and whoever is behind the sign-in may be somebody else.

import type { ClientCaller } from "#platform/access.ts";
import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { refusePlatform } from "#platform/problem.ts";
import { lockClientForShare } from "#client-profile";
import { findAccountsOfClient, lockAccountSet, type Visibility } from "./account.store.ts";
import type { Account } from "./account.ts";
import * as store from "./account-change.store.ts";
import { changeAccount, closeAccount } from "./account-changes.ts";
import { compareOrder } from "./account-state.ts";
import { type AccountKit, openAccount } from "./accounts.ts";
import type { ChangeOwnAccount, OpenOwnAccount } from "./change.contract.ts";
import type { VerifyAccountOperation } from "./ports.ts";
import { refuse, refuseClient } from "../problems.ts";

/** Open accounts that a client may have by its own doing, of all currencies together. The bank may open more for it. */
export const OWN_ACCOUNTS_MAX = 50;

/** What a client sees: its own accounts. */
export function ownOnly(caller: ClientCaller): Visibility {
  return { tenant: caller.tenant, clientId: caller.clientId };
}

/**
 * Operation 13. Refuses with 403 clientBlocked, 409 clientNotActive / clientProhibited / currencyNotAvailable / limitExceeded. No
 * one-time code is asked for: an empty account can do no harm.
 */
export async function openOwnAccount(tx: Tx, kit: AccountKit, caller: ClientCaller, order: OpenOwnAccount): Promise<Account> {
  await refuseBlockedClient(tx, caller);
  await lockAccountSet(tx, caller.clientId);
  const open = await store.findOpenAccounts(tx, caller.clientId);
  if (open.length >= OWN_ACCOUNTS_MAX) {
    refuse("limitExceeded", { detail: `A client may open up to ${OWN_ACCOUNTS_MAX} accounts.`, members: { limit: OWN_ACCOUNTS_MAX } });
  }
  return await openAccount(tx, kit, caller, { ...order, type: "client", clientId: caller.clientId });
}

/** Operation 15. Refuses as `changeAccount` does, and with 403 clientBlocked. */
export async function changeOwnAccount(
  tx: Tx,
  caller: ClientCaller,
  { accountId, ifMatch }: { readonly accountId: string; readonly ifMatch: string | undefined },
  wanted: ChangeOwnAccount,
): Promise<Account> {
  await refuseBlockedClient(tx, caller);
  return await changeAccount(tx, accountId, { ...ownOnly(caller), ifMatch }, wanted);
}

/** Operation 17. Refuses as `closeAccount` does, and with 403 clientBlocked. */
export async function closeOwnAccount(
  tx: Tx,
  verify: VerifyAccountOperation,
  caller: ClientCaller,
  accountId: string,
  token: string | null,
): Promise<void> {
  await refuseBlockedClient(tx, caller);
  const { clientId } = caller;
  // Before the accounts are locked, as everywhere. A refusal takes the use of the token back.
  const isVerified = token !== null && (await verify(tx, { clientId, token, operation: "closeAccount", accountId }));
  await closeAccount(tx, accountId, ownOnly(caller), { by: "client", isVerified });
}

/**
 * Operation 21: the open accounts in the new order. Refuses with 403 clientBlocked, 400 for an account listed twice, 409 invalidState unless
 * all are listed.
 */
export async function reorderOwnAccounts(tx: Tx, caller: ClientCaller, accountIds: readonly string[]): Promise<Account[]> {
  const { clientId } = caller;
  await refuseBlockedClient(tx, caller);
  await lockAccountSet(tx, clientId);
  const open = (await findAccountsOfClient(tx, ownOnly(caller), null, [])).filter(({ status }) => status !== "closed");
  const present = open.map(({ id }) => id);
  const { repeated, missing, unknown } = compareOrder(accountIds, present);
  if (repeated.length > 0) refusePlatform("validationFailed", { errors: { accountIds: ["The field must list each account once."] } });
  if (missing.length > 0 || unknown.length > 0) {
    refuse("invalidState", { detail: "The list must name every open account of the client, and no other.", members: { missing, unknown } });
  }
  if (accountIds.every((id, index) => id === present[index])) return open;
  await writeAudit(tx, { action: "client.accountsReordered", subject: `client:${clientId}`, detail: { accounts: accountIds.length } });
  await store.orderAccounts(tx, clientId, accountIds);
  return open.map((account) => ({ ...account, sortOrder: accountIds.indexOf(account.id) })).sort((a, b) => a.sortOrder - b.sortOrder);
}

/** Holds the client's standing until the commit. */
async function refuseBlockedClient(tx: Tx, { clientId, tenant }: ClientCaller): Promise<void> {
  const client = await lockClientForShare(tx, clientId);
  if (client === null || (tenant !== null && client.tenant !== tenant)) return refusePlatform("notFound");
  if (client.status === "blocked") refuseClient("clientBlocked");
}
