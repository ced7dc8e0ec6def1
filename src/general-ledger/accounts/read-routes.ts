// The operations that read or recalculate many accounts at once.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { platformProblems } from "#platform/problem.ts";
import { Type } from "#platform/schema.ts";
import { generalLedgerProblems as problems } from "../problems.ts";
import { aggregateAmounts, calculateBalances } from "./account-figures.ts";
import { findAccountsByNumber, searchAccounts } from "./account-search.ts";
import { AccountDto } from "./contract.ts";
import {
  AccountPage,
  AccountsByNumber,
  AggregateAccounts,
  AggregatedAmounts,
  CalculateBalances,
  CalculatedBalances,
  RecalculateAccounts,
  RecalculatedAccounts,
  SearchAccounts,
} from "./read-contract.ts";
import { recalculateAccounts } from "./recalculation.ts";

const FIRST = "GeneralLedger - System (1) / Accounts";
const SECOND = "GeneralLedger - System (2) / Accounts";

const ABOUT_SEARCH =
  "All filters together; an empty list filters nothing. Where the filters leave at most 10 000 accounts there is a totalCount and any order; " +
  "beyond that accounts come by createdAt, and a page that had to look at too many of them (balance, search) may be short or empty: nextCursor leads on.";

/** What the operations need from the composition root: the time zone of the bank. */
export type AccountReadDeps = { readonly timeZone: string };

/** Search, sums, figures at an instant, recalculation. */
export function accountReadEndpoints(deps: AccountReadDeps): Endpoint[] {
  return [...searches(), ...figures(deps)];
}

function searches(): Endpoint[] {
  const search = {
    audience: "system",
    scope: "ledger.read",
    description: ABOUT_SEARCH,
    reply: AccountPage,
    work: "read",
  } as const;
  return [
    endpoint({
      ...search,
      id: "searchAccounts",
      method: "POST",
      path: "/v2/ledger/internal/Accounts/search",
      tags: [FIRST],
      summary: "Accounts by filter",
      body: SearchAccounts,
      handle: (tx, { body, caller }) => searchAccounts(tx, body, caller),
    }),
    endpoint({
      ...search,
      id: "listAccounts",
      method: "GET",
      path: "/v2/ledger/internal/Accounts",
      tags: [SECOND],
      summary: "Accounts by filter, given as a query",
      query: SearchAccounts,
      handle: (tx, { query, caller }) => searchAccounts(tx, query, caller),
    }),
    endpoint({
      ...search,
      id: "searchAccountsOfList",
      method: "POST",
      path: "/v2/ledger/internal/Accounts",
      tags: [SECOND],
      summary: "Accounts by filter, as POST …/search",
      body: SearchAccounts,
      handle: (tx, { body, caller }) => searchAccounts(tx, body, caller),
    }),
    endpoint({
      id: "getAccountsByNumber",
      method: "POST",
      path: "/v2/ledger/internal/Accounts/by-account-numbers",
      tags: [FIRST],
      summary: "The accounts that have these numbers or IBANs",
      description: "In the order of the list, each once. What no account has is left out.",
      audience: "system",
      scope: "ledger.read",
      body: AccountsByNumber,
      reply: Type.Array(AccountDto),
      work: "read",
      handle: (tx, { body, caller }) => findAccountsByNumber(tx, body.accountNumbers, caller),
    }),
  ];
}

function figures({ timeZone }: AccountReadDeps): Endpoint[] {
  return [
    endpoint({
      id: "getAggregatedAmounts",
      method: "GET",
      path: "/v2/ledger/internal/Accounts/getAggregatedAmounts",
      tags: [FIRST, SECOND],
      summary: "Sums over accounts, by currency and category",
      description: "All of one instant: payments that run meanwhile are in it whole or not at all.",
      audience: "system",
      scope: "ledger.read",
      query: AggregateAccounts,
      reply: AggregatedAmounts,
      work: "read",
      handle: (tx, { query, caller }) => aggregateAmounts(tx, query, caller),
    }),
    endpoint({
      id: "calculateBalances",
      method: "POST",
      path: "/internal/Accounts/calculateBalances",
      tags: [FIRST, SECOND],
      summary: "Balances computed from the entries, at any instant, as booked or as valued",
      audience: "system",
      scope: "ledger.read",
      body: CalculateBalances,
      reply: CalculatedBalances,
      problems: { notFound: platformProblems.notFound },
      work: "read",
      handle: (tx, { body, caller }) => calculateBalances(tx, body, caller, timeZone),
    }),
    endpoint({
      id: "recalculateAccounts",
      method: "POST",
      path: "/v2/internal/Accounts/recalculate",
      tags: [FIRST, SECOND],
      summary: "Set stored balances and holds to what the entries and pending payments give",
      description:
        "Sound accounts are left as they are; one that is corrected is told as account.changed. Without accountIds all accounts are gone through in the background.",
      audience: "system",
      scope: "ledger.admin",
      body: RecalculateAccounts,
      isBodyOptional: true,
      reply: RecalculatedAccounts,
      problems: { notFound: platformProblems.notFound, insufficientFunds: problems.insufficientFunds },
      work: "write",
      handle: (tx, { body, caller }) => recalculateAccounts(tx, body, caller),
    }),
  ];
}
