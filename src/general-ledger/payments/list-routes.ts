// The list of payments.

import { pageOf } from "#platform/page.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { DateOrDateTimeText, enumOf, strictObject, Type, Uuid } from "#platform/schema.ts";
import { LIST_RULES, listQuery } from "../lists/list-query.ts";
import { PAYMENT_STATES, PAYMENT_TYPES } from "../words.ts";
import { PaymentDto } from "./contract.ts";
import { readPayments } from "./payment-list.ts";
import { toPaymentDto } from "./views.ts";

const PAYMENTS = "GeneralLedger - System (1) / Payments";

/** Any number of metadata values: their names are the caller's, after a prefix. */
const METADATA = {
  patternProperties: { "^metadata\\.[A-Za-z0-9_-]{1,40}$": { type: "string", maxLength: 500 } },
  maxProperties: 40,
};

/** The list of payments (decision 6). */
export function paymentListEndpoints(): Endpoint[] {
  return [
    endpoint({
      id: "listPayments",
      method: "GET",
      path: "/v2/internal/Payments",
      tags: [PAYMENTS],
      summary: "Payments by filter",
      description:
        "For a caller that lost an answer: by externalId. `metadata.<key>=<value>` finds the payments that carry this value, several of them those that carry all. " +
        "A posted payment stands where it was posted, any other where it was created; dateFrom and dateTo speak of postedAt, else of createdAt. " +
        `Nothing found: an empty page. ${LIST_RULES}`,
      audience: "system",
      scope: "ledger.read",
      query: strictObject(
        {
          externalId: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
          accountId: Type.Optional(Uuid),
          clientId: Type.Optional(Uuid),
          states: Type.Optional(Type.Array(enumOf(PAYMENT_STATES), { maxItems: 10 })),
          types: Type.Optional(Type.Array(enumOf(PAYMENT_TYPES), { maxItems: 20 })),
          dateFrom: Type.Optional(DateOrDateTimeText),
          dateTo: Type.Optional(DateOrDateTimeText),
          ...listQuery,
        },
        METADATA,
      ),
      reply: pageOf(PaymentDto),
      work: "read",
      async handle(tx, { query, caller }) {
        const { payments, ...page } = await readPayments(tx, query, caller.tenant);
        return { items: payments.map(toPaymentDto), ...page };
      },
    }),
  ];
}
