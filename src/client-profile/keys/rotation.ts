// The change of the master key (reliability DP-3): every client's key and the search key are wrapped anew under the first of the given
// master keys. Clients' data stay as they are. It may run beside any number of serving processes, and may be killed and begun again:
// each batch is a transaction of its own, and what is wrapped anew is not looked at again.

import { setTimeout as pause } from "node:timers/promises";
import { writeAudit } from "#platform/audit.ts";
import type { Database, Tx } from "#platform/db.ts";
import type { MasterKeys } from "#platform/sealing.ts";
import { StartupError } from "#platform/startup-error.ts";
import * as store from "./rotation.store.ts";
import { SEARCH_KEY_OWNER } from "./vault.ts";

const BATCH = 500;
const ROUNDS_MAX = 10;
const ROUND_PAUSE_MS = 200;
const DAMAGED_LISTED_MAX = 20;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** What is wrapped under what. `isGiven` false: this process cannot open it. */
export type KeysStatus = {
  /** The master key that wraps new keys. */
  readonly current: string;
  /** Null before the first start of this release. */
  readonly searchKey: { readonly masterKey: string; readonly isGiven: boolean } | null;
  readonly clients: readonly { readonly masterKey: string; readonly isGiven: boolean; readonly clients: number }[];
  /** Clients whose key is destroyed. */
  readonly erased: number;
  /** Keys that a rotation has still to wrap anew. */
  readonly toRotate: number;
};

export async function describeKeys(db: Database, masterKeys: MasterKeys): Promise<KeysStatus> {
  return await db.read(actorOf("keys_status"), async (tx) => {
    await refuseWithoutKeys(tx);
    const search = await store.findSearchKey(tx);
    const counts = await store.countKeys(tx);
    const clients = counts.flatMap(({ masterKey, clients: count }) =>
      masterKey === null ? [] : [{ masterKey, isGiven: masterKeys.has(masterKey), clients: Number(count) }],
    );
    const old = clients.filter(({ masterKey }) => masterKey !== masterKeys.current).reduce((sum, each) => sum + each.clients, 0);
    return {
      current: masterKeys.current,
      searchKey: search === null ? null : { masterKey: search.masterKey, isGiven: masterKeys.has(search.masterKey) },
      clients,
      erased: Number(counts.find(({ masterKey }) => masterKey === null)?.clients ?? 0),
      toRotate: old + (search !== null && search.masterKey !== masterKeys.current ? 1 : 0),
    };
  });
}

export type Rotation = {
  /** Keys that were wrapped anew by this run. */
  readonly rotated: number;
  /** Clients whose key does not open under the master key it names; the first twenty of them. */
  readonly damaged: readonly string[];
  /** How things stand now. Done: `toRotate` is 0. */
  readonly status: KeysStatus;
};

/** Wraps anew what is not under the current master key. `onProgress` hears after each batch how many keys this run has wrapped. */
export async function rotateKeys(db: Database, masterKeys: MasterKeys, onProgress: (rotated: number) => void): Promise<Rotation> {
  const actor = actorOf("keys_rotate");
  const damaged = new Set<string>();
  const run = { rotated: await db.write(actor, (tx) => rotateSearchKey(tx, masterKeys)) };
  // A key that somebody has locked is met in the next round: an erasure ends soon.
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const used = await db.read(actor, store.findMasterKeysInUse);
    const old = used.filter((id) => id !== masterKeys.current && masterKeys.has(id));
    const before = run.rotated;
    for (const masterKey of old) {
      for (let after: string | null = FIRST_ID; after !== null; ) {
        const from: string = after;
        const batch = await db.write(actor, (tx) => rotateBatch(tx, masterKeys, masterKey, from));
        for (const clientId of batch.damaged) damaged.add(clientId);
        run.rotated += batch.rotated;
        after = batch.last;
        if (batch.rotated > 0) onProgress(run.rotated);
      }
    }
    if (old.length === 0 || (run.rotated === before && damaged.size > 0)) break;
    if (round > 1) await pause(ROUND_PAUSE_MS);
  }
  const status = await describeKeys(db, masterKeys);
  return { rotated: run.rotated, damaged: [...damaged].slice(0, DAMAGED_LISTED_MAX), status };
}

async function rotateSearchKey(tx: Tx, masterKeys: MasterKeys): Promise<number> {
  await refuseWithoutKeys(tx);
  const wrapped = await store.lockSearchKey(tx);
  if (wrapped === null || wrapped.masterKey === masterKeys.current || !masterKeys.has(wrapped.masterKey)) return 0;
  await store.updateSearchKey(tx, masterKeys.wrap(SEARCH_KEY_OWNER, masterKeys.unwrap(SEARCH_KEY_OWNER, wrapped)));
  await writeAudit(tx, { action: "keys.rotated", subject: "search_key", detail: { from: wrapped.masterKey, to: masterKeys.current } });
  return 1;
}

type Batch = {
  readonly rotated: number;
  readonly damaged: readonly string[] /** Null: there are no more. */;
  readonly last: string | null;
};

async function rotateBatch(tx: Tx, masterKeys: MasterKeys, masterKey: string, after: string): Promise<Batch> {
  const keys = await store.lockKeysUnder(tx, masterKey, after, BATCH);
  const anew: store.ClientKey[] = [];
  const damaged: string[] = [];
  for (const { clientId, ...wrapped } of keys) {
    try {
      anew.push({ clientId, ...masterKeys.wrap(clientId, masterKeys.unwrap(clientId, wrapped)) });
    } catch {
      // Left as it is, so that a backup can still be compared with it.
      damaged.push(clientId);
    }
  }
  if (anew.length > 0) {
    await store.updateKeys(tx, anew);
    const detail = { keys: anew.length, from: masterKey, to: masterKeys.current };
    await writeAudit(tx, { action: "keys.rotated", subject: "client_key", detail });
  }
  return { rotated: anew.length, damaged, last: keys.at(-1)?.clientId ?? null };
}

async function refuseWithoutKeys(tx: Tx): Promise<void> {
  if (!(await store.hasKeys(tx))) {
    throw new StartupError("There are no keys in that database: it is empty or of an older release. Start the server on it first.");
  }
}

function actorOf(id: string): { kind: "job"; id: string; tenant: null; traceId: string } {
  return { kind: "job", id, tenant: null, traceId: "" };
}
