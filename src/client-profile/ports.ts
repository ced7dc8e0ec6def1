// What client profiles need from outside: a place for the bytes of documents, and somebody who looks for malware in them. Adapters fill
// these ports. No transaction is open while one is called. And what a module above does in a transaction of this one.

import type { Tx } from "#platform/db.ts";

/** Bytes in the store under the id of their document. */
export type StoredDocument = { readonly id: string; readonly storedAt: Date };

/** Where the bytes of documents lie. What is put is encrypted already. */
export type DocumentStore = {
  /** Durable when it returns: a power cut takes nothing back. Leaves nothing behind when it throws, nor when `content` does. Each id is put once. */
  put(id: string, content: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** Null: there are none. What is cut off or cannot be read throws while it is read. */
  get(id: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** Gone when it returns. What is not there is gone already. */
  delete(id: string): Promise<void>;
  /** A page of what is stored, ordered by the last two digits of the id, then by the id. `next` asks for the page after it; null: the end. */
  list(cursor: string | null): Promise<{ readonly items: readonly StoredDocument[]; readonly next: string | null }>;
  /** Removes what was begun before that instant and never became whole. */
  dropUnfinished(before: Date): Promise<void>;
};

/** What a scanner says of bytes. `finding` names the malware. */
export type ScanVerdict = { readonly status: "clean" } | { readonly status: "infected"; readonly finding: string };

/** Throws when there is no verdict: the scanner is away, too slow, or says what nobody understands. */
export type ScanDocument = (content: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<ScanVerdict>;

/**
 * Ends what keeps one-time codes from a client, in the caller's transaction, which holds the client's row; nothing where nothing does. Filled
 * by the composition root: codes are kept above this module.
 */
export type LiftCodeBlocks = (tx: Tx, client: { readonly clientId: string; readonly tenant: string }) => Promise<void>;
