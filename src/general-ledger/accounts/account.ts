// An account as it is read: identity, terms and figures. Pure.

import type { AccountCategory, AccountStatus, AccountType } from "../words.ts";

export type Account = {
  readonly id: string;
  readonly tenant: string;
  readonly clientId: string | null;
  readonly number: string;
  readonly iban: string | null;
  readonly bic: string | null;
  readonly name: string;
  readonly currency: string;
  readonly type: AccountType;
  readonly category: AccountCategory;
  readonly status: AccountStatus;
  readonly isDefault: boolean;
  readonly sortOrder: number;
  /** Credit positive, minor units. */
  readonly balanceMinor: bigint;
  readonly heldMinor: bigint;
  readonly incomingMinor: bigint;
  /** The least that balance less holds may be; null: no floor. */
  readonly floorMinor: bigint | null;
  readonly provider: string | null;
  readonly externalId: string | null;
  readonly debitBlocked: boolean;
  readonly creditBlocked: boolean;
  readonly version: bigint;
  readonly createdAt: Date;
  readonly closedAt: Date | null;
};
