// What the ledger is asked to do: make a payment, or change one that was drafted. Checked in form, not yet judged against the books.

import type { Payment } from "../payments/payment.ts";
import type { PaymentType } from "../words.ts";

export type CommandLine = {
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly type: PaymentType;
  readonly description: string | null;
};

/** The idempotency key of one command (hashes only), and what is kept with a refusal under it. */
export type CommandKey = {
  readonly id: string;
  /** Hex SHA-256 of the request. */
  readonly request: string;
  readonly traceId: string;
  /** True for an item of a list: a list is answered once and for all, so "no such account" is kept as well. */
  readonly keepsAbsence: boolean;
};

/** Who asks. */
export type Order = {
  /** Tenant of the caller: externalIds are unique within it. */
  readonly ownerTenant: string;
  /** True when the caller sees only its own tenant. */
  readonly isConfined: boolean;
  /** Subject of the caller. */
  readonly createdBy: string;
  readonly key: CommandKey | null;
};

/** One payment of 1 to 50 lines, to be accepted or refused whole: posted in one step, drafted, or drafted and held at once. */
export type PaymentCommand = Order & {
  readonly operation: "transfer" | "draft" | "hold";
  /** Of the payment to be: a UUIDv7 that ends in 00. */
  readonly id: string;
  readonly externalId: string;
  /** First 128 bits of SHA-256 over what was asked for, as a uuid. */
  readonly content: string;
  readonly type: PaymentType;
  /** The client whom the payment is about; null: the debited client, else the credited one. */
  readonly clientId: string | null;
  /** null: today in the bank's time zone. */
  readonly valueDate: string | null;
  readonly description: string | null;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** From then on a drafted payment can only be cancelled. */
  readonly expiresAt: Date | null;
  /** The payment that this one undoes. */
  readonly reversesPaymentId: string | null;
  /** Versions that accounts must have when the command is judged. */
  readonly ifVersion: Readonly<Record<string, bigint>> | null;
  readonly lines: readonly CommandLine[];
};

/** What never changes of a drafted payment. */
export type PaymentTerms = Pick<
  Payment,
  | "id"
  | "externalId"
  | "type"
  | "clientId"
  | "description"
  | "reference"
  | "metadata"
  | "valueDate"
  | "askedValueDate"
  | "createdAt"
  | "expiresAt"
  | "reversesPaymentId"
  | "lines"
>;

/** The next step of a drafted payment's life. */
export type ChangeCommand = Order & {
  readonly operation: "pend" | "post" | "cancel" | "expire";
  readonly payment: PaymentTerms;
  readonly reason: string | null;
  /** Of a post; null: today in the bank's time zone. */
  readonly valueDate: string | null;
  /** Of a post: what to book of each line in order, 0 releases it; null: everything. */
  readonly captures: readonly bigint[] | null;
};

export type LedgerCommand = PaymentCommand | ChangeCommand;

/** Does the command change a payment that is there already? */
export function isChange(command: LedgerCommand): command is ChangeCommand {
  return "payment" in command;
}

export function linesOf(command: LedgerCommand): readonly CommandLine[] {
  return isChange(command) ? command.payment.lines : command.lines;
}

export function paymentIdOf(command: LedgerCommand): string {
  return isChange(command) ? command.payment.id : command.id;
}
