// An endpoint is one value: route, access, shapes, work and problems. Route, validation, the handler's types,
// idempotency, OpenAPI and the access matrix of the tests are all read from it; nothing is registered elsewhere.

import type { Static, TObject, TSchema } from "typebox";
import type { Audience, Caller, Scope } from "../access.ts";
import type { Tx } from "../db.ts";
import type { Catalogue } from "../problem.ts";
import type { IdempotencyKey, StoredAnswer } from "./idempotency.ts";
import type { JsonObject, RequestBody, RequestStream, SignedBody, StreamBody } from "./request-body.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What a handler gets beside its Tx: checked input and who calls; and what its kind of request body brings. */
export type Call<P, Q, B, K extends RequestBody | undefined = undefined> = Received<K> & {
  readonly params: P;
  readonly query: Q;
  readonly body: K extends SignedBody ? JsonObject : B;
  readonly caller: Caller;
  /**
   * Claimed by the platform for `work: "write"`; handed on to the ledger for `work: "own"`. Null without the header. Of a stream it is over
   * the request without its body: see `settle`.
   */
  readonly key: IdempotencyKey | null;
  /** W3C trace id form `00-…-01`, the `traceId` of every problem. */
  readonly traceId: string;
  /** HEAD: the answer's content goes to nobody. All else is as for GET (RFC 9110, section 9.3.2). */
  readonly isHead: boolean;
  /** Says which version the answer shows: its ETag. An answer that is repeated for an Idempotency-Key has none. */
  readonly tag: (version: bigint) => void;
};

type Received<K extends RequestBody | undefined> = K extends SignedBody
  ? { /** The bytes that were signed. */ readonly raw: Buffer }
  : K extends StreamBody
    ? { readonly stream: RequestStream; readonly settle: Settle }
    : unknown;

/**
 * The end of a call with a stream, once its content is known by its hash (SHA-256): claims the Idempotency-Key for that content, runs the work
 * in one transaction and keeps the answer in it. A repeat of key and content gets that answer again and the work does not run; another
 * content under the key is 422 `idempotencyKeyReused`. What was put somewhere before (a file) is the caller's to take away when the answer
 * has `stored.replayed`, or when this throws.
 */
export type Settle = <T>(content: Buffer, work: (tx: Tx) => Promise<T>) => Promise<{ readonly stored: StoredAnswer }>;

/** Answer of an endpoint that settles idempotency itself: `replayed` sets the header `Idempotency-Replayed`; `stored` is sent as it is. */
export type Answer<R> = { readonly body: R; readonly replayed: boolean } | { readonly stored: StoredAnswer };

/**
 * A file that is made while it is sent. What goes wrong before the first piece is ready is answered as a problem; later the connection is
 * cut, so that a part of a file is never taken for the whole.
 */
export type FileAnswer = {
  /** ASCII without quotes. */
  readonly name: string;
  /** The name with all its characters, for those who can read it; it names one file and holds no path. */
  readonly fileName?: string;
  /** Bytes, where they are known before the file is made. */
  readonly size?: number;
  /** One of those in `files`, parameters apart. */
  readonly mediaType: string;
  readonly content: AsyncIterable<string | Uint8Array>;
};

type Shape<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema, K extends RequestBody | undefined> = {
  /** operationId in OpenAPI and name of the test. */
  readonly id: string;
  readonly method: Method;
  /** As documented, with `{name}` parameters; parameters match hyphenated uuids unless `params` says otherwise. */
  readonly path: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly audience: Exclude<Audience, "public">;
  readonly scope: Scope | null;
  readonly params?: P;
  readonly query?: Q;
  /** Parameters of the query that may come in a header instead, where addresses are logged and headers are not: name → header. */
  readonly headerOf?: Readonly<Record<string, string>>;
  readonly body?: B;
  /** A request without a body means `{}`. */
  readonly isBodyOptional?: boolean;
  /** In place of `body`, where it is not JSON of the holder of a token. A stream needs `work: "own"`. */
  readonly requestBody?: K;
  /** `EmptyBody`: the answer has none. `fileReply`: it is a file. */
  readonly reply: R;
  readonly problems?: Catalogue;
  /** Bytes; default 1 MiB. */
  readonly bodyLimit?: number;
  /**
   * The client whom the answer tells of, where it holds personal data: kept under an Idempotency-Key it is sealed, and gone with the client.
   * Null: it tells of nobody.
   */
  answerTellsOf?(call: Call<Static<P>, Static<Q>, Static<B>, K>, reply: Static<R>): string | null;
  /** Whether the call only asks what would happen: it is done, answered and taken back, and its Idempotency-Key is ignored. Of `work: "write"`. */
  isRehearsal?(call: Call<Static<P>, Static<Q>, Static<B>, K>): boolean;
};

type Work<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema, K extends RequestBody | undefined> =
  /** On one read-only snapshot. */
  | { readonly work: "read"; handle(tx: Tx, call: Call<Static<P>, Static<Q>, Static<B>, K>): Promise<Static<R>> }
  /** In one transaction together with the idempotency key and its stored answer. */
  | { readonly work: "write"; handle(tx: Tx, call: Call<Static<P>, Static<Q>, Static<B>, K>): Promise<Static<R>> }
  /** Opens its own units of work (the ledger's writer) and settles the key inside them. */
  | { readonly work: "own"; handle(call: Call<Static<P>, Static<Q>, Static<B>, K>): Promise<Answer<Static<R>>> }
  /** Opens its own units of work, also while the file is being sent; a repeat makes the file again. */
  | { readonly work: "file"; handle(call: Call<Static<P>, Static<Q>, Static<B>, K>): Promise<FileAnswer> };

export type EndpointDefinition<
  P extends TObject,
  Q extends TObject,
  B extends TSchema,
  R extends TSchema,
  K extends RequestBody | undefined = undefined,
> = Shape<P, Q, B, R, K> & Work<P, Q, B, R, K>;

/** A call whose types were checked where its endpoint was made. */
export type AnyCall = Call<unknown, unknown, unknown>;
type ErasedWork =
  | { readonly work: "read" | "write"; readonly handle: (tx: Tx, call: AnyCall) => Promise<unknown> }
  | { readonly work: "own"; readonly handle: (call: AnyCall) => Promise<Answer<unknown>> }
  | { readonly work: "file"; readonly handle: (call: AnyCall) => Promise<FileAnswer> };

/** An endpoint with its types checked and forgotten: what the application lists. */
export type Endpoint = Omit<Shape<TObject, TObject, TSchema, TSchema, RequestBody>, "answerTellsOf" | "isRehearsal"> &
  ErasedWork & {
    readonly answerTellsOf?: (call: AnyCall, reply: unknown) => string | null;
    readonly isRehearsal?: (call: AnyCall) => boolean;
  };

/** Checks handler against schemas, here and nowhere else. */
export function endpoint<
  R extends TSchema,
  P extends TObject = TObject,
  Q extends TObject = TObject,
  B extends TSchema = TSchema,
  K extends RequestBody | undefined = undefined,
>(definition: EndpointDefinition<P, Q, B, R, K>): Endpoint {
  // The handler only ever sees input that the schemas of this same value have accepted.
  return definition as unknown as Endpoint;
}
