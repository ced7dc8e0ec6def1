// The ledger's words as the wire and the database spell them (contract 4.2).

export const ACCOUNT_TYPES = ["client", "treasury", "fee", "reserve", "clearing", "settlement", "fxPosition", "suspense"] as const;
export type AccountType = (typeof ACCOUNT_TYPES)[number];

export const ACCOUNT_CATEGORIES = ["asset", "liability", "equity", "income", "expense"] as const;
export type AccountCategory = (typeof ACCOUNT_CATEGORIES)[number];

export const ACCOUNT_STATUSES = ["pending", "active", "blocked", "closed"] as const;
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];

export const PAYMENT_STATES = ["draft", "pending", "posted", "cancelled"] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

export const PAYMENT_TYPES = ["deposit", "withdrawal", "transfer", "fee", "foreignExchange", "adjustment", "reversal"] as const;
export type PaymentType = (typeof PAYMENT_TYPES)[number];

/** Category of an account by its type, unless given (contract decision 15). */
export const DEFAULT_CATEGORY: Readonly<Record<AccountType, AccountCategory>> = {
  client: "liability",
  reserve: "liability",
  clearing: "liability",
  suspense: "liability",
  fxPosition: "liability",
  settlement: "asset",
  treasury: "equity",
  fee: "income",
};

/** Client and reserve accounts can never be overdrawn beyond their credit limit. */
export function isGuarded(type: AccountType): boolean {
  return type === "client" || type === "reserve";
}

/** The side on which a category's balance is normally: its wire balance is positive there. */
export function isCreditNormal(category: AccountCategory): boolean {
  return category === "liability" || category === "equity" || category === "income";
}
