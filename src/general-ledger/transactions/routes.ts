// The operations of transactions.

import { pageOf } from "#platform/page.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { invariant, platformProblems } from "#platform/problem.ts";
import { fileReply, strictObject, Type, Uuid } from "#platform/schema.ts";
import { XLSX_MEDIA_TYPE } from "#platform/table-file.ts";
import type { Tx } from "#platform/db.ts";
import { LIST_RULES } from "../lists/list-query.ts";
import type { ListRequest } from "../lists/pages.ts";
import { actorOf } from "../payments/outcome.ts";
import { ClientTransactionDto, TransactionDto } from "./contract.ts";
import { readFilter, type TransactionFilter } from "./filter.ts";
import { exportTransactions, type ReportDeps } from "./report.ts";
import type { SortBy } from "./sort-key.ts";
import { readSortedTransactions } from "./sorted-transactions.ts";
import { OwnTransactionsQuery, TransactionsQuery, TransactionsReportQuery, TransactionsSearch } from "./queries.ts";
import { readTransaction, readTransactions, refuseForeignAccounts, refuseUnknownAccount, type TransactionPage } from "./transactions.ts";
import { toClientTransactionDto, toTransactionDto } from "./views.ts";

const TRANSACTIONS = "GeneralLedger - System (1) / Transactions";
const ORDER =
  "In the order of the ledger, newest first unless sortDirection is asc: what is posted stands where it was posted, what is not where its payment was created; " +
  "of one account that is the order of accountSequence. Drafts are no transactions. dateFrom and dateTo speak of postedAt, else of createdAt.";
const { notFound } = platformProblems;

/** All operations of transactions. */
export function transactionEndpoints(deps: ReportDeps): Endpoint[] {
  return [...ownTransactions(), ...systemTransactions(), ...reports(deps)];
}

function ownTransactions(): Endpoint[] {
  return [
    endpoint({
      id: "listOwnTransactions",
      method: "GET",
      path: "/Transactions",
      tags: [TRANSACTIONS],
      summary: "The signed-in client's transactions",
      description: `${ORDER} amountFrom and amountTo are included. ${LIST_RULES}`,
      audience: "frontOffice",
      scope: null,
      query: OwnTransactionsQuery,
      reply: pageOf(ClientTransactionDto),
      problems: { notFound },
      work: "read",
      async handle(tx, { query, caller }) {
        invariant(caller.kind === "client", "a system called for end users");
        const { clientId, tenant } = caller;
        const filter = readFilter({ ...query, clientId }, tenant);
        if (filter.accounts !== null)
          await refuseForeignAccounts(tx, [...new Set([query.accountId ?? [], query.accountIds ?? []].flat())], clientId, tenant);
        const { rows, ...page } = await readInOrder(tx, "own", filter, query);
        return { items: rows.map(toClientTransactionDto), ...page };
      },
    }),
  ];
}

function systemTransactions(): Endpoint[] {
  return [
    endpoint({
      id: "getTransaction",
      method: "GET",
      path: "/internal/Transactions/{id}",
      tags: [TRANSACTIONS],
      summary: "A transaction: one side of a payment's line",
      audience: "system",
      scope: "ledger.read",
      params: strictObject({ id: Uuid }),
      reply: TransactionDto,
      work: "read",
      handle: async (tx, { params, caller }) => toTransactionDto(await readTransaction(tx, params.id, caller.tenant)),
    }),
    endpoint({
      id: "listTransactions",
      method: "GET",
      path: "/internal/Transactions",
      tags: [TRANSACTIONS],
      summary: "Transactions by filter",
      description: `${ORDER} An accountId that does not exist is 404, other ids that do not exist match nothing. ${LIST_RULES}`,
      audience: "system",
      scope: "ledger.read",
      query: TransactionsQuery,
      reply: pageOf(TransactionDto),
      problems: { notFound },
      work: "read",
      async handle(tx, { query, caller }) {
        if (query.accountId !== undefined) await refuseUnknownAccount(tx, query.accountId, caller.tenant);
        const { rows, ...page } = await readInOrder(tx, "list", readFilter(query, caller.tenant), query);
        return { items: rows.map(toTransactionDto), ...page };
      },
    }),
    endpoint({
      id: "queryTransactions",
      method: "POST",
      path: "/internal/Transactions/query",
      tags: [TRANSACTIONS],
      summary: "Transactions by lists of filters",
      description: `${ORDER} Ids that do not exist match nothing. amountFrom and amountTo are included. ${LIST_RULES}`,
      audience: "system",
      scope: "ledger.read",
      body: TransactionsSearch,
      reply: pageOf(TransactionDto),
      work: "read",
      async handle(tx, { body, caller }) {
        const { rows, ...page } = await readInOrder(tx, "query", readFilter(body, caller.tenant), body);
        return { items: rows.map(toTransactionDto), ...page };
      },
    }),
  ];
}

type Ordered = ListRequest & { readonly sortBy?: SortBy | null };

/** In the order that is asked for, else in the ledger's. */
async function readInOrder(tx: Tx, kind: string, filter: TransactionFilter, { sortBy, ...request }: Ordered): Promise<TransactionPage> {
  return sortBy == null ? await readTransactions(tx, kind, filter, request) : await readSortedTransactions(tx, filter, request, sortBy);
}

function reports(deps: ReportDeps): Endpoint[] {
  return [
    endpoint({
      id: "exportTransactions",
      method: "GET",
      path: "/internal/Transactions/report",
      tags: [TRANSACTIONS],
      summary: "Transactions as a file",
      description:
        "What the list of the same filters holds, in its order, at the moment of the call; at most 366 days. Without dateTo: until now; without dateFrom: 366 days before that. " +
        "csv: RFC 4180, UTF-8; a text that a spreadsheet would take for a formula begins with an apostrophe. xlsx: all cells are text. Amounts are exact in all formats. " +
        "A file that could not be finished breaks off with the connection.",
      audience: "system",
      scope: "ledger.read",
      query: TransactionsReportQuery,
      reply: fileReply({
        "text/csv": Type.String(),
        [XLSX_MEDIA_TYPE]: Type.String({ contentMediaType: XLSX_MEDIA_TYPE }),
        "application/json": Type.Array(TransactionDto),
      }),
      problems: { notFound },
      work: "file",
      handle: (call) => exportTransactions(deps, actorOf(call), call.caller, call.query, call.isHead),
    }),
  ];
}
