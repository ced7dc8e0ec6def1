// The operations that change accounts: opening, terms, order and closing by the client itself; terms, blocks and closing by the bank.

import type { Caller, ClientCaller } from "#platform/access.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { EmptyBody, strictObject, Type, Uuid } from "#platform/schema.ts";
import { frontOfficeProblems, generalLedgerProblems as problems } from "../problems.ts";
import type { Account } from "./account.ts";
import { blockAccount, changeAccount, closeAccount, unblockAccount, type WhichAccount } from "./account-changes.ts";
import type { Sides } from "./account-state.ts";
import { BlockAccount, ChangeAccount, ChangeOwnAccount, IfMatch, OpenOwnAccount, ReorderAccounts } from "./change.contract.ts";
import { AccountDto, ClientAccountDto } from "./contract.ts";
import { changeOwnAccount, closeOwnAccount, openOwnAccount, OWN_ACCOUNTS_MAX, reorderOwnAccounts } from "./own-accounts.ts";
import type { VerifyAccountOperation } from "./ports.ts";
import type { AccountDeps } from "./routes.ts";
import { toAccountDto, toClientAccountDto } from "./views.ts";

/** What these operations need from the composition root. */
export type AccountChangeDeps = AccountDeps & { readonly verifyOperation: VerifyAccountOperation };

const ACCOUNTS = "GeneralLedger - System (1) / Accounts";
const OwnId = strictObject({ id: Uuid });
const AccountId = strictObject({ accountId: Uuid });
/** The account as it was read, or nothing (contract 3.7). */
const onCondition = { query: IfMatch, headerOf: { ifMatch: "If-Match" } } as const;
const { preconditionFailed } = platformProblems;

/** All operations that change accounts. */
export function accountChangeEndpoints(deps: AccountChangeDeps): Endpoint[] {
  return [openOwn(deps), changeOwn, closeOwn(deps), reorderOwn, change, changeBlocks("block"), changeBlocks("unblock"), close];
}

const openOwn = (deps: AccountChangeDeps): Endpoint =>
  endpoint({
    id: "openOwnAccount",
    method: "POST",
    path: "/Accounts",
    tags: [ACCOUNTS],
    summary: "Open an account for the signed-in client",
    description: `No one-time code is needed. A client may open up to ${OWN_ACCOUNTS_MAX} accounts; closed ones do not count.`,
    audience: "frontOffice",
    scope: null,
    body: OpenOwnAccount,
    reply: ClientAccountDto,
    problems: {
      notFound: platformProblems.notFound,
      clientBlocked: frontOfficeProblems.clientBlocked,
      clientNotActive: problems.clientNotActive,
      clientProhibited: problems.clientProhibited,
      currencyNotAvailable: problems.currencyNotAvailable,
      duplicateAccountNumber: problems.duplicateAccountNumber,
      limitExceeded: problems.limitExceeded,
    },
    work: "write",
    async handle(tx, { body, caller }) {
      return toClientAccountDto(await openOwnAccount(tx, deps, clientOf(caller), body));
    },
  });

const changeOwn = endpoint({
  id: "changeOwnAccount",
  method: "PATCH",
  path: "/Accounts/{id}",
  params: OwnId,
  tags: [ACCOUNTS],
  summary: "Name one of the signed-in client's accounts, or make it the default of its currency",
  audience: "frontOffice",
  scope: null,
  ...onCondition,
  body: ChangeOwnAccount,
  reply: ClientAccountDto,
  problems: {
    preconditionFailed,
    clientBlocked: frontOfficeProblems.clientBlocked,
    accountClosed: problems.accountClosed,
    invalidState: problems.invalidState,
  },
  work: "write",
  async handle(tx, { params, query, body, caller, tag }) {
    const account = await changeOwnAccount(tx, clientOf(caller), { accountId: params.id, ifMatch: query.ifMatch }, body);
    tag(account.version);
    return toClientAccountDto(account);
  },
});

const closeOwn = (deps: AccountChangeDeps): Endpoint =>
  endpoint({
    id: "closeOwnAccount",
    method: "DELETE",
    path: "/Accounts/{id}",
    params: OwnId,
    tags: [ACCOUNTS],
    summary: "Close one of the signed-in client's accounts",
    description:
      "For an empty account that the bank has not blocked. The client confirms with a one-time code for closeAccount: `verificationToken` comes from POST /Accounts/otp-verification and is used up by the closing. A default hands this on to the client's next open account of the currency. A closed account is answered 200 again.",
    audience: "frontOffice",
    scope: null,
    query: strictObject({ verificationToken: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
    headerOf: { verificationToken: "Verification-Token" },
    reply: EmptyBody,
    problems: {
      clientBlocked: frontOfficeProblems.clientBlocked,
      accountBlocked: problems.accountBlocked,
      accountNotEmpty: problems.accountNotEmpty,
      otpRequired: problems.otpRequired,
    },
    work: "write",
    async handle(tx, { params, query, caller }) {
      await closeOwnAccount(tx, deps.verifyOperation, clientOf(caller), params.id, query.verificationToken ?? null);
      return null;
    },
  });

const reorderOwn = endpoint({
  id: "reorderOwnAccounts",
  method: "PUT",
  path: "/Accounts/reorder-accounts",
  tags: [ACCOUNTS],
  summary: "Put the signed-in client's open accounts into its own order",
  description: "Names every open account once. Closed accounts come after them. The order is no change of the ledger: versions stay.",
  audience: "frontOffice",
  scope: null,
  body: ReorderAccounts,
  reply: Type.Array(ClientAccountDto),
  problems: { clientBlocked: frontOfficeProblems.clientBlocked, invalidState: problems.invalidState },
  work: "write",
  async handle(tx, { body, caller }) {
    return (await reorderOwnAccounts(tx, clientOf(caller), body.accountIds)).map(toClientAccountDto);
  },
});

const change = endpoint({
  id: "changeAccount",
  method: "PATCH",
  path: "/v2/internal/Accounts/{accountId}",
  params: AccountId,
  tags: [ACCOUNTS],
  summary: "Change an account's name or credit limit",
  audience: "system",
  scope: "ledger.admin",
  ...onCondition,
  body: ChangeAccount,
  reply: AccountDto,
  problems: { preconditionFailed, accountClosed: problems.accountClosed, insufficientFunds: problems.insufficientFunds },
  work: "write",
  async handle(tx, { params, query, body, caller, tag }) {
    return told(await changeAccount(tx, params.accountId, seenBy(caller, query), body), tag);
  },
});

const BLOCKING = {
  block: {
    id: "blockAccount",
    summary: "Block debits, credits or both of an account",
    description: "Once the answer is given nothing more is booked on a blocked side. Both sides blocked is status blocked.",
    act: blockAccount,
  },
  unblock: {
    id: "unblockAccount",
    summary: "Let debits, credits or both of an account through again",
    description: "",
    act: unblockAccount,
  },
} as const;

function changeBlocks(verb: keyof typeof BLOCKING): Endpoint {
  const { act, description, ...words } = BLOCKING[verb];
  return endpoint({
    ...words,
    description:
      `${description} At least one of debit and credit is true; the other side stays. Repeated it answers the present state.`.trim(),
    method: "PUT",
    path: `/v2/internal/Accounts/{accountId}/${verb}`,
    params: AccountId,
    tags: [ACCOUNTS],
    audience: "system",
    scope: "ledger.write",
    ...onCondition,
    body: BlockAccount,
    reply: AccountDto,
    problems: { preconditionFailed, accountClosed: problems.accountClosed, accountNotActive: problems.accountNotActive },
    work: "write",
    async handle(tx, { params, query, body, caller, tag }) {
      return told(await act(tx, params.accountId, seenBy(caller, query), sidesIn(body), body.reason), tag);
    },
  });
}

const close = endpoint({
  id: "closeAccount",
  method: "PUT",
  path: "/v2/internal/Accounts/{accountId}/close",
  params: AccountId,
  tags: [ACCOUNTS],
  summary: "Close an empty account",
  description:
    "Empty: no balance, nothing held, nothing announced, no pending payment. Drafts do not count; they are refused when they are pended. A client's default hands this on to its next open account of the currency. A closed account is answered as it is.",
  audience: "system",
  scope: "ledger.write",
  ...onCondition,
  reply: AccountDto,
  problems: { preconditionFailed, accountNotEmpty: problems.accountNotEmpty },
  work: "write",
  async handle(tx, { params, query, caller, tag }) {
    return told(await closeAccount(tx, params.accountId, seenBy(caller, query), { by: "bank" }), tag);
  },
});

function clientOf(caller: Caller): ClientCaller {
  invariant(caller.kind === "client", "a front-office route with a system caller");
  return caller;
}

function sidesIn(body: BlockAccount): Sides {
  const sides = { debit: body.debit === true, credit: body.credit === true };
  if (sides.debit || sides.credit) return sides;
  return refusePlatform("validationFailed", { errors: { debit: ["At least one of debit and credit must be true."] } });
}

function seenBy({ tenant }: Caller, { ifMatch }: { readonly ifMatch?: string }): WhichAccount {
  return { tenant, clientId: null, ifMatch };
}

function told(account: Account, tag: (version: bigint) => void): AccountDto {
  tag(account.version);
  return toAccountDto(account);
}
