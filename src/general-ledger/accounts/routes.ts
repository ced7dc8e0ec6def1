// The operations of accounts.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { enumOf, strictObject, Type, Uuid } from "#platform/schema.ts";
import { generalLedgerProblems as problems } from "../problems.ts";
import { ACCOUNT_STATUSES } from "../words.ts";
import * as accountStore from "./account.store.ts";
import { type AccountKit, openAccount } from "./accounts.ts";
import { AccountDto, ClientAccountDto, OpenAccount } from "./contract.ts";
import { toAccountDto, toClientAccountDto } from "./views.ts";

/** What the operations of accounts need from the composition root. */
export type AccountDeps = AccountKit;

const ACCOUNTS = "GeneralLedger - System (1) / Accounts";

/** All operations of accounts. */
export function accountEndpoints(deps: AccountDeps): Endpoint[] {
  return [...systemAccounts(deps), ...ownAccounts()];
}

function systemAccounts(deps: AccountDeps): Endpoint[] {
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
        duplicateExternalId: problems.duplicateExternalId,
        duplicateAccountNumber: problems.duplicateAccountNumber,
        limitExceeded: problems.limitExceeded,
      },
      work: "write",
      async handle(tx, { body, caller }) {
        return toAccountDto(await openAccount(tx, deps, caller, body));
      },
    }),
    endpoint({
      id: "getAccount",
      method: "GET",
      path: "/v2/ledger/internal/Accounts/{accountId}",
      tags: [ACCOUNTS, "GeneralLedger - System (2) / Accounts"],
      summary: "An account, system view",
      description: "The ETag of the answer is the version of the account.",
      audience: "system",
      scope: "ledger.read",
      params: strictObject({ accountId: Uuid }),
      reply: AccountDto,
      work: "read",
      async handle(tx, { params, caller, tag }) {
        const found = await accountStore.findAccount(tx, params.accountId, { tenant: caller.tenant, clientId: null });
        const account = found ?? refusePlatform("notFound");
        tag(account.version);
        return toAccountDto(account);
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
        "A hyphenated uuid is an id, anything else of 4 to 34 letters and digits a number or IBAN (also documented as GET /Accounts/{accountNumber}). The ETag of the answer is the version of the account.",
      audience: "frontOffice",
      scope: null,
      params: strictObject({ id: Type.Union([Uuid, Type.String({ pattern: "^[A-Za-z0-9]{4,34}$" })]) }),
      reply: ClientAccountDto,
      work: "read",
      async handle(tx, { params, caller, tag }) {
        invariant(caller.kind === "client", "a front-office route with a system caller");
        const id = params.id.length === 36 ? params.id : await accountStore.findOwnAccountId(tx, caller.clientId, params.id);
        const found = id === null ? null : await accountStore.findAccount(tx, id, { tenant: caller.tenant, clientId: caller.clientId });
        const account = found ?? refusePlatform("notFound");
        tag(account.version);
        return toClientAccountDto(account);
      },
    }),
  ];
}
