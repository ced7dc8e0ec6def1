// The face of the general ledger: accounts, payments and their history. Nothing else of this module may be imported.

export type { AccountSettings } from "./accounts.ts";
export { ledgerVerifiable } from "./checks.ts";
export type { PaymentCommand } from "./command.ts";
export { type CommandResult, postBatch } from "./post-batch.store.ts";
export { generalLedgerProblems } from "./problems.ts";
export { generalLedgerEndpoints, type LedgerDeps } from "./routes.ts";
export { Writer } from "./writer.ts";
