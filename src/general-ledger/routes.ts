// The ledger's operations: accounts, payments, transactions.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { pageQuery } from "#platform/page.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { DateOrDateTimeText, enumOf, strictObject, Type, Uuid } from "#platform/schema.ts";
import * as accountStore from "./account.store.ts";
import { type AccountSettings, openAccount } from "./accounts.ts";
import {
  AccountDto,
  BatchDto,
  ClientAccountDto,
  CreateBatch,
  CreateTransfer,
  OpenAccount,
  pageOf,
  PaymentDto,
  TransactionDto,
} from "./contract.ts";
import { createBatch } from "./payment-batch.ts";
import { createTransfer, type PaymentDeps } from "./payments.ts";
import { findPaymentIdsByExternalId, findPayments } from "./payment.store.ts";
import { generalLedgerProblems as problems } from "./problems.ts";
import { readStatement } from "./transactions.ts";
import { toAccountDto, toClientAccountDto, toPaymentDto } from "./views.ts";
import { ACCOUNT_STATUSES } from "./words.ts";

/** What the operations need from the composition root. */
export type LedgerDeps = PaymentDeps & { readonly accounts: AccountSettings };

const ACCOUNTS = "GeneralLedger - System (1) / Accounts";
const PAYMENTS = "GeneralLedger - System (1) / Payments";
const TRANSACTIONS = "GeneralLedger - System (1) / Transactions";
const { accountNotActive, accountClosed, accountBlocked, currencyMismatch, limitExceeded, insufficientFunds, duplicateExternalId } =
  problems;
const postingProblems = {
  accountNotActive,
  accountClosed,
  accountBlocked,
  currencyMismatch,
  limitExceeded,
  insufficientFunds,
  duplicateExternalId,
};

/** All operations of the ledger that are served. */
export function generalLedgerEndpoints(deps: LedgerDeps): readonly Endpoint[] {
  return [...systemAccounts(deps), ...ownAccounts(), ...newPayments(deps), ...payments(), ...transactions()];
}

function systemAccounts(deps: LedgerDeps): Endpoint[] {
  return [
    endpoint({
      id: "openAccount",
      method: "POST",
      path: "/v2/internal/Accounts",
      tags: [ACCOUNTS, "GeneralLedger - System (2) / Accounts"],
      summary: "Open an account for a client or for the bank itself",
      audience: "system",
      scope: "ledger.write",
      body: OpenAccount,
      reply: AccountDto,
      problems: {
        notFound: platformProblems.notFound,
        clientNotActive: problems.clientNotActive,
        clientProhibited: problems.clientProhibited,
        currencyNotAvailable: problems.currencyNotAvailable,
        duplicateExternalId,
        duplicateAccountNumber: problems.duplicateAccountNumber,
      },
      work: "write",
      async handle(tx, { body, caller }) {
        return toAccountDto(await openAccount(tx, deps.accounts, caller, body));
      },
    }),
    endpoint({
      id: "getAccount",
      method: "GET",
      path: "/v2/ledger/internal/Accounts/{accountId}",
      tags: [ACCOUNTS, "GeneralLedger - System (2) / Accounts"],
      summary: "An account, system view",
      audience: "system",
      scope: "ledger.read",
      params: strictObject({ accountId: Uuid }),
      reply: AccountDto,
      work: "read",
      async handle(tx, { params, caller }) {
        const account = await accountStore.findAccount(tx, params.accountId, { tenant: caller.tenant, clientId: null });
        return toAccountDto(account ?? refusePlatform("notFound"));
      },
    }),
  ];
}

function ownAccounts(): Endpoint[] {
  return [
    endpoint({
      id: "listOwnAccounts",
      method: "GET",
      path: "/Accounts",
      tags: [ACCOUNTS],
      summary: "The signed-in client's accounts, in its own order",
      audience: "frontOffice",
      scope: null,
      query: strictObject({
        currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$" })),
        statuses: Type.Optional(Type.Array(enumOf(ACCOUNT_STATUSES), { maxItems: 4 })),
      }),
      reply: Type.Array(ClientAccountDto),
      work: "read",
      async handle(tx, { query, caller }) {
        invariant(caller.kind === "client", "a front-office route with a system caller");
        const own = { tenant: caller.tenant, clientId: caller.clientId };
        const accounts = await accountStore.findAccountsOfClient(tx, own, query.currency ?? null, query.statuses ?? []);
        return accounts.map(toClientAccountDto);
      },
    }),
    endpoint({
      id: "getOwnAccount",
      method: "GET",
      path: "/Accounts/{id}",
      tags: [ACCOUNTS],
      summary: "One of the signed-in client's accounts, by id, account number or IBAN",
      description:
        "A hyphenated uuid is an id, anything else of 4 to 34 letters and digits a number or IBAN (also documented as GET /Accounts/{accountNumber}).",
      audience: "frontOffice",
      scope: null,
      params: strictObject({ id: Type.Union([Uuid, Type.String({ pattern: "^[A-Za-z0-9]{4,34}$" })]) }),
      reply: ClientAccountDto,
      work: "read",
      async handle(tx, { params, caller }) {
        invariant(caller.kind === "client", "a front-office route with a system caller");
        const id = params.id.length === 36 ? params.id : await accountStore.findOwnAccountId(tx, caller.clientId, params.id);
        const account = id === null ? null : await accountStore.findAccount(tx, id, { tenant: caller.tenant, clientId: caller.clientId });
        return toClientAccountDto(account ?? refusePlatform("notFound"));
      },
    }),
  ];
}

function newPayments(deps: LedgerDeps): Endpoint[] {
  return [
    endpoint({
      id: "createTransferPayment",
      method: "POST",
      path: "/v2/internal/Payments/transfer",
      tags: [PAYMENTS, "GeneralLedger - System (2) / Payments"],
      summary: "Create a payment and transfer the money between accounts in one step",
      description:
        "The same externalId with the same content answers the existing payment again. Several lines are booked together or not at all.",
      audience: "system",
      scope: "ledger.write",
      body: CreateTransfer,
      reply: PaymentDto,
      problems: { notFound: platformProblems.notFound, ...postingProblems },
      work: "own",
      handle: (call) => createTransfer(deps, call),
    }),
    endpoint({
      id: "createPaymentBatch",
      method: "POST",
      path: "/v2/internal/Payments/batch",
      tags: [PAYMENTS],
      summary: "Create up to 1000 payments in one call",
      description:
        "Not atomic: every item is accepted or refused by itself, in order. Atomic: all, or the first refusal with its `index` and nothing done.",
      audience: "system",
      scope: "ledger.write",
      bodyLimit: 16 * 1024 * 1024,
      body: CreateBatch,
      reply: BatchDto,
      problems: { notFound: platformProblems.notFound, ...postingProblems },
      work: "own",
      handle: (call) => createBatch(deps, call),
    }),
  ];
}

function payments(): Endpoint[] {
  return [
    endpoint({
      id: "getPayment",
      method: "GET",
      path: "/v2/internal/Payments/{paymentId}",
      tags: [PAYMENTS],
      summary: "A payment",
      audience: "system",
      scope: "ledger.read",
      params: strictObject({ paymentId: Uuid }),
      reply: PaymentDto,
      work: "read",
      async handle(tx, { params, caller }) {
        const [payment] = await findPayments(tx, [params.paymentId], caller.tenant);
        return toPaymentDto(payment ?? refusePlatform("notFound"));
      },
    }),
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

function transactions(): Endpoint[] {
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
