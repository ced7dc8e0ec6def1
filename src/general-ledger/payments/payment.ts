// A payment as one of its changes left it, with everything its answer is made of. Pure.

import type { AccountCategory, PaymentState, PaymentType } from "../words.ts";
import { isCreditNormal } from "../words.ts";

/** An account as a payment left it: the last figures on it that this payment made. Credit positive, minor units. */
export type AccountStand = {
  readonly accountId: string;
  readonly seq: bigint;
  readonly balanceMinor: bigint;
  readonly heldMinor: bigint;
  readonly creditNormal: boolean;
};

export type PaymentLine = {
  readonly lineNo: number;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  /** As ordered. */
  readonly amountMinor: bigint;
  /** As booked, when the payment was drafted first: null until it is posted, 0 when the line was released. */
  readonly postedMinor: bigint | null;
  readonly currency: string;
  readonly type: PaymentType;
  readonly description: string | null;
};

export type Payment = {
  readonly id: string;
  readonly externalId: string;
  readonly type: PaymentType;
  readonly state: PaymentState;
  readonly clientId: string | null;
  readonly description: string | null;
  readonly reference: string | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly valueDate: string;
  /** The value date that was asked for, when a closed day moved it. */
  readonly askedValueDate: string | null;
  readonly createdAt: Date;
  readonly pendedAt: Date | null;
  readonly postedAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly expiresAt: Date | null;
  readonly reversesPaymentId: string | null;
  /** The posted payment that undid this one. */
  readonly reversedByPaymentId: string | null;
  /** Number of the change that brought the state; null in a dry run. */
  readonly sequence: bigint | null;
  readonly lines: readonly PaymentLine[];
  /** By first appearance in the lines, debit before credit. */
  readonly accounts: readonly AccountStand[];
};

/** Keeps, for each account, the last of its stands, in the order of first appearance. */
export function lastStands(stands: Iterable<AccountStand>): AccountStand[] {
  const last = new Map<string, AccountStand>();
  for (const stand of stands) last.set(stand.accountId, stand);
  return [...last.values()];
}

/** The balance as people read it: positive on the category's normal side. */
export function normalSide(balanceMinor: bigint, side: { readonly creditNormal: boolean } | AccountCategory): bigint {
  const creditNormal = typeof side === "string" ? isCreditNormal(side) : side.creditNormal;
  return creditNormal ? balanceMinor : -balanceMinor;
}
