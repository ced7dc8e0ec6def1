// The keys of clients as the composition root and the operator work with them: opened at start, told of, wrapped anew.

import { hasUnsealedClients, sealOldClients } from "./old-clients.ts";
import { describeKeys, rotateKeys } from "./rotation.ts";
import { openVault } from "./vault.ts";

export const clientKeys = { openVault, hasUnsealedClients, sealOldClients, describe: describeKeys, rotate: rotateKeys };
