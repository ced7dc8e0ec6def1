// What may be asked of the lists of transactions (contract 3.5, 5.5).

import { AmountText, CurrencyCode, DateOrDateTimeText, enumOf, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";
import { listQuery } from "../lists/list-query.ts";
import { PAYMENT_TYPES } from "../words.ts";
import { DIRECTIONS, TRANSACTION_STATES } from "./contract.ts";

const types = Type.Optional(Type.Array(enumOf(PAYMENT_TYPES), { maxItems: 20 }));
const states = Type.Optional(Type.Array(enumOf(TRANSACTION_STATES), { maxItems: 10 }));
const ids = Type.Optional(Type.Array(Uuid, { maxItems: 100, description: "Any of these; empty: all." }));
const amounts = {
  amountFrom: Type.Optional(AmountText),
  amountTo: Type.Optional(AmountText),
};
const dates = {
  dateFrom: Type.Optional(DateOrDateTimeText),
  dateTo: Type.Optional(DateOrDateTimeText),
};
const search = Type.Optional(
  Type.String({ minLength: 1, maxLength: 100, description: "Part of the description or the reference, in any letter case." }),
);

const order = enumOf(["createdAt", "postedAt", "valueDate", "amount"], {
  description: "Without it: the order of the ledger. With it: for results of at most 10 000 transactions, else 400.",
});

/** Query of operation 28. */
export const OwnTransactionsQuery = strictObject({
  accountId: Type.Optional(Uuid),
  accountIds: ids,
  direction: Type.Optional(enumOf(DIRECTIONS)),
  types,
  states,
  currency: Type.Optional(CurrencyCode),
  ...amounts,
  ...dates,
  search,
  sortBy: Type.Optional(order),
  ...listQuery,
});

const systemFilters = {
  accountId: Type.Optional(Uuid),
  clientId: Type.Optional(Uuid),
  paymentId: Type.Optional(Uuid),
  transferId: Type.Optional(Uuid),
  types,
  states,
  ...dates,
};

/** Query of operation 30. */
export const TransactionsQuery = strictObject({ ...systemFilters, sortBy: Type.Optional(order), ...listQuery });

/** Body of operation 31. */
export const TransactionsSearch = strictObject(
  {
    accountIds: ids,
    clientIds: ids,
    paymentIds: ids,
    transferIds: ids,
    direction: Type.Optional(Nullable(enumOf(DIRECTIONS))),
    types,
    states,
    currencies: Type.Optional(Type.Array(CurrencyCode, { maxItems: 200 })),
    amountFrom: Type.Optional(Nullable(AmountText)),
    amountTo: Type.Optional(Nullable(AmountText)),
    dateFrom: Type.Optional(Nullable(DateOrDateTimeText)),
    dateTo: Type.Optional(Nullable(DateOrDateTimeText)),
    search: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 100 }))),
    sortBy: Type.Optional(Nullable(order)),
    ...listQuery,
  },
  { title: "TransactionsSearch" },
);
export type TransactionsSearch = Static<typeof TransactionsSearch>;

/** Query of operation 32. */
export const TransactionsReportQuery = strictObject({
  ...systemFilters,
  dateFrom: Type.Optional(DateOrDateTimeText),
  dateTo: Type.Optional(DateOrDateTimeText),
  sortDirection: listQuery.sortDirection,
  format: enumOf(["csv", "xlsx", "json"], { default: "csv" }),
});
export type TransactionsReportQuery = Static<typeof TransactionsReportQuery>;
