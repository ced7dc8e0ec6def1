// The ledger's jobs of the queue.

import type { Job } from "#platform/jobs.ts";
import { recalculateAllAccounts } from "./accounts/recalculation.ts";

/** The jobs that a worker of the queue must know. */
export const ledgerJobs: readonly Job<unknown>[] = [recalculateAllAccounts];
