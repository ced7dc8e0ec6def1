// What is known of one client's codes: facts without the codes. Codes and addresses stand here as HMACs only; a message that was never sent
// is the one thing that an erasure has to take away.

import type { Tx } from "#platform/db.ts";
import * as store from "./client-data.store.ts";

const PAGE = 100;

type Page = { readonly rows: readonly object[]; readonly next: string | null };

/** Each kind with its pages; `erase` gives how much it took. The erasure that asks holds the client, in the same transaction. */
export const clientCodes = [
  {
    name: "oneTimeCodes",
    async readPage(tx: Tx, clientId: string, after: string | null): Promise<Page> {
      const rows = await store.findCodeFacts(tx, clientId, after, PAGE);
      const last = rows.at(-1);
      return { rows, next: rows.length === PAGE && last !== undefined ? last.otpId : null };
    },
    erase: store.forgetCodes,
  },
  {
    name: "oneTimeCodeBlocks",
    readPage: async (tx: Tx, clientId: string): Promise<Page> => ({ rows: await store.findBlockFacts(tx, clientId), next: null }),
  },
];
