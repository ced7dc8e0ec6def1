// The bytes of a document as they lie in the store: chunks of 64 KiB, each sealed under the document's own key for its place in this document
// of this client. A chunk that was changed, left out, doubled, moved here or taken from another document opens nowhere, and the last chunk
// knows that it is the last: before a wrong byte goes out, reading fails. Nobody holds more than two chunks.

import type { DataKey, Place } from "#platform/sealing.ts";

/** Bytes of plain text in a chunk; the last one may have less. */
const CHUNK_BYTES = 64 * 1024;
/** What sealing adds to a chunk: nonce and tag. */
const SEAL_BYTES = 28;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + SEAL_BYTES;

/** Whose bytes they are, and which. */
export type ContentOwner = { readonly clientId: string; readonly documentId: string };

/** What lies in the store is not what was put there: it was cut off, changed, or taken from elsewhere. */
export class BrokenContent extends Error {}

/** The key of one document's bytes; gone with the client's key. */
export function contentKey(clientKey: DataKey, { documentId }: ContentOwner): DataKey {
  return clientKey.derive(`document ${documentId}`);
}

function placeOf({ clientId, documentId }: ContentOwner, chunk: number, isLast: boolean): Place {
  return { table: "client_profile.document", column: "content", row: [clientId, documentId, chunk, isLast ? "last" : "more"].join("/") };
}

/** Seals as it reads. An empty content becomes one empty chunk. */
export async function* sealContent(key: DataKey, owner: ContentOwner, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let number = 0;
  let waiting: Buffer | null = null;
  for await (const chunk of inChunks(plain, CHUNK_BYTES)) {
    if (waiting !== null) yield key.seal(placeOf(owner, number++, false), waiting);
    waiting = chunk;
  }
  yield key.seal(placeOf(owner, number, true), waiting ?? Buffer.alloc(0));
}

/** Opens as it reads. @throws BrokenContent before the first byte that is not the one which was sealed. */
export async function* openContent(key: DataKey, owner: ContentOwner, sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let number = 0;
  let waiting: Buffer | null = null;
  for await (const chunk of inChunks(sealed, SEALED_CHUNK_BYTES)) {
    if (waiting !== null) yield openChunk(key, placeOf(owner, number++, false), waiting);
    waiting = chunk;
  }
  if (waiting === null) throw new BrokenContent("a document has no bytes in the store");
  yield openChunk(key, placeOf(owner, number, true), waiting);
}

function openChunk(key: DataKey, place: Place, chunk: Buffer): Buffer {
  try {
    return key.unseal(place, chunk);
  } catch (error) {
    throw new BrokenContent(`the bytes of a document do not open: ${place.row}`, { cause: error });
  }
}

/** The same bytes in pieces of that size; the last one may be shorter, none is empty. */
async function* inChunks(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const piece of bytes) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + size - held);
      parts.push(part);
      held += part.length;
      at += part.length;
      if (held === size) {
        yield Buffer.concat(parts);
        parts = [];
        held = 0;
      }
    }
  }
  if (held > 0) yield Buffer.concat(parts);
}
