// What the ledger keeps of one client: how it is handed out to the client, and what an erasure takes from it. Books are kept: accounts,
// payments and entries stay as they are under ids; what an erased client called its accounts does not.

import type { Tx } from "#platform/db.ts";
import { findAccountsOfClient } from "./accounts/account.store.ts";
import { forgetNames } from "./accounts/account-change.store.ts";
import { toAccountDto } from "./accounts/views.ts";
import type { PaymentDto } from "./payments/contract.ts";
import { readPayments } from "./payments/payment-list.ts";
import { toPaymentDto } from "./payments/views.ts";
import { readFilter } from "./transactions/filter.ts";
import { readTransactions } from "./transactions/transactions.ts";
import { toTransactionDto } from "./transactions/views.ts";

type Page = { readonly rows: readonly object[]; readonly next: string | null };

const PAGE = { pageSize: 100, sortDirection: "asc" } as const;
const pageFrom = (after: string | null) => ({ ...PAGE, ...(after === null ? {} : { cursor: after }) });

/** Each kind with its pages; `erase` gives how much it took. The erasure that asks has marked the client already, in the same transaction. */
export const clientData = [
  {
    name: "accounts",
    async readPage(tx: Tx, clientId: string): Promise<Page> {
      const accounts = await findAccountsOfClient(tx, { tenant: null, clientId }, null, []);
      return { rows: accounts.map(toAccountDto), next: null };
    },
  },
  { name: "payments", readPage: readPaymentsOfAccounts },
  {
    name: "transactions",
    async readPage(tx: Tx, clientId: string, after: string | null): Promise<Page> {
      const { rows, nextCursor } = await readTransactions(tx, "list", readFilter({ clientId }, null), pageFrom(after));
      return { rows: rows.map(toTransactionDto), next: nextCursor };
    },
  },
  { name: "accountNames", erase: forgetNames },
];

/** Along one account of the client after the other, drafts included. A payment between two of them is told once, with the first. */
async function readPaymentsOfAccounts(tx: Tx, clientId: string, after: string | null): Promise<Page> {
  const accounts = await findAccountsOfClient(tx, { tenant: null, clientId }, null, []);
  const ids = accounts.map(({ id }) => id).toSorted();
  const [accountId = ids[0], cursor = null] = after?.split(" ") ?? [];
  if (accountId === undefined) return { rows: [], next: null };
  const { payments, nextCursor } = await readPayments(tx, { accountId, ...pageFrom(cursor) }, null);
  const told = new Set(ids.slice(0, ids.indexOf(accountId)));
  const rows = payments.map(toPaymentDto).filter((payment) => !touches(payment, told));
  const nextAccount = ids[ids.indexOf(accountId) + 1];
  const next = nextCursor === null ? (nextAccount ?? null) : `${accountId} ${nextCursor}`;
  return { rows: rows.map((payment) => ownPart(payment, clientId, new Set(ids))), next };
}

function touches({ transactions }: PaymentDto, accounts: ReadonlySet<string>): boolean {
  return transactions.some(({ debitAccountId, creditAccountId }) => accounts.has(debitAccountId) || accounts.has(creditAccountId));
}

/** A payment may touch accounts of others as well: whose it is, their lines, and how their accounts stood, are not this client's. */
function ownPart(payment: PaymentDto, clientId: string, own: ReadonlySet<string>): PaymentDto {
  return {
    ...payment,
    clientId: payment.clientId === clientId ? clientId : null,
    transactions: payment.transactions.filter((line) => touches({ ...payment, transactions: [line] }, own)),
    accounts: payment.accounts.filter(({ accountId }) => own.has(accountId)),
  };
}
