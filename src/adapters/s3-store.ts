// Keeps the bytes of documents in a bucket of an S3 service, under <prefix>/<last two digits of the id>/<id>. A document has 10 MiB at most,
// so one PUT carries it whole, and it is there whole or not at all. A PUT must say its length and hash before its first byte: a document that
// arrives waits in a file of this machine, sealed as it is, until it is whole, and nobody holds it in memory. Requests are signed (AWS
// Signature Version 4), with the hash of what they carry: the service refuses bytes that changed on the way. A 5xx, a broken connection and
// a wrong ETag are tried again; what a service says beside its status reaches nobody but the log of the one who operates it.

import { createHash, randomBytes } from "node:crypto";
import { openAsBlob } from "node:fs";
import { open, readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { AwsV4Signer } from "aws4fetch";
import { makeFolder } from "#platform/folder.ts";
import { isUuid } from "#platform/ids.ts";
import { errorCode, explainFolderError } from "#platform/startup-error.ts";
import type { DocumentStore, StoredDocument } from "../client-profile/ports.ts";

export type S3Options = {
  /** http or https; the bucket stands in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** May be empty. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Folder of this machine in which documents wait until they are whole. It may be another one for each process. */
  readonly spool: string;
  /** How long the service may take to answer, and then for each piece of a file. How long a reader takes does not count. */
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 20_000;
const ATTEMPTS_MAX = 3;
const WAIT_MS = 100;
/** Documents that are on their way to the service at once. */
const PUTS_MAX = 8;
/** From when a document is whole until the service has it, or its caller is told that it could not: shorter than a connection's patience. */
const PUT_MAX_MS = 25_000;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const PAGE = 1_000;
const ERROR_BYTES_MAX = 16_384;
const NO_BYTES = createHash("sha256").digest("hex");

type Call = { readonly method: "GET" | "PUT" | "DELETE"; readonly path: string; readonly query?: string; readonly body?: Spooled };

/** A document that waits: its bytes as a file, and their hashes in hex. */
type Spooled = { readonly bytes: Blob; readonly sha256: string; readonly md5: string };

/** The service did not do what it was asked. `status` 0: it did not answer. */
class StoreFailure extends Error {
  readonly status: number;

  constructor(method: string, status: number, why: string, cause?: unknown) {
    super(`the S3 store did not take ${method}: ${status === 0 ? "" : `${status} `}${why}`, { cause });
    this.status = status;
  }
}

/** Fills the port of client profiles. Throws StartupError where the spool cannot be used. */
export function s3Store(options: S3Options): DocumentStore {
  const { bucket, spool } = options;
  try {
    makeFolder(spool, FOLDER_MODE);
  } catch (error) {
    throw explainFolderError(error, spool, "Choose another folder with FINLEGO_DATA.");
  }
  const base = options.prefix.replace(/^\/+|\/+$/g, "");
  const keyOf = (id: string): string => {
    if (!isUuid(id)) throw new RangeError("not the id of a document");
    return [...(base === "" ? [] : [base]), id.slice(-2), id].join("/");
  };
  const pathOf = (id: string): string => `/${bucket}/${keyOf(id)}`;
  const slots = new Slots(PUTS_MAX);
  return {
    async put(id, content, signal) {
      const path = pathOf(id);
      await spooled(join(spool, `${id}-${randomBytes(4).toString("hex")}`), content, async (body) => {
        const patience = AbortSignal.timeout(PUT_MAX_MS);
        const ends = signal === undefined ? patience : AbortSignal.any([signal, patience]);
        await slots.take(() => retrying(() => putOnce(options, { method: "PUT", path, body }, ends), ends));
      });
    },

    async get(id) {
      const answer = await retrying(() => call(options, { method: "GET", path: pathOf(id) }));
      return answer.ok ? piecesOf(answer, options.timeoutMs) : null;
    },

    async delete(id) {
      await retrying(async () => discard(await call(options, { method: "DELETE", path: pathOf(id) })));
    },

    async list(cursor) {
      const query = new URLSearchParams({ "list-type": "2", "max-keys": String(PAGE), prefix: base === "" ? "" : `${base}/` });
      if (cursor !== null) query.set("start-after", keyOf(cursor));
      const answer = await retrying(() =>
        call(options, { method: "GET", path: `/${bucket}`, query: String(query).replaceAll("+", "%20") }),
      );
      if (!answer.ok) throw new StoreFailure("GET", answer.status, "the bucket is not there");
      return readPage((await buffer(piecesOf(answer, options.timeoutMs))).toString());
    },

    async dropUnfinished(before) {
      // In the bucket a single PUT leaves nothing unfinished.
      for (const name of await readdir(spool)) {
        const path = join(spool, name);
        const found = await stat(path).catch(() => null);
        if (found !== null && found.mtime < before) await unlink(path).catch(() => undefined);
      }
    },
  };
}

async function putOnce(options: S3Options, put: Call & { readonly body: Spooled }, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const answer = await call(options, put, signal);
  const tag = answer.headers.get("etag")?.replaceAll('"', "");
  await discard(answer);
  if (!answer.ok) throw new StoreFailure("PUT", answer.status, "the bucket is not there");
  // Encrypted by a key service the tag is no hash of what was sent.
  const isHash = !/kms/i.test(answer.headers.get("x-amz-server-side-encryption") ?? "");
  if (isHash && tag !== put.body.md5) throw new StoreFailure("PUT", 0, "it has stored other bytes");
}

/** Has the content lie in a file while `work` runs, and not after it. */
async function spooled(path: string, content: AsyncIterable<Uint8Array>, work: (body: Spooled) => Promise<void>): Promise<void> {
  const [sha256, md5] = [createHash("sha256"), createHash("md5")];
  const file = await open(path, "wx", FILE_MODE);
  try {
    try {
      for await (const piece of content) {
        sha256.update(piece);
        md5.update(piece);
        await file.writeFile(piece);
      }
    } finally {
      await file.close();
    }
    await work({ bytes: await openAsBlob(path), sha256: sha256.digest("hex"), md5: md5.digest("hex") });
  } finally {
    await unlink(path).catch((error: unknown) => {
      if (errorCode(error) !== "ENOENT") throw error;
    });
  }
}

/** One signed request. A success, or a 404 that says that there is no such key; anything else throws. */
async function call(options: S3Options, { method, path, query = "", body }: Call, signal?: AbortSignal): Promise<Response> {
  const { endpoint, region, accessKeyId, secretAccessKey, timeoutMs = TIMEOUT_MS } = options;
  const signed = await new AwsV4Signer({
    method,
    url: `${endpoint.replace(/\/+$/, "")}${path}${query === "" ? "" : `?${query}`}`,
    headers: {
      "x-amz-content-sha256": body?.sha256 ?? NO_BYTES,
      ...(body === undefined ? {} : { "content-type": "application/octet-stream" }),
    },
    accessKeyId,
    secretAccessKey,
    service: "s3",
    region,
  }).sign();
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), timeoutMs);
  const answer = await fetch(signed.url, {
    method,
    headers: signed.headers,
    ...(body === undefined ? {} : { body: body.bytes }),
    // A redirect would send a client's document where nobody configured it.
    redirect: "manual",
    signal: signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal]),
  })
    .catch((error: unknown) => {
      throw new StoreFailure(method, 0, "no answer", error);
    })
    .finally(() => clearTimeout(timer));
  if (answer.ok) return answer;
  const code = /<Code>(\w{1,64})<\/Code>/.exec(await readShort(answer))?.[1] ?? "without a reason";
  if (answer.status === 404 && (code === "NoSuchKey" || method === "DELETE") && code !== "NoSuchBucket") return answer;
  throw new StoreFailure(method, answer.status, code);
}

async function retrying<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof StoreFailure && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!mayPass || attempt === ATTEMPTS_MAX || signal?.aborted === true) throw error;
      await pause(WAIT_MS * 4 ** (attempt - 1));
    }
  }
}

/** The bytes of an answer. Throws where the service breaks off, or keeps silent for too long. */
async function* piecesOf(answer: Response, timeoutMs = TIMEOUT_MS): AsyncGenerator<Uint8Array> {
  if (answer.body === null) return;
  const reader = answer.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  try {
    for (;;) {
      const { done, value } = await withinTime(reader.read(), timeoutMs);
      if (done) return;
      yield value;
    }
  } finally {
    // Also where the reader goes away: the connection is not kept for what nobody reads.
    await reader.cancel().catch(() => undefined);
  }
}

async function withinTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const silent = Promise.withResolvers<never>();
  const timer = setTimeout(() => silent.reject(new StoreFailure("GET", 0, "a file that breaks off")), timeoutMs);
  try {
    return await Promise.race([work, silent.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function discard(answer: Response): Promise<void> {
  await answer.body?.cancel();
}

async function readShort(answer: Response): Promise<string> {
  let text = "";
  try {
    for await (const bytes of piecesOf(answer)) {
      text += Buffer.from(bytes).toString("latin1");
      if (text.length > ERROR_BYTES_MAX) break;
    }
  } catch {
    // What it would have said is lost; its status is known.
  }
  return text;
}

/** Our keys need no escapes; what else lies in the bucket is not ours. */
function readPage(xml: string): { items: readonly StoredDocument[]; next: string | null } {
  if (!/<ListBucketResult[\s>]/.test(xml)) throw new StoreFailure("GET", 0, "the list cannot be read");
  const items: StoredDocument[] = [];
  let last = "";
  for (const [, entry = ""] of xml.matchAll(/<Contents>([^]*?)<\/Contents>/g)) {
    const id = /<Key>[^<]*?([0-9a-f-]{36})<\/Key>/.exec(entry)?.[1] ?? "";
    const storedAt = new Date(/<LastModified>([^<]*)<\/LastModified>/.exec(entry)?.[1] ?? "");
    if (!isUuid(id) || Number.isNaN(storedAt.getTime())) continue;
    items.push({ id, storedAt });
    last = id;
  }
  const isCut = /<IsTruncated>true<\/IsTruncated>/.test(xml);
  if (isCut && last === "") throw new StoreFailure("GET", 0, "the prefix holds what is not ours");
  return { items, next: isCut ? last : null };
}

/** At most so many at a time; the others wait. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
