// The shell of what changes accounts without moving money: hold the account, decide purely (account-state.ts), write who did it, store.
// Storing comes last, because it numbers the change and holds the ledger's head until the commit.

import { writeAudit } from "#platform/audit.ts";
import type { Currency } from "#platform/currency.ts";
import type { Tx } from "#platform/db.ts";
import { isMatched } from "#platform/http/if-match.ts";
import { formatAmount, parseNonNegativeAmount } from "#platform/money.ts";
import { type FieldErrors, invariant, refusePlatform } from "#platform/problem.ts";
import { findAccount, lockAccountSet, type Visibility } from "./account.store.ts";
import type { Account } from "./account.ts";
import * as store from "./account-change.store.ts";
import { type AccountRefusal, block, changeTerms, close, type Sides, unblock } from "./account-state.ts";
import { refuse } from "../problems.ts";
import { isCreditNormal, isGuarded } from "../words.ts";

/** What an account may be asked to be, as it came; what is absent or null stays. */
export type WantedTerms = {
  readonly name?: string | null;
  readonly isDefault?: boolean | null;
  readonly creditLimit?: string | null;
  readonly isUnlimited?: boolean | null;
};

/** Who sees the account, and the header If-Match, where there is one. */
export type WhichAccount = Visibility & { readonly ifMatch?: string | undefined };

/**
 * Refuses with 412 when the account is of no version that was asked for, as all changes here do; with 404; 400 for nothing to change and for a limit that the account cannot have; 409 accountClosed, invalidState (the default is
 * given up by making another account the default) and insufficientFunds (more of the limit is in use).
 */
export async function changeAccount(tx: Tx, id: string, which: WhichAccount, wanted: WantedTerms): Promise<Account> {
  if (Object.values(wanted).every((value) => value === undefined || value === null)) {
    refusePlatform("validationFailed", { errors: { $: ["At least one field must be given."] } });
  }
  const { clientId, currency } = await find(tx, id, which);
  let former: string | null = null;
  if (wanted.isDefault === true && clientId !== null) {
    await lockAccountSet(tx, clientId);
    former = await store.findDefault(tx, clientId, currency);
  }
  await store.lockAccounts(tx, former === null ? [id] : [id, former]);
  const account = await findMatched(tx, id, which);
  const terms = { name: wanted.name ?? undefined, isDefault: wanted.isDefault ?? undefined, floorMinor: floorFor(account, wanted) };
  const next = accepted(account, changeTerms(account, terms));
  if (next !== account) await storeTerms(tx, account, next, former);
  return next;
}

/** Minus the credit limit; null: none; undefined: stays. Judged here, because the account tells the currency and whether it may have one. */
function floorFor({ type, category, currency }: Account, { creditLimit, isUnlimited }: WantedTerms): bigint | null | undefined {
  const errors: FieldErrors = {};
  const given = creditLimit ?? undefined;
  if (given !== undefined && isUnlimited === true) errors["creditLimit"] = ["The field must not be given together with isUnlimited."];
  else if (given !== undefined && !isCreditNormal(category))
    errors["creditLimit"] = ["The field is allowed for accounts of the credit side only."];
  if (isUnlimited === true && isGuarded(type)) errors["isUnlimited"] = ["The field is not allowed for the types client and reserve."];
  const minor = given === undefined ? null : parseNonNegativeAmount(given, currency as Currency);
  if (minor !== null && typeof minor !== "bigint") errors["creditLimit"] ??= [minor.rule];
  if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });
  if (isUnlimited === true) return null;
  return typeof minor === "bigint" ? -minor : undefined;
}

async function storeTerms(tx: Tx, account: Account, next: Account, former: string | null): Promise<void> {
  const { id } = account;
  const becomesDefault = next.isDefault && !account.isDefault;
  const movesFloor = next.floorMinor !== account.floorMinor;
  const creditLimit = next.floorMinor === null ? null : formatAmount(-next.floorMinor, next.currency as Currency);
  await writeAudit(tx, {
    action: "account.changed",
    subject: `account:${id}`,
    detail: {
      ...(next.name === account.name ? {} : { isRenamed: true }),
      ...(becomesDefault ? { isDefault: true } : {}),
      ...(movesFloor ? { creditLimit } : {}),
    },
  });
  if (becomesDefault && former !== null) await auditDefault(tx, former, false);
  const newName = next.name === account.name ? null : next.name;
  await store.changeAccount(tx, id, { name: newName, floorMinor: movesFloor ? next.floorMinor : undefined, becomesDefault });
}

/** Blocks sides of an account. Repeated it answers the present state. Refuses with 404, and 409 accountClosed, accountNotActive. */
export async function blockAccount(tx: Tx, id: string, which: WhichAccount, sides: Sides, reason: string): Promise<Account> {
  return await changeBlocks(tx, id, which, { change: "account.blocked", reason, decide: (account) => block(account, sides) });
}

/** Takes blocks away. Repeated it answers the present state. Refuses as `blockAccount` does. */
export async function unblockAccount(tx: Tx, id: string, which: WhichAccount, sides: Sides, reason: string): Promise<Account> {
  return await changeBlocks(tx, id, which, { change: "account.unblocked", reason, decide: (account) => unblock(account, sides) });
}

type BlockOrder = {
  readonly change: store.BlockChange;
  readonly reason: string;
  readonly decide: (account: Account) => Account | AccountRefusal;
};

async function changeBlocks(tx: Tx, id: string, which: WhichAccount, { change, reason, decide }: BlockOrder): Promise<Account> {
  await find(tx, id, which);
  await store.lockAccounts(tx, [id]);
  const account = await findMatched(tx, id, which);
  const next = accepted(account, decide(account));
  if (next === account) return account;
  const { debitBlocked, creditBlocked } = next;
  await writeAudit(tx, { action: change, subject: `account:${id}`, detail: { debitBlocked, creditBlocked, reason } });
  await store.setBlocks(tx, id, { change, debit: debitBlocked, credit: creditBlocked, reason });
  return next;
}

/** Who closes: the bank, or the client, who must have confirmed it with a one-time code. */
export type Closer = { readonly by: "bank" } | { readonly by: "client"; readonly isVerified: boolean };

/**
 * Closes an empty account; a client's default hands this on to the next of its currency. A closed one is answered as it is. Refuses with 404,
 * and 409 accountBlocked (to the client), accountNotEmpty, and otpRequired where nothing else stands in the way.
 */
export async function closeAccount(tx: Tx, id: string, which: WhichAccount, closer: Closer): Promise<Account> {
  const { clientId } = await find(tx, id, which);
  if (clientId !== null) await lockAccountSet(tx, clientId);
  const heir = await store.findHeir(tx, id);
  await store.lockAccounts(tx, heir === null ? [id] : [id, heir]);
  const account = await findMatched(tx, id, which);
  const hasPendingPayment = await store.hasPendingPayment(tx, id);
  const next = accepted(account, close(account, { at: tx.now, by: closer.by, hasPendingPayment }));
  if (next === account) return account;
  if (closer.by === "client" && !closer.isVerified) refuse("otpRequired");

  await writeAudit(tx, { action: "account.closed", subject: `account:${id}`, detail: { by: closer.by } });
  if (heir !== null) await auditDefault(tx, heir, true);
  await store.closeAccount(tx, id, heir, tx.now);
  return next;
}

async function find(tx: Tx, id: string, visibility: Visibility): Promise<Account> {
  return (await findAccount(tx, id, visibility)) ?? refusePlatform("notFound");
}

/** The account as the caller knows it. It is locked: nobody can move it any more. */
async function findMatched(tx: Tx, id: string, which: WhichAccount): Promise<Account> {
  const account = await find(tx, id, which);
  if (which.ifMatch !== undefined && !isMatched(which.ifMatch, account.version)) {
    refusePlatform("preconditionFailed", {
      detail: "The account is of another version than If-Match asks for.",
      members: { accountId: id },
    });
  }
  return account;
}

async function auditDefault(tx: Tx, accountId: string, isDefault: boolean): Promise<void> {
  await writeAudit(tx, { action: "account.changed", subject: `account:${accountId}`, detail: { isDefault } });
}

/** The account after the change; a refusal becomes its problem here and nowhere else. */
function accepted(account: Account, outcome: Account | AccountRefusal): Account {
  if (!("code" in outcome)) return outcome;
  const { id: accountId } = account;
  const currency = account.currency as Currency;
  if (outcome.code === "defaultIsNeeded") {
    return refuse("invalidState", { detail: "Make another account of this currency the default instead.", members: { accountId } });
  }
  if (outcome.code !== "insufficientFunds") return refuse(outcome.code, { members: { accountId } });
  const { availableMinor, requiredMinor } = outcome;
  invariant(requiredMinor > availableMinor, "a limit that suffices was refused");
  return refuse("insufficientFunds", {
    detail: "The credit limit would be lower than what is in use of it.",
    members: { accountId, available: formatAmount(availableMinor, currency), required: formatAmount(requiredMinor, currency), currency },
  });
}
