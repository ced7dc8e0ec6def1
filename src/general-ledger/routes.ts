// All operations of the ledger that are served.

import type { Endpoint } from "#platform/http/endpoint.ts";
import { type AccountChangeDeps, accountChangeEndpoints } from "./accounts/change-routes.ts";
import { accountReadEndpoints } from "./accounts/read-routes.ts";
import { accountEndpoints } from "./accounts/routes.ts";
import { currencyEndpoints } from "./currencies/routes.ts";
import { eventEndpoints } from "./journal/routes.ts";
import type { PaymentDeps } from "./payments/payments.ts";
import { paymentEndpoints } from "./payments/routes.ts";
import { periodEndpoints } from "./periods/routes.ts";
import { transactionEndpoints } from "./transactions/routes.ts";

/** What the operations need from the composition root. */
export type LedgerDeps = PaymentDeps & AccountChangeDeps;

/** Accounts, payments, transactions, periods, events. */
export function generalLedgerEndpoints(deps: LedgerDeps): readonly Endpoint[] {
  return [
    ...accountEndpoints(deps),
    ...accountChangeEndpoints(deps),
    ...accountReadEndpoints(deps),
    ...currencyEndpoints(deps),
    ...paymentEndpoints(deps),
    ...transactionEndpoints(deps),
    ...periodEndpoints(deps),
    ...eventEndpoints(),
  ];
}
