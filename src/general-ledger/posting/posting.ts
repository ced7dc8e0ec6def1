// Pure: no database, no clock, no randomness. Give it the books and a command; it says what the books are afterwards, or the one
// reason why not. The database function `post_batch` does the same at speed; a property test holds the two against each other.
//
// Figures are minor units, credit positive: a line takes from the debited account and gives to the credited one, so every payment
// sums to zero. Order of judgement: the payment's state, its time, versions, what it reverses; then per line: known, closed, not active,
// client blocked, blocked, currency, bounds; then funds, once per payment.

import type { AccountStatus, PaymentState } from "../words.ts";
import { type ChangeOperation, nextState } from "./payment-life.ts";

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
  "unchanged",
  "invalidState",
  "clientBlocked",
  "versionMismatch",
  "notReversible",
  "reversalDiffers",
  "expired",
  "notItsClient",
  "endsInThePast",
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
  /** The owner is blocked: nothing may be taken. */
  readonly clientBlocked: boolean;
  /** Holds stand on this side of the books only. */
  readonly creditNormal: boolean;
  /** The least that balance less holds may be; null: no floor. */
  readonly floorMinor: bigint | null;
  readonly balanceMinor: bigint;
  readonly heldMinor: bigint;
  readonly incomingMinor: bigint;
  /** Number of the account's last entry. */
  readonly lastSeq: bigint;
  readonly version: bigint;
};

export type Line = {
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
};

/** A payment of the books, as far as its next change depends on it. */
export type KnownPayment = {
  readonly state: PaymentState;
  readonly isExpired: boolean;
  readonly isReversal: boolean;
  /** What was booked of each line; only of a posted payment. */
  readonly booked: readonly bigint[] | null;
};

/** What a reversal is judged by. */
export type Reversed = {
  readonly isPosted: boolean;
  readonly isReversal: boolean;
  readonly isReversed: boolean;
  readonly lines: readonly Line[];
};

export type Command = {
  readonly operation: "transfer" | "draft" | "hold" | ChangeOperation;
  readonly lines: readonly Line[];
  /** The caller sees this tenant only; null: every tenant. */
  readonly confinedTo: string | null;
  /** Of a change: the payment to change. */
  readonly payment?: KnownPayment;
  /** Of a post: what to book of each line, 0 releases it. Absent: everything. */
  readonly captures?: readonly bigint[];
  readonly ifVersion?: Readonly<Record<string, bigint>>;
  readonly reverses?: Reversed;
  /** Of a new payment: its time would be over before it begins. */
  readonly endsInThePast?: boolean;
};

/** An account as one line left it. */
export type Stand = { readonly accountId: string; readonly seq: bigint; readonly balanceMinor: bigint; readonly heldMinor: bigint };
/** Null: nothing was booked of the line. */
export type PostedLine = { readonly debit: Stand; readonly credit: Stand } | null;

export type Refusal = {
  readonly code: Exclude<Outcome, "accepted" | "replayed" | "refusedBefore" | "unchanged">;
  readonly accountId: string | null;
  readonly availableMinor?: bigint;
  readonly requiredMinor?: bigint;
};

export type Accepted = {
  readonly code: "accepted";
  readonly state: PaymentState;
  readonly lines: readonly PostedLine[];
  readonly accounts: ReadonlyMap<string, LedgerAccount>;
};

type Books = ReadonlyMap<string, LedgerAccount>;

/** Judges one command. The accounts given are not changed; the result holds the touched ones as they are afterwards. */
export function judge(command: Command, accounts: Books): Accepted | { readonly code: "unchanged" } | Refusal {
  const { operation, payment } = command;
  const state = payment === undefined || !isChange(operation) ? stateOfNew(operation) : nextState(operation, payment.state);
  if (state === "done") return isPostedOtherwise(command) ? { code: "invalidState", accountId: null } : { code: "unchanged" };
  if (state === "never" || (operation === "expire" && !payment?.isExpired)) return { code: "invalidState", accountId: null };
  if (payment?.isExpired && (operation === "pend" || operation === "post")) return { code: "expired", accountId: null };
  if (payment?.isReversal && isPartial(command)) return { code: "reversalDiffers", accountId: null };
  if (command.endsInThePast) return { code: "endsInThePast", accountId: null };
  return versionMismatch(command, accounts) ?? reversalFault(command) ?? apply(command, state, accounts);
}

/** A payment in one step: most commands are. */
export function post(command: Pick<Command, "lines" | "confinedTo">, accounts: Books): Accepted | Refusal {
  const result = judge({ ...command, operation: "transfer" }, accounts);
  return result.code === "unchanged" ? { code: "invalidState", accountId: null } : result;
}

/** What may still be taken from an account: balance less holds, down to the floor. Null: without limit. */
export function spendable(account: LedgerAccount): bigint | null {
  return account.floorMinor === null ? null : account.balanceMinor - account.heldMinor - account.floorMinor;
}

function isChange(operation: Command["operation"]): operation is ChangeOperation {
  return operation !== "transfer" && operation !== "draft" && operation !== "hold";
}

function stateOfNew(operation: Command["operation"]): PaymentState {
  return operation === "draft" ? "draft" : operation === "hold" ? "pending" : "posted";
}

/** A payment that was posted with other amounts cannot be posted with these. */
function isPostedOtherwise({ operation, captures, payment }: Command): boolean {
  return operation === "post" && (captures ?? []).some((amount, index) => amount !== payment?.booked?.[index]);
}

/** A reversal is booked whole. */
function isPartial({ operation, captures, lines }: Command): boolean {
  return operation === "post" && (captures ?? []).some((amount, index) => amount !== lines[index]?.amountMinor);
}

function versionMismatch(command: Command, accounts: Books): Refusal | null {
  for (const [accountId, wanted] of Object.entries(command.ifVersion ?? {})) {
    const account = visible(accountId, command, new Map(), accounts);
    if (account && account.version !== wanted)
      return { code: "versionMismatch", accountId, availableMinor: account.version, requiredMinor: wanted };
  }
  return null;
}

/** A posted payment is undone once, whole, by the same lines with their sides exchanged; a reversal is not undone. */
function reversalFault({ reverses, lines }: Command): Refusal | null {
  if (reverses === undefined) return null;
  if (!reverses.isPosted || reverses.isReversal || reverses.isReversed) return { code: "notReversible", accountId: null };
  const text = (debit: string, credit: string, { amountMinor, currency }: Line): string => [debit, credit, amountMinor, currency].join(" ");
  const wanted = reverses.lines.map((line) => text(line.creditAccountId, line.debitAccountId, line)).sort();
  const given = lines.map((line) => text(line.debitAccountId, line.creditAccountId, line)).sort();
  return wanted.length === given.length && wanted.every((line, index) => line === given[index])
    ? null
    : { code: "reversalDiffers", accountId: null };
}

function apply(command: Command, state: PaymentState, accounts: Books): Accepted | Refusal {
  const { operation, lines, payment } = command;
  const after = new Map<string, LedgerAccount>();
  const posted: PostedLine[] = [];
  // Cancelling gives back what is held, whatever has become of the accounts and whoever may see them.
  const viewer = state === "cancelled" ? { ...command, confinedTo: null } : command;
  for (const [index, line] of lines.entries()) {
    const amountMinor = operation === "post" ? (command.captures?.[index] ?? line.amountMinor) : line.amountMinor;
    const debit = visible(line.debitAccountId, viewer, after, accounts);
    const credit = visible(line.creditAccountId, viewer, after, accounts);
    if (!debit) return { code: "notFound", accountId: line.debitAccountId };
    if (!credit) return { code: "notFound", accountId: line.creditAccountId };
    const refusal = obstacle(command, { ...line, amountMinor }, debit, credit);
    if (refusal) return refusal;
    if (operation === "hold" || operation === "pend") hold(after, debit, credit, line.amountMinor);
    if (operation === "post" || (state === "cancelled" && payment?.state === "pending")) hold(after, debit, credit, -line.amountMinor);
    const books = operation === "transfer" || operation === "post";
    posted.push(books && amountMinor > 0n ? book(after, accounts, line, amountMinor) : null);
  }
  // Funds are judged once, at the end: the order of lines inside one payment means nothing. A post needs none: they are held.
  if (operation === "transfer" || operation === "hold" || operation === "pend") {
    for (const { debitAccountId } of lines) {
      const account = after.get(debitAccountId);
      if (account && isBelowFloor(account)) return insufficientFunds(command, account, accounts);
    }
  }
  return { code: "accepted", state, lines: posted, accounts: after };
}

function visible(id: string, command: Command, after: Books, accounts: Books): LedgerAccount | undefined {
  const account = after.get(id) ?? accounts.get(id);
  // Another tenant's account does not exist for this caller (contract decision 11).
  return command.confinedTo === null || account?.tenant === command.confinedTo ? account : undefined;
}

/** Why a line cannot be booked, held or drafted. */
function obstacle({ operation }: Command, line: Line, debit: LedgerAccount, credit: LedgerAccount): Refusal | null {
  if (operation === "cancel" || operation === "expire" || line.amountMinor === 0n) return null;
  if (debit.status === "closed") return { code: "accountClosed", accountId: debit.id };
  if (credit.status === "closed") return { code: "accountClosed", accountId: credit.id };
  return (
    (operation === "draft" ? null : standingObstacle(debit, credit)) ??
    currencyObstacle(line, debit, credit) ??
    (operation === "draft" ? null : boundObstacle(operation, line, debit, credit))
  );
}

function standingObstacle(debit: LedgerAccount, credit: LedgerAccount): Refusal | null {
  if (debit.status === "pending") return { code: "accountNotActive", accountId: debit.id };
  if (credit.status === "pending") return { code: "accountNotActive", accountId: credit.id };
  if (debit.clientBlocked) return { code: "clientBlocked", accountId: debit.id };
  if (debit.status === "blocked" || debit.debitBlocked) return { code: "accountBlocked", accountId: debit.id };
  if (credit.status === "blocked" || credit.creditBlocked) return { code: "accountBlocked", accountId: credit.id };
  return null;
}

function currencyObstacle(line: Line, debit: LedgerAccount, credit: LedgerAccount): Refusal | null {
  if (debit.currency !== line.currency) return { code: "currencyMismatch", accountId: debit.id };
  if (credit.currency !== line.currency) return { code: "currencyMismatch", accountId: credit.id };
  return null;
}

function boundObstacle(
  operation: Command["operation"],
  { amountMinor }: Line,
  debit: LedgerAccount,
  credit: LedgerAccount,
): Refusal | null {
  const holds = operation === "hold" || operation === "pend";
  const debitFits = holds
    ? !debit.creditNormal || debit.heldMinor + amountMinor <= BALANCE_BOUND
    : debit.balanceMinor - amountMinor >= -BALANCE_BOUND;
  const creditFits = holds
    ? !credit.creditNormal || credit.incomingMinor + amountMinor <= BALANCE_BOUND
    : credit.balanceMinor + amountMinor <= BALANCE_BOUND;
  if (!debitFits) return { code: "limitExceeded", accountId: debit.id };
  return creditFits ? null : { code: "limitExceeded", accountId: credit.id };
}

/** Holds on the debited and announces on the credited account, on the credit side of the books only; a negative amount gives back. */
function hold(after: Map<string, LedgerAccount>, debit: LedgerAccount, credit: LedgerAccount, amountMinor: bigint): void {
  const held = debit.creditNormal ? amountMinor : 0n;
  const incoming = credit.creditNormal ? amountMinor : 0n;
  after.set(debit.id, { ...debit, heldMinor: debit.heldMinor + held, version: debit.version + 1n });
  after.set(credit.id, { ...credit, incomingMinor: credit.incomingMinor + incoming, version: credit.version + 1n });
}

function book(after: Map<string, LedgerAccount>, accounts: Books, line: Line, amountMinor: bigint): PostedLine {
  return {
    debit: enter(after, accounts, line.debitAccountId, -amountMinor),
    credit: enter(after, accounts, line.creditAccountId, amountMinor),
  };
}

function enter(after: Map<string, LedgerAccount>, accounts: Books, id: string, amountMinor: bigint): Stand {
  const account = (after.get(id) ?? accounts.get(id)) as LedgerAccount;
  const next = {
    ...account,
    balanceMinor: account.balanceMinor + amountMinor,
    lastSeq: account.lastSeq + 1n,
    version: account.version + 1n,
  };
  after.set(id, next);
  return { accountId: id, seq: next.lastSeq, balanceMinor: next.balanceMinor, heldMinor: next.heldMinor };
}

function isBelowFloor(account: LedgerAccount): boolean {
  const left = spendable(account);
  return left !== null && left < 0n;
}

/**
 * Says what the account could give before the payment, and what the payment takes from it: a transfer net of what it brings, a hold
 * everything.
 */
function insufficientFunds({ operation, lines }: Command, account: LedgerAccount, accounts: Books): Refusal {
  const before = accounts.get(account.id);
  const required = lines.reduce((sum, line) => {
    if (line.debitAccountId === account.id) return sum + line.amountMinor;
    return line.creditAccountId === account.id && operation === "transfer" ? sum - line.amountMinor : sum;
  }, 0n);
  return { code: "insufficientFunds", accountId: account.id, availableMinor: (before && spendable(before)) ?? 0n, requiredMinor: required };
}
