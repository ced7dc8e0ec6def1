// The idempotency contract (contract decision 2, published in docs/operations.md): one key of one caller has at most one
// effect, for ever. The key row is written in the transaction of the effect, so that a crash leaves both or neither.

import { fingerprint } from "../canonical.ts";
import { Bug, invariant, Problem, type ProblemBody, refusePlatform } from "../problem.ts";
import { type Actor, type Database, sqlState, type Tx } from "../db.ts";
import * as store from "./idempotency.store.ts";

/** A caller's key, reduced to what is stored: neither key nor owner can be read back from it. */
export type IdempotencyKey = {
  /** First 128 bits of SHA-256 over owner and key, as a uuid. */
  readonly id: string;
  /** SHA-256 over method, route, parameters and canonical body, in hex. */
  readonly fingerprint: string;
};

const KEY_LENGTH_MAX = 100;
const PRINTABLE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** Reads the header: bare text or a quoted structured-field string (the same key). Null: not acceptable. */
export function readKey(header: string): string | null {
  const text = header.trim();
  const key = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(["\\])/g, "$1") : text;
  return key.length <= KEY_LENGTH_MAX && PRINTABLE.test(key) ? key : null;
}

/** Formats the first 16 bytes of a hash in hex as a uuid. */
export function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

export function idempotencyKey(owner: string, key: string, request: readonly string[]): IdempotencyKey {
  return { id: uuidOf(fingerprint([owner, key])), fingerprint: fingerprint(request) };
}

/** The key of one item of a list sent under one key. */
export function itemKey(key: IdempotencyKey, index: number, content: string): IdempotencyKey {
  return { id: uuidOf(fingerprint([key.id, String(index)])), fingerprint: content };
}

/** The key for what a stream turned out to hold, by its hash: the request's own fingerprint says nothing of that. */
export function keyWithContent(key: IdempotencyKey, hash: Buffer): IdempotencyKey {
  return { id: key.id, fingerprint: fingerprint([key.fingerprint, hash.toString("hex")]) };
}

/** What a key answers: the body's bytes as they were sent the first time. */
export type StoredAnswer = { readonly status: number; readonly body: string; readonly replayed: boolean };

/** An answer's text, and the client whom it tells of: null where it holds no personal data. */
export type Told = { readonly text: string; readonly tellsOf: string | null };

/**
 * Keeps answers that tell of a client under that client's key, in the transaction that keeps the answer; bound to the idempotency key, so that
 * one answer cannot stand in for another. `unseal` gives null when the client's key is destroyed.
 */
export type AnswerSealer = {
  seal(tx: Tx, clientId: string, keyId: string, text: string): Promise<string>;
  unseal(tx: Tx, clientId: string, keyId: string, sealed: string): Promise<string | null>;
};

/** How a sealed answer begins. No other does: they are JSON, empty, or a trace id. */
const SEALED = /^sealed:([0-9a-f-]{36}):/;

/** Answers that were given for good: success, and refusals that say something of the state of things. All others are evaluated afresh. */
export function isDefinite(problem: Problem): boolean {
  return (problem.status === 409 || problem.status === 412) && problem.code !== "idempotencyInProgress";
}

/**
 * Runs `work` in one transaction with its key: claim, savepoint, effect, answer, commit. A definite refusal rolls back to the
 * savepoint and is kept; anything else leaves nothing behind.
 */
export async function runOnce(
  db: Database,
  actor: Actor,
  key: IdempotencyKey | null,
  work: (tx: Tx) => Promise<string | Told>,
  describe: (problem: Problem) => ProblemBody,
  sealer: AnswerSealer | null = null,
): Promise<StoredAnswer> {
  if (key === null) return { status: 200, body: toldBy(await db.write(actor, work)).text, replayed: false };
  return await db.write(actor, async (tx) => {
    const stored = await claim(tx, key, { sealer, answer: null });
    if (stored !== null) return stored;
    await store.setSavepoint(tx);
    try {
      const told = toldBy(await work(tx));
      await store.keepAnswer(tx, key.id, 200, await sealedText(tx, key, told, sealer));
      return { status: 200, body: told.text, replayed: false };
    } catch (error) {
      if (!(error instanceof Problem) || !isDefinite(error)) throw error;
      await store.rollbackToSavepoint(tx);
      const body = JSON.stringify(describe(error));
      await store.keepAnswer(tx, key.id, error.status, body);
      return { status: error.status, body, replayed: false };
    }
  });
}

function toldBy(answer: string | Told): Told {
  return typeof answer === "string" ? { text: answer, tellsOf: null } : answer;
}

async function sealedText(tx: Tx, key: IdempotencyKey, { text, tellsOf }: Told, sealer: AnswerSealer | null): Promise<string> {
  if (tellsOf === null) return text;
  invariant(sealer, "an answer that tells of a client, and nothing to seal it with");
  return `sealed:${tellsOf}:${await sealer.seal(tx, tellsOf, key.id, text)}`;
}

/** The client may have been erased since: then there is nothing left to answer. */
async function plainText(tx: Tx, key: IdempotencyKey, kept: string, sealer: AnswerSealer | null): Promise<string> {
  const [prefix = "", clientId = ""] = SEALED.exec(kept) ?? [];
  if (prefix === "") return kept;
  invariant(sealer, "a sealed answer, and nothing to open it with");
  return (await sealer.unseal(tx, clientId, key.id, kept.slice(prefix.length))) ?? refusePlatform("notFound");
}

/**
 * Claims the key of a list whose items settle one by one under keys of their own (`itemKey`), so that the key cannot be used for anything
 * else meanwhile. Not fresh: the same list was sent before, by the call with that trace id, and its items know their answers.
 */
export async function claimList(
  tx: Tx,
  key: IdempotencyKey,
  traceId: string,
): Promise<{ readonly isFresh: boolean; readonly traceId: string }> {
  const stored = await claim(tx, key, { sealer: null, answer: { status: 200, text: traceId } });
  return stored === null ? { isFresh: true, traceId } : { isFresh: false, traceId: stored.body };
}

type Claim = { readonly sealer: AnswerSealer | null; readonly answer: store.KeptAnswer | null };

/** Claims the key in this transaction, with its answer where that is known already. Null: it is ours. Otherwise what it answered before. */
async function claim(tx: Tx, key: IdempotencyKey, { sealer, answer }: Claim): Promise<StoredAnswer | null> {
  if (await claimOrWait(tx, key, answer)) return null;
  const row = await store.findKey(tx, key.id);
  invariant(row, "an idempotency key vanished");
  if (row.fingerprint.toString("hex") !== key.fingerprint) refusePlatform("idempotencyKeyReused");
  // A ledger payment's key has another fingerprint (its route is part of it), so it never comes this far.
  if (row.status === null || row.answer === null) throw new Bug("an idempotency key without an answer");
  return { status: row.status, body: await plainText(tx, key, row.answer, sealer), replayed: true };
}

async function claimOrWait(tx: Tx, key: IdempotencyKey, answer: store.KeptAnswer | null): Promise<boolean> {
  try {
    return await store.claimKey(tx, key.id, Buffer.from(key.fingerprint, "hex"), answer);
  } catch (error) {
    // The twin held its claim for longer than lock_timeout (2 s).
    if (sqlState(error) === "55P03") refusePlatform("idempotencyInProgress", { headers: { "retry-after": "1" } });
    throw error;
  }
}
