// What imports keep of a client: the faults of rows that named it again. An erasure takes the name from them that its tenant had for it.

import type { Tx } from "#platform/db.ts";
import * as store from "./import.store.ts";

const PAGE = 100;

/** For a client's right of access, and its right to be forgotten. */
export const clientImports = [
  {
    name: "importFaults",
    async readPage(
      tx: Tx,
      clientId: string,
      after: string | null,
    ): Promise<{ readonly rows: readonly object[]; readonly next: string | null }> {
      const rows = await store.listFaultsOfClient(tx, clientId, after, PAGE);
      const last = rows.at(-1);
      return { rows, next: rows.length === PAGE && last !== undefined ? `${last.importId} ${last.row}` : null };
    },
    erase: store.forgetExternalIds,
  },
];
