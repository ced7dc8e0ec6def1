// What privacy needs from other rooms. The composition root fills it.

import type { Tx } from "#platform/db.ts";

/** One page of what is known of a client. `next`: where the next page begins; null at the end. */
export type DataPage = { readonly rows: readonly object[]; readonly next: string | null };

/** What a tenant calls its client. */
export type ClientName = { readonly tenant: string; readonly externalId: string | null };

/** One kind of data that some room keeps of clients: how it is handed out, and how it is destroyed. */
export type PersonalData = {
  /** Its name in the export and in certificates of erasure, camelCase plural. */
  readonly name: string;
  /** Everything of that kind that is the client's, and nothing of other clients'. Absent: it tells nothing to hand out. */
  readonly readPage?: (tx: Tx, clientId: string, after: string | null) => Promise<DataPage>;
  /**
   * Destroys what would still be readable once the client's key is destroyed, and tells how much that was. The client's row is held for
   * update and says already that it is erased; `name` is what it was called by. Safe to repeat. Absent: nothing would be.
   */
  readonly erase?: (tx: Tx, clientId: string, name: ClientName) => Promise<number>;
};

/**
 * Adds a line to the erasure list, which is kept outside the database so that a restored backup can be brought to forget again. The line is
 * on disk when this ends.
 */
export type KeepErasure = (line: string) => Promise<void>;
