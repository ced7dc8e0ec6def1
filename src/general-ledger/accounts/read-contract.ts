// The wire words of what is read of many accounts at once (contract 5.4, 5.8, 5.16): search, sums, figures at an instant, recalculation.

import {
  AmountText,
  CurrencyCode,
  DateOrDateTimeText,
  DateTimeText,
  enumOf,
  Nullable,
  SignedAmountText,
  type Static,
  strictObject,
  Type,
  Uuid,
} from "#platform/schema.ts";
import { pageOf, pageQuery } from "#platform/page.ts";
import { AccountNumber } from "../contract.ts";
import { ACCOUNT_CATEGORIES, ACCOUNT_STATUSES, ACCOUNT_TYPES } from "../words.ts";
import { AccountDto } from "./contract.ts";

const IDS_MAX = 1_000;
const CURRENCIES_MAX = 200;

export const ACCOUNT_ORDERS = ["createdAt", "accountNumber", "name", "balance"] as const;

const kinds = {
  currencies: Type.Optional(Type.Array(CurrencyCode, { maxItems: CURRENCIES_MAX })),
  types: Type.Optional(Type.Array(enumOf(ACCOUNT_TYPES), { maxItems: ACCOUNT_TYPES.length })),
  statuses: Type.Optional(Type.Array(enumOf(ACCOUNT_STATUSES), { maxItems: ACCOUNT_STATUSES.length })),
};

/** Filters, order and page of a search; as a query or as a body. An empty list means all. */
const search = {
  accountIds: Type.Optional(Type.Array(Uuid, { maxItems: IDS_MAX })),
  accountNumbers: Type.Optional(
    Type.Array(AccountNumber, { maxItems: IDS_MAX, description: "Account numbers or IBANs, in any letter case." }),
  ),
  clientIds: Type.Optional(Type.Array(Uuid, { maxItems: IDS_MAX })),
  ...kinds,
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      // The lower ones are control characters; one of them stands between the texts that are searched.
      pattern: "^[^\\u0000-\\u001f]*$",
      description: "A piece of the number, IBAN, name or externalId, in any letter case. No character is a wildcard.",
    }),
  ),
  balanceFrom: Type.Optional({
    ...SignedAmountText,
    description: "Inclusive. Needs exactly one currency in currencies, as balanceTo does.",
  }),
  balanceTo: Type.Optional({ ...SignedAmountText, description: "Inclusive." }),
  createdFrom: Type.Optional({ ...DateOrDateTimeText, description: "Inclusive." }),
  createdTo: Type.Optional({ ...DateOrDateTimeText, description: "Exclusive; a bare date means the whole day." }),
  ...pageQuery,
  sortBy: enumOf(ACCOUNT_ORDERS, {
    default: "createdAt",
    description:
      "Anything but createdAt needs filters that leave at most 10 000 accounts. Balances are compared in minor units, whatever the currency.",
  }),
  sortDirection: enumOf(["asc", "desc"], { default: "desc" }),
  includeTotalCount: Type.Boolean({
    default: false,
    description: "Count also where the filters leave more than 10 000 accounts. May be slow.",
  }),
};

export const SearchAccounts = strictObject(search, { title: "SearchAccounts" });
export type SearchAccounts = Static<typeof SearchAccounts>;

export const AccountPage = pageOf(AccountDto);
export type AccountPage = Static<typeof AccountPage>;

export const AccountsByNumber = strictObject(
  {
    accountNumbers: Type.Array(AccountNumber, {
      minItems: 1,
      maxItems: IDS_MAX,
      description: "Account numbers or IBANs, in any letter case.",
    }),
  },
  { title: "AccountsByNumber" },
);

export const AggregateAccounts = strictObject({ clientId: Type.Optional(Uuid), ...kinds });
export type AggregateAccounts = Static<typeof AggregateAccounts>;

const figures = {
  balance: { ...SignedAmountText, description: "On the normal side of the category." },
  heldAmount: AmountText,
  availableBalance: SignedAmountText,
};

export const AggregatedAmounts = strictObject(
  {
    items: Type.Array(
      strictObject({
        currency: CurrencyCode,
        category: enumOf(ACCOUNT_CATEGORIES),
        accountsCount: Type.Integer({ minimum: 1 }),
        ...figures,
        pendingIncomingAmount: AmountText,
      }),
    ),
  },
  { title: "AggregatedAmounts" },
);
export type AggregatedAmounts = Static<typeof AggregatedAmounts>;

const AccountIds = Type.Array(Uuid, { minItems: 1, maxItems: IDS_MAX });

export const CalculateBalances = strictObject(
  {
    accountIds: AccountIds,
    atDate: Type.Optional(
      Nullable(DateOrDateTimeText, {
        description:
          "The instant, or the end of that day; what was booked at the instant itself counts. Default now. As booked, the future is now.",
      }),
    ),
    basis: enumOf(["booked", "valued"], {
      default: "booked",
      description:
        "booked: by the time of booking. valued: all that is booked by now, by value date up to and including atDate's day in the bank's time zone.",
    }),
  },
  { title: "CalculateBalances" },
);
export type CalculateBalances = Static<typeof CalculateBalances>;

export const CalculatedBalances = strictObject(
  { items: Type.Array(strictObject({ accountId: Uuid, currency: CurrencyCode, ...figures, atDate: DateTimeText })) },
  { title: "CalculatedBalances" },
);
export type CalculatedBalances = Static<typeof CalculatedBalances>;

export const RecalculateAccounts = strictObject(
  { accountIds: Type.Optional(Nullable(AccountIds, { description: "Without it: all accounts, in the background." })) },
  { title: "RecalculateAccounts" },
);
export type RecalculateAccounts = Static<typeof RecalculateAccounts>;

export const RecalculatedAccounts = strictObject(
  {
    items: Type.Array(
      strictObject({
        accountId: Uuid,
        previousBalance: SignedAmountText,
        balance: SignedAmountText,
        previousHeldAmount: AmountText,
        heldAmount: AmountText,
        changed: Type.Boolean(),
      }),
    ),
    jobId: Nullable(Uuid, { description: "The run over all accounts; null where accountIds were given." }),
  },
  { title: "RecalculatedAccounts" },
);
export type RecalculatedAccounts = Static<typeof RecalculatedAccounts>;
