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
  {
    name: "payments",
    async readPage(tx: Tx, clientId: string, after: string | null): Promise<Page> {
      const { payments, nextCursor } = await readPayments(tx, { clientId, ...pageFrom(after) }, null);
      const accounts = await findAccountsOfClient(tx, { tenant: null, clientId }, null, []);
      const own = new Set(accounts.map(({ id }) => id));
      return { rows: payments.map((payment) => ownPart(toPaymentDto(payment), own)), next: nextCursor };
    },
  },
  {
    name: "transactions",
    async readPage(tx: Tx, clientId: string, after: string | null): Promise<Page> {
      const { rows, nextCursor } = await readTransactions(tx, "list", readFilter({ clientId }, null), pageFrom(after));
      return { rows: rows.map(toTransactionDto), next: nextCursor };
    },
  },
  { name: "accountNames", erase: forgetNames },
];

/** A payment may touch accounts of others as well: their lines, and how their accounts stood, are not this client's. */
function ownPart(payment: PaymentDto, own: ReadonlySet<string>): PaymentDto {
  return {
    ...payment,
    transactions: payment.transactions.filter(({ debitAccountId, creditAccountId }) => own.has(debitAccountId) || own.has(creditAccountId)),
    accounts: payment.accounts.filter(({ accountId }) => own.has(accountId)),
  };
}
