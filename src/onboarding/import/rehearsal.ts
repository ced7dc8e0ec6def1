// An import that stores nothing: every row is judged, and its externalId looked for in the database and among the rows before it.

import { createHash } from "node:crypto";
import type { ClientProfile } from "#client-profile";
import type { Actor, Database } from "#platform/db.ts";
import type { ImportReport } from "./contract.ts";
import type { FileRow } from "./import-file.ts";
import type { FaultRow } from "./import.store.ts";
import { duplicateOf } from "./import-run.ts";
import type { Judged, Judges, NewClient } from "./rows.ts";

export type RehearsalDeps = { readonly db: Database; readonly clients: Pick<ClientProfile, "findClientIds"> };

const FAULTS_SHOWN = 1_000;
const LOOK_UP_ROWS = 500;
const HASH_BYTES = 12;

/** Gives the report that an import of these rows would have, with its first faults. `now`: the database's clock. */
export async function rehearseImport(
  deps: RehearsalDeps,
  actor: Actor,
  tenant: string,
  rows: AsyncIterable<FileRow>,
  judgesAt: (now: Date) => Judges,
): Promise<ImportReport> {
  const startedAt = await deps.db.read(actor, async (tx) => tx.now);
  const judges = judgesAt(startedAt);
  const tally = new Tally();
  let waiting: Waiting[] = [];
  const lookUp = async (): Promise<void> => {
    const externalIds = waiting.flatMap(({ judged }) => ("client" in judged ? [judged.client.externalId ?? ""] : []));
    const inUse = await deps.db.read(actor, (tx) => deps.clients.findClientIds(tx, tenant, externalIds));
    for (const each of waiting) tally.add(each, inUse);
    waiting = [];
  };
  for await (const row of rows) {
    // Only what a look-up needs is kept: the person is let go at once.
    waiting.push({ row: row.row, judged: withoutPerson(row.judge(judges)) });
    if (waiting.length === LOOK_UP_ROWS) await lookUp();
  }
  if (waiting.length > 0) await lookUp();
  const finishedAt = await deps.db.read(actor, async (tx) => tx.now);
  const { faults, ...counts } = tally.report();
  return {
    importId: null,
    status: "finished",
    ...counts,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    faults: faults.map((fault) => ({ ...fault, errors: { ...fault.errors } })),
  };
}

type Known = { readonly client: Pick<NewClient, "externalId"> } | Extract<Judged, { fault: unknown }>;
type Waiting = { readonly row: number; readonly judged: Known };

function withoutPerson(judged: Judged): Known {
  return "client" in judged ? { client: { externalId: judged.client.externalId } } : judged;
}

/** Counts rows as they come, in their order. */
class Tally {
  readonly #counts = { created: 0, duplicates: 0, faulty: 0 };
  readonly #faults: FaultRow[] = [];
  /** Hashes take a tenth of the externalIds' room. */
  readonly #seen = new Set<string>();

  add({ row, judged }: Waiting, inUse: ReadonlyMap<string, string | null>): void {
    if ("fault" in judged) {
      this.#counts.faulty += 1;
      this.#tell({ row, clientId: null, ...judged.fault });
      return;
    }
    const externalId = judged.client.externalId ?? "";
    const hash = createHash("sha256").update(externalId).digest().toString("latin1", 0, HASH_BYTES);
    if (!inUse.has(externalId) && !this.#seen.has(hash)) {
      this.#seen.add(hash);
      this.#counts.created += 1;
      return;
    }
    this.#counts.duplicates += 1;
    this.#tell(duplicateOf(row, externalId, inUse.get(externalId) ?? null));
  }

  report() {
    const { created, duplicates, faulty } = this.#counts;
    return { rows: created + duplicates + faulty, created, duplicates, faulty, faults: this.#faults };
  }

  #tell(fault: FaultRow): void {
    if (this.#faults.length < FAULTS_SHOWN) this.#faults.push(fault);
  }
}
