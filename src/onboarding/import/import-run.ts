// The shell of one sending of an import: takes the run, passes over the rows that are settled, and settles the others batch by batch. Rows,
// clients, faults and progress of a batch stand or fall together, so that a sending may be cut anywhere and the next one goes on behind it.

import { randomUUID } from "node:crypto";
import type { ClientProfile } from "#client-profile";
import { writeAudit } from "#platform/audit.ts";
import type { Actor, Database, Tx } from "#platform/db.ts";
import { publish, publishAll } from "#platform/events.ts";
import { claimList, type IdempotencyKey } from "#platform/http/idempotency.ts";
import { invariant, Problem, refusePlatform } from "#platform/problem.ts";
import { refuse } from "../problems.ts";
import type { FileRow } from "./import-file.ts";
import * as store from "./import.store.ts";
import type { Judged, NewClient } from "./rows.ts";

export type RunDeps = {
  readonly db: Database;
  readonly clients: Pick<ClientProfile, "createClients" | "findClientIds" | "markOf">;
};

/** Whose import it is, and under which Idempotency-Key it is sent. */
export type RunName = { readonly tenant: string; readonly importId: string; readonly key: IdempotencyKey | null };

/** A row that is judged and waits to be settled. */
export type PendingRow = { readonly row: number; readonly mark: bigint } & Judged;

const MARK_BYTES = 8;
const HEARTBEAT_MS = (store.HELD_SECONDS * 1000) / 3;
const ATTEMPTS_MAX = 3;
const RETRY_MS = 300;
const IN_USE = { externalId: ["The value is in use."] };

/** One sending of one import. `open` it, ask of each row whether it `isSettled`, `settle` the others in their order, `finish`, and `close` it in any case. */
export class ImportRun {
  readonly #deps: RunDeps;
  readonly #actor: Actor;
  readonly #name: RunName;
  readonly #holder = randomUUID();
  #marks: Buffer = Buffer.alloc(0);
  #heartbeat: NodeJS.Timeout | null = null;
  /** The run was finished before this sending. */
  isFinished = false;
  /** The database's clock when this sending began. */
  now = new Date(0);

  constructor(deps: RunDeps, actor: Actor, name: RunName) {
    this.#deps = deps;
    this.#actor = actor;
    this.#name = name;
  }

  /** Makes the run or takes it over. Refuses with 409 importInProgress while another sender holds it. */
  async open(): Promise<void> {
    await this.#deps.db.write(this.#actor, async (tx) => {
      const { tenant, importId, key } = this.#name;
      if (key !== null) await claimList(tx, key, tx.actor.traceId);
      this.now = tx.now;
      if (await store.insertRun(tx, tenant, importId, this.#holder)) {
        await writeAudit(tx, { action: "clients.importStarted", subject: subjectOf(this.#name), detail: { tenant } });
      } else if (!(await store.takeRun(tx, tenant, importId, this.#holder))) {
        const run = await store.findRun(tx, tenant, importId);
        this.isFinished = run?.finishedAt != null;
        if (!this.isFinished) refuse("importInProgress", { headers: { "retry-after": "2" } });
      }
      this.#marks = await store.readMarks(tx, tenant, importId);
    });
    if (!this.isFinished) this.#heartbeat = setInterval(() => void this.#hold(), HEARTBEAT_MS).unref();
  }

  get settledRows(): number {
    return this.#marks.length / MARK_BYTES;
  }

  /** Says whether the row is settled. Refuses with 409 importContentDiffers when it was another one, or the finished run had none there. */
  isSettled({ row, hash }: FileRow): boolean {
    if (row > this.settledRows) {
      if (this.isFinished) this.refuseOther(row);
      return false;
    }
    if (this.#marks.readBigInt64BE((row - 1) * MARK_BYTES) !== this.markOf(hash)) this.refuseOther(row);
    return true;
  }

  refuseOther(row: number): never {
    // The same key for other content is refused as everywhere.
    if (this.#name.key !== null) refusePlatform("idempotencyKeyReused", { members: { row } });
    return refuse("importContentDiffers", { detail: `Row ${row} is not what it was when this import was sent before.`, members: { row } });
  }

  markOf(hash: Buffer): bigint {
    return this.#deps.clients.markOf("import row", hash.toString("base64"));
  }

  /**
   * Stores the clients of the next rows and notes what became of each row, in one transaction. Repeats it a few times when the database is
   * busy. Refuses with 409 importInProgress when another sender has taken the run meanwhile.
   */
  async settle(batch: readonly PendingRow[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#deps.db.write(this.#actor, (tx) => this.#settleIn(tx, batch));
        return;
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== "busy" || attempt === ATTEMPTS_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS * attempt));
      }
    }
  }

  /** Ends the run; `rows` is what the file has. Refuses with 409 importContentDiffers where more rows are settled than that. */
  async finish(rows: number): Promise<void> {
    if (rows < this.settledRows) this.refuseOther(rows + 1);
    if (this.isFinished) return;
    await this.#deps.db.write(this.#actor, async (tx) => {
      const { tenant, importId } = this.#name;
      await this.#lock(tx);
      await store.finishRun(tx, tenant, importId);
      const run = await store.findRun(tx, tenant, importId);
      invariant(run, "a run vanished");
      const detail = { importId, rows: run.rows, created: run.created, duplicates: run.duplicates, faulty: run.faulty };
      await writeAudit(tx, { action: "clients.importFinished", subject: subjectOf(this.#name), detail });
      await publish(tx, { type: "clients.importFinished", subject: subjectOf(this.#name), tenant, data: detail });
    });
  }

  /** Lets the next sender begin at once. */
  async close(): Promise<void> {
    if (this.#heartbeat === null) return;
    clearInterval(this.#heartbeat);
    const { tenant, importId } = this.#name;
    // Where this fails the run is free a few seconds later.
    await this.#deps.db.write(this.#actor, (tx) => store.releaseRun(tx, tenant, importId, this.#holder)).catch(() => undefined);
  }

  async read(): Promise<store.RunRow> {
    const run = await this.#deps.db.read(this.#actor, (tx) => store.findRun(tx, this.#name.tenant, this.#name.importId));
    invariant(run, "a run vanished");
    return run;
  }

  async #settleIn(tx: Tx, batch: readonly PendingRow[]): Promise<void> {
    const { tenant, importId } = this.#name;
    const [first, last] = [batch[0], batch.at(-1)];
    invariant(first !== undefined && last !== undefined, "an empty batch");
    const { rows } = await this.#lock(tx);
    // The attempt before was committed after all, and only its answer was lost.
    if (rows === last.row) return;
    invariant(rows === first.row - 1, "rows were left out");
    const sound = batch.flatMap((each) => ("client" in each ? [each] : []));
    const creations = await this.#deps.clients.createClients(
      tx,
      sound.map(({ client }) => client),
    );
    const created = sound.flatMap(({ client }, index) => {
      const creation = creations[index];
      return creation?.outcome === "created" ? [{ client, clientId: creation.clientId }] : [];
    });
    const duplicates = await this.#duplicates(
      tx,
      sound.filter((_, index) => creations[index]?.outcome !== "created"),
    );
    const faults = batch.flatMap((each) => ("fault" in each ? [{ row: each.row, clientId: null, ...each.fault }] : []));
    await store.insertFaults(tx, tenant, importId, [...faults, ...duplicates]);
    await store.insertBatch(tx, tenant, importId, first.row, marksOf(batch));
    await publishAll(tx, created.map(importedEvent));
    await store.addToRun(tx, tenant, importId, { created: created.length, duplicates: duplicates.length, faulty: faults.length });
  }

  async #duplicates(tx: Tx, rows: readonly { readonly row: number; readonly client: NewClient }[]): Promise<store.FaultRow[]> {
    if (rows.length === 0) return [];
    const ids = await this.#deps.clients.findClientIds(
      tx,
      this.#name.tenant,
      rows.map(({ client }) => client.externalId ?? ""),
    );
    return rows.map(({ row, client: { externalId } }) => duplicateOf(row, externalId, ids.get(externalId ?? "") ?? null));
  }

  async #lock(tx: Tx): Promise<{ readonly rows: number }> {
    const { tenant, importId } = this.#name;
    return (await store.lockRun(tx, tenant, importId, this.#holder)) ?? refuse("importInProgress", { headers: { "retry-after": "2" } });
  }

  async #hold(): Promise<void> {
    const { tenant, importId } = this.#name;
    // Where this fails the next batch will say whether the run is still ours.
    await this.#deps.db.write(this.#actor, (tx) => store.holdRun(tx, tenant, importId, this.#holder)).catch(() => undefined);
  }
}

/** An importId is its tenant's own: another tenant may use the same. */
function subjectOf({ tenant, importId }: RunName): string {
  return `import:${tenant}:${importId}`;
}

/** What is told of a row whose externalId is in use; `clientId` null where the client is erased or stands in the same file. */
export function duplicateOf(row: number, externalId: string | null, clientId: string | null): store.FaultRow {
  return { row, externalId, code: "duplicateExternalId", clientId, errors: IN_USE };
}

function importedEvent({ client, clientId }: { readonly client: NewClient; readonly clientId: string }) {
  const { tenant, type, status, verificationStatus } = client;
  return { type: "client.imported", subject: `client:${clientId}`, tenant, data: { clientId, type, status, verificationStatus } };
}

function marksOf(batch: readonly PendingRow[]): Buffer {
  const marks = Buffer.alloc(batch.length * MARK_BYTES);
  for (const [index, { mark }] of batch.entries()) marks.writeBigInt64BE(mark, index * MARK_BYTES);
  return marks;
}
