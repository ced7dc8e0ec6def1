// What is known of a client's verification, for its right of access. Nothing here tells who a person is, so an erasure takes nothing from it;
// what the provider knows is erased at the provider.

import type { Tx } from "#platform/db.ts";
import * as store from "./client-data.store.ts";

const PAGE = 100;

type Page = { readonly rows: readonly object[]; readonly next: string | null };

/** Each kind with its pages. */
export const clientVerifications = [
  {
    name: "applicants",
    readPage: async (tx: Tx, clientId: string): Promise<Page> => ({ rows: await store.findApplicantFacts(tx, clientId), next: null }),
  },
  {
    name: "verificationEvents",
    async readPage(tx: Tx, clientId: string, after: string | null): Promise<Page> {
      const rows = await store.findVerificationFacts(tx, clientId, after, PAGE);
      const last = rows.at(-1);
      return { rows, next: rows.length === PAGE && last !== undefined ? last.eventId : null };
    },
  },
];
