// The operations of transactions.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { pageQuery } from "#platform/page.ts";
import { platformProblems } from "#platform/problem.ts";
import { DateOrDateTimeText, enumOf, strictObject, Type, Uuid } from "#platform/schema.ts";
import { pageOf } from "../contract.ts";
import { TransactionDto } from "./contract.ts";
import { readStatement } from "./transactions.ts";

const TRANSACTIONS = "GeneralLedger - System (1) / Transactions";

/** All operations of transactions. */
export function transactionEndpoints(): Endpoint[] {
  return [
    endpoint({
      id: "listTransactions",
      method: "GET",
      path: "/internal/Transactions",
      tags: [TRANSACTIONS],
      summary: "An account's transactions in the order of the account",
      description: "Newest first unless sortDirection is asc. The cursor stays right while payments arrive.",
      audience: "system",
      scope: "ledger.read",
      query: strictObject({
        accountId: Uuid,
        dateFrom: Type.Optional(DateOrDateTimeText),
        dateTo: Type.Optional(DateOrDateTimeText),
        sortDirection: enumOf(["asc", "desc"], { default: "desc" }),
        ...pageQuery,
      }),
      reply: pageOf(TransactionDto),
      problems: { notFound: platformProblems.notFound },
      work: "read",
      handle: (tx, { query, caller }) => readStatement(tx, query, caller.tenant),
    }),
  ];
}
