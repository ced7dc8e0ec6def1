// What may become of an account besides postings: its terms, its blocks, its end. Pure: give it the account and what is wanted, get the
// account as it is afterwards (the same object where it is so already) or the one reason why not. The database functions of
// 0008_account_changes.sql judge the same a second time.

import type { Account } from "./account.ts";

/** Figures are minor units: the limit that was asked for, and what is in use. */
export type AccountRefusal =
  | { readonly code: "accountClosed" | "accountNotActive" | "accountBlocked" | "accountNotEmpty" | "defaultIsNeeded" }
  | { readonly code: "insufficientFunds"; readonly availableMinor: bigint; readonly requiredMinor: bigint };

/** Of which side: true acts, false leaves it as it is. */
export type Sides = { readonly debit: boolean; readonly credit: boolean };

/** What is to be changed; undefined: stays. */
export type Terms = {
  readonly name: string | undefined;
  readonly isDefault: boolean | undefined;
  /** Minus the credit limit; null: none, the account may go below zero without bounds. */
  readonly floorMinor: bigint | null | undefined;
};

/** Both sides blocked is a blocked account. */
export function block(account: Account, sides: Sides): Account | AccountRefusal {
  return withBlocks(account, account.debitBlocked || sides.debit, account.creditBlocked || sides.credit);
}

export function unblock(account: Account, sides: Sides): Account | AccountRefusal {
  return withBlocks(account, account.debitBlocked && !sides.debit, account.creditBlocked && !sides.credit);
}

function withBlocks(account: Account, debitBlocked: boolean, creditBlocked: boolean): Account | AccountRefusal {
  if (account.status === "closed") return { code: "accountClosed" };
  if (account.status === "pending") return { code: "accountNotActive" };
  const status = debitBlocked && creditBlocked ? "blocked" : "active";
  if (account.debitBlocked === debitBlocked && account.creditBlocked === creditBlocked && account.status === status) return account;
  return { ...account, debitBlocked, creditBlocked, status, version: account.version + 1n };
}

export function changeTerms(account: Account, terms: Terms): Account | AccountRefusal {
  if (account.status === "closed") return { code: "accountClosed" };
  // One account of each currency is the default; it stops being so when another one takes over.
  if (terms.isDefault === false && account.isDefault) return { code: "defaultIsNeeded" };
  const { name = account.name, isDefault = account.isDefault, floorMinor = account.floorMinor } = terms;
  const free = account.balanceMinor - account.heldMinor;
  if (floorMinor !== null && free < floorMinor) return { code: "insufficientFunds", availableMinor: -floorMinor, requiredMinor: -free };
  if (name === account.name && isDefault === account.isDefault && floorMinor === account.floorMinor) return account;
  return { ...account, name, isDefault, floorMinor, version: account.version + 1n };
}

export type Closing = {
  readonly at: Date;
  /** What the bank has blocked its client cannot close. */
  readonly by: "client" | "bank";
  /** A payment that was pended and not yet posted or cancelled. Drafts are none: they move nothing and are refused when they would. */
  readonly hasPendingPayment: boolean;
};

/** Closed is final. */
export function close(account: Account, { at, by, hasPendingPayment }: Closing): Account | AccountRefusal {
  if (account.status === "closed") return account;
  const isBlocked = account.status === "blocked" || account.debitBlocked || account.creditBlocked;
  if (by === "client" && isBlocked) return { code: "accountBlocked" };
  const isEmpty = account.balanceMinor === 0n && account.heldMinor === 0n && account.incomingMinor === 0n;
  if (!isEmpty || hasPendingPayment) return { code: "accountNotEmpty" };
  return { ...account, status: "closed", isDefault: false, closedAt: at, version: account.version + 1n };
}

/** How a list of accounts differs from the open ones that it should name once each. */
export type OrderFaults = {
  readonly repeated: readonly string[];
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
};

export function compareOrder(listed: readonly string[], open: readonly string[]): OrderFaults {
  const [named, known] = [new Set(listed), new Set(open)];
  return {
    repeated: [...named].filter((id) => listed.indexOf(id) !== listed.lastIndexOf(id)),
    missing: open.filter((id) => !named.has(id)),
    unknown: [...named].filter((id) => !known.has(id)),
  };
}
