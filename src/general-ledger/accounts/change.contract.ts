// The wire words of what changes accounts (contract 5.4, decision 21). An optional field that is null is as one that is absent.

import { AmountText, CurrencyCode, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";

/** Query of what changes an account, or its header If-Match. */
export const IfMatch = strictObject({
  ifMatch: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: "ETag of the account as it was read; 412 when it has moved or changed since.",
    }),
  ),
});

const Name = Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 100, format: "plain-text" })));

export const OpenOwnAccount = strictObject({ currency: CurrencyCode, name: Name }, { title: "OpenOwnAccount" });
export type OpenOwnAccount = Static<typeof OpenOwnAccount>;

export const ChangeOwnAccount = strictObject(
  {
    name: Name,
    isDefault: Type.Optional(
      Nullable(Type.Boolean(), {
        description: "True: the client's default account of this currency, in place of the former one. False on the default is refused.",
      }),
    ),
  },
  { title: "ChangeOwnAccount" },
);
export type ChangeOwnAccount = Static<typeof ChangeOwnAccount>;

export const ReorderAccounts = strictObject(
  { accountIds: Type.Array(Uuid, { minItems: 1, maxItems: 1000, description: "Every open account of the client, each once." }) },
  { title: "ReorderAccounts" },
);

export const ChangeAccount = strictObject(
  {
    name: Name,
    creditLimit: Type.Optional(
      Nullable(AmountText, {
        description: "How far below zero the account may go. For accounts of the credit side only; not below what is in use of it.",
      }),
    ),
    isUnlimited: Type.Optional(
      Nullable(Type.Boolean(), { description: "True: the account may go below zero without bounds. Not for client and reserve." }),
    ),
  },
  { title: "ChangeAccount" },
);

export const BlockAccount = strictObject(
  {
    debit: Type.Optional(Nullable(Type.Boolean(), { description: "True: this side; false or absent: it stays as it is." })),
    credit: Type.Optional(Nullable(Type.Boolean(), { description: "As debit." })),
    reason: Type.String({ minLength: 1, maxLength: 500, description: "Kept in the audit trail. No personal data." }),
  },
  { title: "BlockAccount" },
);
export type BlockAccount = Static<typeof BlockAccount>;
