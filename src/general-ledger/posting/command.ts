// A payment as the ledger takes it: checked in form, not yet judged against the books.

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

/** One payment of 1 to 50 lines, to be accepted or refused whole. */
export type PaymentCommand = {
  /** Of the payment to be: a UUIDv7 that ends in 00. */
  readonly id: string;
  /** Tenant of the caller: externalIds are unique within it. */
  readonly ownerTenant: string;
  /** True when the caller sees only its own tenant. */
  readonly isConfined: boolean;
  /** Subject of the caller. */
  readonly createdBy: string;
  readonly externalId: string;
  /** First 128 bits of SHA-256 over what was asked for, as a uuid. */
  readonly content: string;
  readonly key: CommandKey | null;
  readonly type: PaymentType;
  /** null: today in the bank's time zone. */
  readonly valueDate: string | null;
  readonly description: string | null;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly lines: readonly CommandLine[];
};
