// Operation 33: the currencies of clients' accounts, and the ways in which money moves in each. Pure.

import { currencies, currencyName, minorDigits } from "#platform/currency.ts";
import type { AvailableCurrencies, TransferType } from "./contract.ts";

const DOMESTIC: Readonly<Record<string, readonly TransferType[]>> = {
  EUR: ["sepa", "sepaInstant"],
  GBP: ["fasterPayments", "chaps"],
  USD: ["ach", "fedwire"],
};

/** What is offered, in alphabetical order. */
export function listCurrencies(offered: ReadonlySet<string>): AvailableCurrencies {
  return {
    items: currencies
      .filter((currency) => offered.has(currency))
      .map((currency) => ({
        currency,
        name: currencyName(currency),
        minorUnits: minorDigits(currency),
        transferTypes: [...(DOMESTIC[currency] ?? []), "swift", "internal"],
        canOpenAccount: true,
      })),
  };
}
