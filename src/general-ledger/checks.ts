// What `verify` must know of the ledger: its checks, the locks on its tables, and how far the books go.

import type { Verifiable } from "#platform/checks.ts";
import { auditCheck } from "#platform/platform-checks.store.ts";
import { accountChecks } from "./accounts/account-checks.store.ts";
import { figureChecks } from "./accounts/figure-checks.store.ts";
import { HEAD_SEQUENCE, journalChecks, OPENED_ACCOUNTS } from "./journal/journal-checks.store.ts";
import { DOORS, LOCKS } from "./locks.ts";
import { historyChecks } from "./payments/history-checks.store.ts";
import { paymentChecks } from "./payments/payment-checks.store.ts";
import { entryChecks } from "./posting/entry-checks.store.ts";
import { replayChecks } from "./posting/replay-checks.store.ts";

/** The checks of the ledger and the locks on its tables. */
export const ledgerVerifiable: Verifiable = {
  checks: [
    ...entryChecks,
    ...accountChecks,
    ...figureChecks,
    ...journalChecks,
    ...historyChecks,
    ...paymentChecks,
    ...replayChecks,
    auditCheck("the audit tells of every opened account", "account.opened", OPENED_ACCOUNTS),
  ],
  locks: LOCKS,
  doors: DOORS,
  figures: { ledgerSequence: HEAD_SEQUENCE },
};
