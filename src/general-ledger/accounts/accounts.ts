// The shell of accounts: opening one for a client or for the bank itself, and reading them.

import { accountNumber } from "#platform/account-number.ts";
import { callerTenant, type Caller } from "#platform/access.ts";
import { writeAudit } from "#platform/audit.ts";
import { isCurrency } from "#platform/currency.ts";
import type { Tx } from "#platform/db.ts";
import { composeIban, isValidBic, isValidIban } from "#platform/iban.ts";
import { newId } from "#platform/new-id.ts";
import { type FieldErrors, invariant, refusePlatform } from "#platform/problem.ts";
import { lockClientForShare } from "#client-profile";
import type { Account } from "./account.ts";
import * as store from "./account.store.ts";
import { findOpenAccounts } from "./account-change.store.ts";
import type { OpenAccount } from "./contract.ts";
import type { FindPlanLimits } from "./ports.ts";
import { refuse } from "../problems.ts";
import { DEFAULT_CATEGORY, isCreditNormal, isGuarded } from "../words.ts";

/** What the bank has decided about its accounts: currencies, and how numbers become IBANs. */
export type AccountSettings = {
  /** Currencies of clients' accounts (ACCOUNT_CURRENCIES). */
  readonly currencies: ReadonlySet<string>;
  /** How IBANs are made, by currency: EUR and GBP. */
  readonly ibanIssuers: ReadonlyMap<string, { readonly country: string; readonly bankCode: string }>;
  readonly bic: string;
};

/** What opening an account needs beside its transaction. */
export type AccountKit = { readonly accounts: AccountSettings; readonly findPlanLimits: FindPlanLimits };

const NUMBER_TRIES_MAX = 20;

/**
 * Operation 22. Locks the client for share first, so that its standing holds until the commit. Refuses with 404 for a client that the
 * caller may not see, 409 clientProhibited / clientNotActive / currencyNotAvailable / duplicateExternalId / duplicateAccountNumber, and
 * limitExceeded where the client's plan allows no further account.
 */
export async function openAccount(
  tx: Tx,
  { accounts: settings, findPlanLimits }: AccountKit,
  caller: Caller,
  order: OpenAccount,
): Promise<Account> {
  const errors = faultsOf(order);
  if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });
  const tenant = order.clientId ? await tenantOfClient(tx, order.clientId, caller) : callerTenant(caller);
  if (order.clientId && !settings.currencies.has(order.currency)) refuse("currencyNotAvailable", { members: { currency: order.currency } });

  const category = order.category ?? DEFAULT_CATEGORY[order.type];
  const number = order.accountNumber ?? (await freeNumber(tx, settings, order));
  const account: store.NewAccount = {
    id: newId(),
    tenant,
    ownerTenant: callerTenant(caller),
    clientId: order.clientId ?? null,
    currency: order.currency,
    type: order.type,
    category,
    creditNormal: isCreditNormal(category),
    floorMinor: isGuarded(order.type) ? 0n : null,
    number,
    iban: order.iban ?? ibanFor(settings, order, number),
    bic: order.bic ?? (settings.ibanIssuers.has(order.currency) ? settings.bic : null),
    name: order.name ?? `${order.currency} account`,
    externalId: order.externalId ?? null,
  };
  if (account.clientId !== null) await claimPlace(tx, findPlanLimits, account.clientId);
  await store.insertAccount(tx, account);
  await writeAudit(tx, {
    action: "account.opened",
    subject: `account:${account.id}`,
    detail: { type: account.type, currency: account.currency, clientId: account.clientId },
  });
  const opened = await store.findAccount(tx, account.id, { tenant: null, clientId: null });
  invariant(opened, "an account vanished while it was opened");
  await store.journalOpening(tx, account.id);
  return opened;
}

function faultsOf(order: OpenAccount): FieldErrors {
  const errors: FieldErrors = {};
  if (order.type === "client" && !order.clientId) errors["clientId"] = ["The field is required for type client."];
  if (order.type !== "client" && order.clientId) errors["clientId"] = ["The field is allowed for type client only."];
  if (!isCurrency(order.currency)) errors["currency"] = ["The field must be an active ISO 4217 currency."];
  if (order.category && isGuarded(order.type)) errors["category"] = ["The field is not allowed for the types client and reserve."];
  // A number that is somebody's IBAN would be found in its place.
  if (
    order.accountNumber &&
    isValidIban(order.accountNumber.toUpperCase()) &&
    order.accountNumber.toUpperCase() !== order.iban?.toUpperCase()
  )
    errors["accountNumber"] = ["The field must not be an IBAN, unless it is the account's own."];
  if (order.iban && !isValidIban(order.iban)) errors["iban"] = ["The field must be an IBAN in electronic form with right check digits."];
  if (order.bic && !isValidBic(order.bic)) errors["bic"] = ["The field must be a BIC."];
  return errors;
}

async function tenantOfClient(tx: Tx, clientId: string, caller: Caller): Promise<string> {
  const client = await lockClientForShare(tx, clientId);
  if (client === null || (caller.tenant !== null && client.tenant !== caller.tenant)) {
    return refusePlatform("notFound", { detail: `Client ${clientId} does not exist.` });
  }
  if (client.riskLevel === "prohibited") refuse("clientProhibited");
  if (client.status !== "active") refuse("clientNotActive", { members: { clientStatus: client.status } });
  return client.tenant;
}

/** Openings of one client come one after the other from here on, so that two at once cannot both be the last that its plan allows. */
async function claimPlace(tx: Tx, findPlanLimits: FindPlanLimits, clientId: string): Promise<void> {
  await store.lockAccountSet(tx, clientId);
  const limit = (await findPlanLimits(tx, clientId))?.accountsMax ?? null;
  if (limit === null || (await findOpenAccounts(tx, clientId)).length < limit) return;
  refuse("limitExceeded", { detail: `The client's plan allows ${limit} accounts.`, members: { limit } });
}

/** Someone may have given one of the coming numbers or their IBANs to an account by hand: those are passed over. */
async function freeNumber(tx: Tx, settings: AccountSettings, order: OpenAccount): Promise<string> {
  for (let tries = 0; tries < NUMBER_TRIES_MAX; tries++) {
    const number = accountNumber(await store.nextAccountNumber(tx));
    if (!(await store.isNumberTaken(tx, number, order.iban ? null : ibanFor(settings, order, number)))) return number;
  }
  return refuse("duplicateAccountNumber", { detail: "The next account numbers are all in use." });
}

/** A number that was given by hand may not fit the national form: then there is no IBAN unless it is given too. */
function ibanFor(settings: AccountSettings, order: OpenAccount, number: string): string | null {
  const issuer = settings.ibanIssuers.get(order.currency);
  if (issuer === undefined || (order.accountNumber !== undefined && order.accountNumber !== null)) return null;
  return composeIban(issuer, number);
}
