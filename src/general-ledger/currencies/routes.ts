// The operation of currencies.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import type { AccountDeps } from "../accounts/routes.ts";
import { AvailableCurrencies } from "./contract.ts";
import { listCurrencies } from "./currencies.ts";

/** The currencies on offer. */
export function currencyEndpoints({ accounts }: AccountDeps): Endpoint[] {
  return [
    endpoint({
      id: "listAvailableCurrencies",
      method: "GET",
      path: "/BaasProvider/available-currencies",
      tags: ["GeneralLedger - System (1) / BaasProvider"],
      summary: "Currencies in which accounts can be opened",
      audience: "frontOffice",
      scope: null,
      reply: AvailableCurrencies,
      work: "read",
      handle: async () => listCurrencies(accounts.currencies),
    }),
  ];
}
