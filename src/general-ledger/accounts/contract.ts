// The wire words of accounts (contract 4.3, 5.4, decisions 15, 20). Amounts are decimal texts here and nowhere else.

import {
  AmountText,
  CurrencyCode,
  DateTimeText,
  enumOf,
  Nullable,
  SignedAmountText,
  type Static,
  strictObject,
  Type,
  Uuid,
} from "#platform/schema.ts";
import { AccountNumber, ExternalId } from "../contract.ts";
import { ACCOUNT_CATEGORIES, ACCOUNT_STATUSES, ACCOUNT_TYPES } from "../words.ts";

export const OpenAccount = strictObject(
  {
    clientId: Type.Optional(Nullable(Uuid, { description: "Owner; required for type client, not allowed for others." })),
    currency: CurrencyCode,
    type: enumOf(ACCOUNT_TYPES),
    name: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 100, format: "plain-text" }))),
    category: Type.Optional(Nullable(enumOf(ACCOUNT_CATEGORIES), { description: "By type unless given; not for client and reserve." })),
    accountNumber: Type.Optional(Nullable(AccountNumber, { description: "Generated unless given; unique without regard to case." })),
    iban: Type.Optional(
      Nullable(Type.String({ minLength: 15, maxLength: 34 }), { description: "Generated for EUR and GBP unless given." }),
    ),
    bic: Type.Optional(Nullable(Type.String({ pattern: "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$" }))),
    externalId: Type.Optional(Nullable(ExternalId)),
  },
  { title: "OpenAccount" },
);
export type OpenAccount = Static<typeof OpenAccount>;

const accountFields = {
  id: Uuid,
  accountNumber: Type.String(),
  iban: Nullable(Type.String()),
  bic: Nullable(Type.String()),
  name: Type.String(),
  currency: CurrencyCode,
  clientId: Nullable(Uuid),
  type: enumOf(ACCOUNT_TYPES),
  status: enumOf(ACCOUNT_STATUSES),
  isDefault: Type.Boolean(),
  sortOrder: Type.Integer(),
  balance: SignedAmountText,
  heldAmount: AmountText,
  availableBalance: SignedAmountText,
  pendingIncomingAmount: AmountText,
  provider: Nullable(Type.String()),
  createdAt: DateTimeText,
  closedAt: Nullable(DateTimeText),
  externalId: Nullable(Type.String()),
  creditLimit: AmountText,
  debitBlocked: Type.Boolean(),
  creditBlocked: Type.Boolean(),
  version: Type.Integer({
    minimum: 1,
    description: "Rises with every entry and every change of the account; its place in the order is none.",
  }),
};

/** An account as its owner sees it. */
export const ClientAccountDto = strictObject(accountFields, { title: "AccountDto" });
/** An account in the system view. */
export const AccountDto = strictObject({ ...accountFields, category: enumOf(ACCOUNT_CATEGORIES) }, { title: "AccountDto" });
export type AccountDto = Static<typeof AccountDto>;
export type ClientAccountDto = Static<typeof ClientAccountDto>;
