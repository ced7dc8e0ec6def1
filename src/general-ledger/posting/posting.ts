// Pure: no database, no clock, no randomness. Give it the books and a command; it says what the books are afterwards, or the one
// reason why not. The database function `post_batch` does the same at speed; a property test holds the two against each other.
//
// Figures are minor units, credit positive: a line takes from the debited account and gives to the credited one, so every payment
// sums to zero. Order of judgement, per line: known, closed, not active, blocked, currency, bounds; then funds, once per payment.

import type { AccountStatus } from "../words.ts";

/** Every end a command can have. The position in this list is the code that `post_batch` answers. */
export const OUTCOMES = [
  "accepted",
  "replayed",
  "idempotencyKeyReused",
  "refusedBefore",
  "duplicateExternalId",
  "notFound",
  "accountNotActive",
  "accountClosed",
  "accountBlocked",
  "currencyMismatch",
  "limitExceeded",
  "insufficientFunds",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Balances and holds stay within ± this many minor units (contract decision 15). */
export const BALANCE_BOUND = 9_000_000_000_000_000_000n;

export type LedgerAccount = {
  readonly id: string;
  readonly tenant: string;
  readonly clientId: string | null;
  readonly currency: string;
  readonly status: AccountStatus;
  readonly debitBlocked: boolean;
  readonly creditBlocked: boolean;
  /** The least that balance less holds may be; null: no floor. */
  readonly floorMinor: bigint | null;
  readonly balanceMinor: bigint;
  readonly heldMinor: bigint;
  /** Number of the account's last entry. */
  readonly lastSeq: bigint;
};

export type Line = {
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
};

/** A payment to be posted in one step. `confinedTo`: the caller sees this tenant only; null: every tenant. */
export type Command = { readonly lines: readonly Line[]; readonly confinedTo: string | null };

/** An account as one line left it. */
export type Stand = { readonly accountId: string; readonly seq: bigint; readonly balanceMinor: bigint; readonly heldMinor: bigint };
export type PostedLine = { readonly debit: Stand; readonly credit: Stand };

export type Refusal =
  | { readonly code: "insufficientFunds"; readonly accountId: string; readonly availableMinor: bigint; readonly requiredMinor: bigint }
  | { readonly code: Exclude<Outcome, "accepted" | "replayed" | "refusedBefore" | "insufficientFunds">; readonly accountId: string };

export type Posted = {
  readonly code: "accepted";
  readonly lines: readonly PostedLine[];
  readonly accounts: ReadonlyMap<string, LedgerAccount>;
};

/** Posts one command. The accounts given are not changed; the result holds the touched ones as they are afterwards. */
export function post(command: Command, accounts: ReadonlyMap<string, LedgerAccount>): Posted | Refusal {
  const after = new Map<string, LedgerAccount>();
  const lines: PostedLine[] = [];
  for (const line of command.lines) {
    const debit = visible(line.debitAccountId, command, after, accounts);
    const credit = visible(line.creditAccountId, command, after, accounts);
    if (!debit) return { code: "notFound", accountId: line.debitAccountId };
    if (!credit) return { code: "notFound", accountId: line.creditAccountId };
    const refusal = firstObstacle(line, debit, credit);
    if (refusal) return refusal;
    lines.push({ debit: book(after, debit, -line.amountMinor), credit: book(after, credit, line.amountMinor) });
  }
  // Funds are judged once, at the end: the order of lines inside one payment means nothing.
  for (const { debitAccountId } of command.lines) {
    const account = after.get(debitAccountId);
    if (account && isBelowFloor(account)) return insufficientFunds(command, account, accounts);
  }
  return { code: "accepted", lines, accounts: after };
}

/** What may still be taken from an account: balance less holds, down to the floor. Null: without limit. */
export function spendable(account: LedgerAccount): bigint | null {
  return account.floorMinor === null ? null : account.balanceMinor - account.heldMinor - account.floorMinor;
}

function visible(
  id: string,
  command: Command,
  after: ReadonlyMap<string, LedgerAccount>,
  accounts: ReadonlyMap<string, LedgerAccount>,
): LedgerAccount | undefined {
  const account = after.get(id) ?? accounts.get(id);
  // Another tenant's account does not exist for this caller (contract decision 11).
  return command.confinedTo === null || account?.tenant === command.confinedTo ? account : undefined;
}

function firstObstacle(line: Line, debit: LedgerAccount, credit: LedgerAccount): Refusal | null {
  if (debit.status === "closed") return { code: "accountClosed", accountId: debit.id };
  if (credit.status === "closed") return { code: "accountClosed", accountId: credit.id };
  if (debit.status === "pending") return { code: "accountNotActive", accountId: debit.id };
  if (credit.status === "pending") return { code: "accountNotActive", accountId: credit.id };
  if (debit.status === "blocked" || debit.debitBlocked) return { code: "accountBlocked", accountId: debit.id };
  if (credit.status === "blocked" || credit.creditBlocked) return { code: "accountBlocked", accountId: credit.id };
  if (debit.currency !== line.currency) return { code: "currencyMismatch", accountId: debit.id };
  if (credit.currency !== line.currency) return { code: "currencyMismatch", accountId: credit.id };
  if (debit.balanceMinor - line.amountMinor < -BALANCE_BOUND) return { code: "limitExceeded", accountId: debit.id };
  if (credit.balanceMinor + line.amountMinor > BALANCE_BOUND) return { code: "limitExceeded", accountId: credit.id };
  return null;
}

function book(after: Map<string, LedgerAccount>, account: LedgerAccount, amountMinor: bigint): Stand {
  const next = { ...account, balanceMinor: account.balanceMinor + amountMinor, lastSeq: account.lastSeq + 1n };
  after.set(account.id, next);
  return { accountId: next.id, seq: next.lastSeq, balanceMinor: next.balanceMinor, heldMinor: next.heldMinor };
}

function isBelowFloor(account: LedgerAccount): boolean {
  const left = spendable(account);
  return left !== null && left < 0n;
}

/** Says what the account could give before the payment, and what the payment takes from it, net of what it brings. */
function insufficientFunds(command: Command, account: LedgerAccount, accounts: ReadonlyMap<string, LedgerAccount>): Refusal {
  const before = accounts.get(account.id);
  const required = command.lines.reduce((sum, line) => {
    if (line.debitAccountId === account.id) return sum + line.amountMinor;
    return line.creditAccountId === account.id ? sum - line.amountMinor : sum;
  }, 0n);
  return { code: "insufficientFunds", accountId: account.id, availableMinor: (before && spendable(before)) ?? 0n, requiredMinor: required };
}
