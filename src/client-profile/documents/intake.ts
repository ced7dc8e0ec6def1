// One file on its way in: judged, hashed, sealed and stored as it comes by, so that nobody ever holds it whole and not a byte of it lies
// anywhere in the clear. What is no document is refused before the store counts it as whole, and so leaves nothing there.

import { createHash } from "node:crypto";
import { OutcomeUnknown } from "#platform/db.ts";
import type { FormFile } from "#platform/multipart.ts";
import { newId } from "#platform/new-id.ts";
import { platformProblems, Problem, problemOf } from "#platform/problem.ts";
import type { DataKey } from "#platform/sealing.ts";
import type { DocumentStore } from "../ports.ts";
import { ContentJudge } from "./content/content-judge.ts";
import type { ContentType } from "./content/header.ts";
import { DOCUMENT_BYTES_MAX } from "./contract.ts";
import { refuseDocument } from "./problems.ts";
import { contentKey, type ContentOwner, openContent, sealContent } from "./sealed-content.ts";

const TOO_LARGE = `A document may have at most ${DOCUMENT_BYTES_MAX} bytes.`;
const NO_STORE = "The document store is not available.";

/** Bytes in the store that no row knows yet. */
export type StoredFile = ContentOwner & {
  /** As it was sent. */
  readonly sentName: string;
  readonly contentType: ContentType;
  readonly size: number;
  /** Of the plain bytes. */
  readonly sha256: Buffer;
};

/** Refuses with 413 documentTooLarge and 415 unsupportedDocumentType; 503 busy where the store does not take it. */
export async function storeFile(store: DocumentStore, clientKey: DataKey, clientId: string, file: FormFile): Promise<StoredFile> {
  const owner: ContentOwner = { clientId, documentId: newId() };
  const inspected = new Inspection(file);
  try {
    await store.put(owner.documentId, sealContent(contentKey(clientKey, owner), owner, inspected.bytes()));
  } catch (error) {
    throw asRefusal(error);
  }
  return { ...owner, sentName: file.fileName, ...inspected.result() };
}

/** Takes away what no row will know. What cannot be taken away now the sweep finds. */
export async function discardFiles(store: DocumentStore, files: readonly StoredFile[]): Promise<void> {
  await Promise.allSettled(files.map(({ documentId }) => store.delete(documentId)));
}

/** Whether a failed call has certainly left no row: where nobody knows, the bytes stay, and the sweep judges later. */
export function leftNoRow(error: unknown): boolean {
  return error instanceof Problem && !(error.extras.cause instanceof OutcomeUnknown);
}

/** The bytes of a stored document, opened as they are read. Null: the store has none. 503 busy where the store is away. */
export async function openStored(store: DocumentStore, clientKey: DataKey, owner: ContentOwner): Promise<AsyncGenerator<Buffer> | null> {
  const sealed = await store.get(owner.documentId).catch((error: unknown) => {
    throw asRefusal(error);
  });
  return sealed === null ? null : openContent(contentKey(clientKey, owner), owner, sealed);
}

class Inspection {
  readonly #file: FormFile;
  readonly #judge = new ContentJudge();
  readonly #hash = createHash("sha256");
  #size = 0;
  #result: Pick<StoredFile, "contentType" | "size" | "sha256"> | null = null;

  constructor(file: FormFile) {
    this.#file = file;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    for await (const piece of this.#file.body as AsyncIterable<Buffer>) {
      this.#size += piece.length;
      if (this.#size > DOCUMENT_BYTES_MAX)
        refuseDocument("documentTooLarge", { detail: TOO_LARGE, errors: this.#about("The file must have at most 10 MiB.") });
      this.#judge.take(piece);
      if (this.#judge.isHopeless) this.#refuse();
      this.#hash.update(piece);
      yield piece;
    }
    // Before the store learns that this was the last byte.
    const contentType = this.#judge.verdict() ?? this.#refuse();
    this.#result = { contentType, size: this.#size, sha256: this.#hash.digest() };
  }

  result(): Pick<StoredFile, "contentType" | "size" | "sha256"> {
    if (this.#result === null) throw new Error("the store has not read the whole file");
    return this.#result;
  }

  #refuse(): never {
    return refuseDocument("unsupportedDocumentType", { errors: this.#about("The file must be a PDF, JPEG, PNG or HEIC by its content.") });
  }

  #about(sentence: string): Record<string, string[]> {
    return { [this.#file.name]: [sentence] };
  }
}

/** A refusal of ours, a gone caller and a bug stay what they are; whatever else a store throws means that it is not there. */
function asRefusal(error: unknown): unknown {
  if (error instanceof Problem || error instanceof TypeError || error instanceof RangeError) return error;
  return problemOf(platformProblems, "busy", { detail: NO_STORE, headers: { "retry-after": "5" }, cause: error });
}
