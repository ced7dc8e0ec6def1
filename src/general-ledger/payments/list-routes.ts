// The list of payments.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { strictObject, Type } from "#platform/schema.ts";
import { pageOf } from "../contract.ts";
import { PaymentDto } from "./contract.ts";
import { findPaymentIdsByExternalId, findPayments } from "./payment.store.ts";
import { toPaymentDto } from "./views.ts";

const PAYMENTS = "GeneralLedger - System (1) / Payments";

/** The list of payments (decision 6). */
export function paymentListEndpoints(): Endpoint[] {
  return [
    endpoint({
      id: "listPayments",
      method: "GET",
      path: "/v2/internal/Payments",
      tags: [PAYMENTS],
      summary: "Payments by externalId",
      description: "For a caller that lost an answer. Nothing found: an empty page.",
      audience: "system",
      scope: "ledger.read",
      query: strictObject({ externalId: Type.String({ minLength: 1, maxLength: 100 }) }),
      reply: pageOf(PaymentDto),
      work: "read",
      async handle(tx, { query, caller }) {
        const ids = await findPaymentIdsByExternalId(tx, query.externalId, caller.tenant);
        const found = ids.length === 0 ? [] : await findPayments(tx, ids, caller.tenant);
        const items = found.sort((a, b) => (a.id < b.id ? 1 : -1)).map(toPaymentDto);
        return { items, pageNumber: 1, pageSize: 100, nextCursor: null, totalCount: items.length };
      },
    }),
  ];
}
