// Holds the store and the rows against each other, at every start and every hour. Bytes that no row knows are what a crash left between the
// two; an hour after they came no upload can still be on its way, and they go. A row without bytes is a loss that nobody can mend here: it
// is marked, and `verify` tells of it until the bytes are back.
//
// A store is emptied only by the database it belongs to: one that was pointed at another bank's store would find nothing there that it knows.

import { buffer } from "node:stream/consumers";
import type { Actor, Database, Tx } from "#platform/db.ts";
import { enqueue, type Job, job } from "#platform/jobs.ts";
import { Nullable, strictObject, Type } from "#platform/schema.ts";
import { uuidOf } from "#platform/http/idempotency.ts";
import type { Vault } from "../keys/vault.ts";
import type { DocumentStore, StoredDocument } from "../ports.ts";
import { listToScan } from "./scanning.store.ts";
import type { Scanning } from "./scanning.ts";
import * as store from "./sweep.store.ts";

const HOUR_MS = 3_600_000;
/** A sweep that takes longer goes on in a job of its own. */
const RUN_MS = 30_000;
const KEY = "sweep_documents";
const MISSING_AT_ONCE = 1_000;
const SCANS_AT_ONCE = 200;
const SCANS_MAX = 10_000;

export type SweepKit = {
  readonly vault: Vault;
  readonly store: DocumentStore;
  readonly scanning: Scanning;
  readonly isScannerSet: boolean;
};

/** Where a sweep goes on: the store's cursor, and the last place that was held against the rows. */
type From = { cursor: string | null; folder: string | null; id: string | null };
export type SweepJob = Job<From>;

const START: From = { cursor: null, folder: null, id: null };

export function sweepJob(kit: SweepKit): SweepJob {
  const hourly: SweepJob = job({
    name: KEY,
    payload: strictObject({ cursor: Nullable(Type.String()), folder: Nullable(Type.String()), id: Nullable(Type.String()) }),
    async run(from, { db, actor, signal }) {
      // First, so that a run that fails for the last time does not end the hours.
      await db.write(actor, (tx) => enqueue(tx, hourly, START, { key: KEY, runAt: new Date(tx.now.getTime() + HOUR_MS) }));
      if (from.cursor === null) await beginSweep(kit, db, actor);
      const rest = await sweep(kit, db, actor, from, { signal, untilMs: performance.now() + RUN_MS });
      if (rest !== null) await db.write(actor, (tx) => enqueue(tx, hourly, rest, { key: KEY }));
    },
  });
  return hourly;
}

/** Adds the next sweep, at once: whoever starts. Sweeps that many have added are one. */
export async function scheduleSweep(tx: Tx, hourly: SweepJob): Promise<void> {
  await enqueue(tx, hourly, START, { key: KEY });
}

async function beginSweep({ vault, store: documents, scanning, isScannerSet }: SweepKit, db: Database, actor: Actor): Promise<void> {
  await claimStore(vault, documents, db, actor);
  const now = await db.read(actor, async (tx) => tx.now);
  await documents.dropUnfinished(new Date(now.getTime() - HOUR_MS));
  if (isScannerSet) await enqueueScans(scanning, db, actor);
}

/** Scans whose job has given up, and of what came before there was a scanner. */
async function enqueueScans(scanning: Scanning, db: Database, actor: Actor): Promise<void> {
  let after: string | null = null;
  for (let count = 0; count < SCANS_MAX; count += SCANS_AT_ONCE) {
    const last: string | null = after;
    const ids: string[] = await db.write(actor, async (tx) => {
      const due = await listToScan(tx, last, SCANS_AT_ONCE);
      for (const documentId of due) await scanning.enqueue(tx, documentId);
      return due;
    });
    after = ids.at(-1) ?? null;
    if (after === null) return;
  }
}

/** Sweeps page by page; gives where to go on when the time is over, null at the end. */
export async function sweep(
  { vault, store: documents }: Pick<SweepKit, "vault" | "store">,
  db: Database,
  actor: Actor,
  from: From,
  { signal, untilMs }: { readonly signal: AbortSignal; readonly untilMs: number },
): Promise<From | null> {
  const mark = markOf(vault);
  let at: From | null = from;
  while (at !== null && performance.now() < untilMs) {
    signal.throwIfAborted();
    const listedAt = await db.read(actor, async (tx) => tx.now);
    const { items, next } = await documents.list(at.cursor);
    const ids = items.map(({ id }) => id).filter((id) => id !== mark);
    const until = placeOf(ids.at(-1));
    const after = at.folder === null || at.id === null ? null : { folder: at.folder, id: at.id };
    const kept = await db.write(actor, async (tx) => {
      if (ids.length > 0) await store.markFound(tx, ids);
      // An empty page says nothing of where it stands: the next one does.
      if (until !== null || next === null) await store.markMissing(tx, after, next === null ? null : until, ids, listedAt, MISSING_AT_ONCE);
      return await store.findKept(tx, ids);
    });
    for (const orphan of orphansOf(items, kept, mark, new Date(listedAt.getTime() - HOUR_MS))) await documents.delete(orphan);
    at = next === null ? null : { cursor: next, folder: until?.folder ?? at.folder, id: until?.id ?? at.id };
  }
  return at;
}

function orphansOf(items: readonly StoredDocument[], kept: ReadonlySet<string>, mark: string, before: Date): string[] {
  return items.filter(({ id, storedAt }) => id !== mark && !kept.has(id) && storedAt < before).map(({ id }) => id);
}

function placeOf(id: string | undefined): store.Place | null {
  return id === undefined ? null : { folder: id.slice(-2), id };
}

/** What says in the store whose it is: an id that only this bank's search key makes. */
function markOf(vault: Vault): string {
  return uuidOf(vault.mark("document store", "").toString("hex"));
}

/** Throws where the store holds mostly what this database does not know. */
async function claimStore(vault: Vault, documents: DocumentStore, db: Database, actor: Actor): Promise<void> {
  const mark = markOf(vault);
  const marked = await documents.get(mark);
  if (marked !== null) {
    // Read to its end: what it is read from is closed then.
    await buffer(marked);
    return;
  }
  let items: readonly StoredDocument[] = [];
  for (let cursor: string | null = null, isFirst = true; isFirst || (cursor !== null && items.length < 1_000); isFirst = false) {
    const page: Awaited<ReturnType<DocumentStore["list"]>> = await documents.list(cursor);
    items = [...items, ...page.items];
    cursor = page.next;
  }
  // Another instance, whose sweep began at the same moment, has just said whose it is.
  if (items.some(({ id }) => id === mark)) return;
  const kept = await db.read(actor, (tx) =>
    store.findKept(
      tx,
      items.map(({ id }) => id),
    ),
  );
  if (kept.size * 2 < items.length) {
    throw new Error(
      `of ${items.length} documents in the store this database knows ${kept.size}: it is another bank's store, and is left as it is`,
    );
  }
  await documents.put(mark, emptyContent());
}

async function* emptyContent(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("This store belongs to one bank.\n");
}
