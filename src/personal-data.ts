// What the rooms above clients keep of them, in the order in which an erasure takes it: the ledger comes last. The running product and the
// operator's replay erase the same.

import { clientAccounts } from "#general-ledger";
import { clientImports, clientVerifications } from "#onboarding";
import { clientCodes } from "#one-time-codes";

/** Name of the file below the data folder that remembers erasures outside the database. */
export const ERASURE_LIST = "erasures.ndjson";

export const PERSONAL_DATA = [...clientVerifications, ...clientImports, ...clientCodes, ...clientAccounts.data];
