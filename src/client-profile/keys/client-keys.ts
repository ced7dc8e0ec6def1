// The keys of clients as the composition root and the operator work with them.

import type { MasterKeys } from "#platform/sealing.ts";
import { hasUnsealedClients, sealOldClients } from "./old-clients.ts";
import { describeKeys, rotateKeys } from "./rotation.ts";
import { openVault, SEARCH_KEY_OWNER, Vault } from "./vault.ts";

/** The keys under which clients' data stand: opened at start, told of, wrapped anew under another master key. */
export const clientKeys = {
  openVault,
  /** A vault of no database, for describing what would be served. */
  openNowhere: (masterKeys: MasterKeys): Vault => new Vault(masterKeys, masterKeys.newKey(SEARCH_KEY_OWNER).key),
  hasUnsealedClients,
  sealOldClients,
  describe: describeKeys,
  rotate: rotateKeys,
};
