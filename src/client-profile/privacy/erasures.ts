// Erasures as an operator works with them: all of them as lines for a safe place outside, and lines destroyed again in a database that was
// restored from a backup of before (reliability DP-5).

import type { Actor, Database, Tx } from "#platform/db.ts";
import { readLine, type SignedText, toLine } from "./certificate.ts";
import { replayErasure, type Replayed } from "./erasure.ts";
import { findCertificates } from "./erasure.store.ts";
import type { PersonalData } from "./ports.ts";

const PAGE = 500;
const ACTOR: Actor = { kind: "job", id: "erasures", tenant: null, traceId: "erasures" };

/** What became of the clients that a list names, and the numbers of the lines that are no certificates. */
export type ReplayReport = Readonly<Record<Replayed, number>> & { readonly damagedLines: readonly number[] };

export type ReplayDeps = {
  readonly db: Database;
  readonly data: readonly PersonalData[];
  readonly stopDebits: (tx: Tx, clientId: string) => Promise<void>;
};

/** Erasures, told and replayed: for the operator's command. */
export const clientErasures = {
  /** Every erasure that this database knows of, as lines of an erasure list. */
  async *lines(db: Database): AsyncGenerator<string> {
    let after: string | null = null;
    do {
      const last: string | null = after;
      const page: Awaited<ReturnType<typeof findCertificates>> = await db.read(ACTOR, (tx) => findCertificates(tx, last, PAGE));
      for (const certificate of page) yield toLine(certificate);
      after = page.at(-1)?.certificateId ?? null;
    } while (after !== null);
  },

  /**
   * Erases again every client of the list. Each in a transaction of its own: it may be broken off and run again. Of several lines of one client
   * the last one counts: the others are of commits that failed.
   */
  async replay({ db, ...deps }: ReplayDeps, lines: Iterable<string>): Promise<ReplayReport> {
    const certificates = new Map<string, SignedText>();
    const damagedLines: number[] = [];
    let number = 0;
    for (const line of lines) {
      number += 1;
      const read = readLine(line);
      if (read === null) damagedLines.push(number);
      else certificates.set(read.certificate.clientId, { text: read.text, sha256: read.sha256 });
    }
    const counts: Record<Replayed, number> = { erased: 0, already: 0, unknown: 0 };
    for (const certificate of certificates.values()) counts[await db.write(ACTOR, (tx) => replayErasure(tx, deps, certificate))] += 1;
    return { ...counts, damagedLines };
  },
};
