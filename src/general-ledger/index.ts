// The face of the general ledger: accounts, payments and their history. Nothing else of this module may be imported.

export { clientAccounts } from "./accounts/client-accounts.ts";
export type { AccountSettings } from "./accounts/accounts.ts";
export { ownsAccount } from "./accounts/ownership.ts";
export { ledgerVerifiable } from "./checks.ts";
export type { PaymentCommand } from "./posting/command.ts";
export {
  /** What became of one command of a list. */
  type CommandResult,
  postBatch,
} from "./posting/post-batch.store.ts";
export { ledgerJobs } from "./jobs.ts";
export { generalLedgerProblems } from "./problems.ts";
export { generalLedgerEndpoints } from "./routes.ts";
export { startLedgerTasks } from "./tasks.ts";
export {
  /** Writes payments of many callers in common transactions: for speed; the rules hold without it. */
  Writer,
} from "./posting/writer.ts";
