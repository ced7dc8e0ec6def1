// The wire words of the currencies on offer (contract 4.2, 5.6).

import { CurrencyCode, enumOf, type Static, strictObject, Type } from "#platform/schema.ts";

export const TRANSFER_TYPES = ["internal", "sepa", "sepaInstant", "swift", "fasterPayments", "chaps", "ach", "fedwire"] as const;
export type TransferType = (typeof TRANSFER_TYPES)[number];

export const AvailableCurrencies = strictObject(
  {
    items: Type.Array(
      strictObject({
        currency: CurrencyCode,
        name: Type.String({ description: "English name of ISO 4217." }),
        minorUnits: Type.Integer({ minimum: 0, description: "Digits after the point." }),
        transferTypes: Type.Array(enumOf(TRANSFER_TYPES)),
        canOpenAccount: Type.Boolean(),
      }),
    ),
  },
  { title: "AvailableCurrencies" },
);
export type AvailableCurrencies = Static<typeof AvailableCurrencies>;
