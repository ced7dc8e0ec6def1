// Bodies that are not JSON of the holder of a token. A signed one is vouched for by its bytes, which are judged before anything reads them; a
// stream is never held whole: it is counted while the operation takes it, and it is the operation that says at which pace.

import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import { signingCaller } from "../access.ts";
import { readHeaderValue } from "../header-values.ts";
import { JsonNumber, reviveNumbers } from "../json.ts";
import { refusePlatform } from "../problem.ts";
import type { TSchema } from "../schema.ts";
import { codingFault } from "./body-parser.ts";
import { CountedBody, tooLarge } from "./counted-body.ts";

/** Every value of a header as it was sent: a list where the header was sent more than once, which no signature may be taken from. */
export type SentHeaders = Readonly<Record<string, string | readonly string[]>>;

/** JSON from whoever knows a secret, proven by a header over the body's bytes. Audience "signature": no token is asked for, and none helps. */
export type SignedBody = {
  readonly kind: "signed";
  /** Bytes. */
  readonly limit: number;
  /** Whether the headers prove these bytes, compared in constant time. False: 401, and nothing has been parsed. */
  verify(raw: Buffer, headers: SentHeaders): boolean;
  /** For the description; what is sent is not held against it. */
  readonly schema: TSchema;
};

/** Bytes of one of some media types, such as a file or a form with files. Needs `work: "own"`. */
export type StreamBody = {
  readonly kind: "stream";
  /** In lower case, without parameters. */
  readonly mediaTypes: readonly string[];
  /** Bytes of the whole body, the framing of a form included. */
  readonly limit: number;
  /**
   * The operation works while the body comes and sets its pace: the time limit of requests does not hold. One on which nothing moves is cut
   * by the time-out of its connection.
   */
  readonly mayTakeLong?: true;
  /** For the description. */
  readonly schema: TSchema;
};

export type RequestBody = SignedBody | StreamBody;

export type JsonObject = { readonly [name: string]: unknown };

/** A body on its way. */
export type RequestStream = {
  /** One of the endpoint's media types. */
  readonly contentType: string;
  /** Of the media type, by name in lower case; `boundary` of a form. */
  readonly parameters: Readonly<Record<string, string>>;
  /**
   * Fails with a problem: `payloadTooLarge` at the first byte beyond the limit, `malformedRequest` when the sender goes away. May be left
   * unread: what is left of it is thrown away after the answer.
   */
  readonly body: Readable;
  /** As announced, at most the limit; null: not announced. */
  readonly length: number | null;
};

/**
 * Reads the bytes of a signed body and has them judged: 413, then 401. Gives the bytes again, for the parser that every other body meets.
 * From here on the call has a caller.
 */
export async function acceptSignedBody(operation: string, body: SignedBody, request: FastifyRequest): Promise<Readable> {
  const pieces: Buffer[] = [];
  for await (const piece of new CountedBody(request.raw, { limit: body.limit })) pieces.push(piece as Buffer);
  const raw = Buffer.concat(pieces);
  if (!body.verify(raw, sentHeaders(request.raw))) refusePlatform("unauthorized", { detail: "The body's signature is missing or wrong." });
  request.signedBytes = raw;
  request.caller = signingCaller(operation);
  return Readable.from(raw.length === 0 ? [] : [raw], { objectMode: false });
}

/** Any JSON object. A number that JavaScript cannot hold exactly stays a `JsonNumber`: not every figure of a provider is ours to judge. */
export function signedObject(sent: unknown, { schema }: SignedBody): JsonObject {
  const isObject = typeof sent === "object" && sent !== null && !Array.isArray(sent) && !(sent instanceof JsonNumber);
  if (!isObject) return refusePlatform("malformedRequest", { detail: "The body must be a JSON object." });
  reviveNumbers(sent, schema);
  return sent as JsonObject;
}

const longRequests = new WeakSet<IncomingMessage>();

/** The request may take longer to arrive than others do. */
export function mayTakeLong(request: IncomingMessage): boolean {
  return longRequests.has(request);
}

/** Judges media type and length; not a byte has been read yet, and none is before the operation asks. */
export function openStream(
  { mediaTypes, limit, mayTakeLong: isLong }: StreamBody,
  request: FastifyRequest,
  onFirstRead: () => void,
): RequestStream {
  const type = readHeaderValue(request.headers["content-type"] ?? "");
  if (type === null || !mediaTypes.includes(type.value)) {
    return refusePlatform("unsupportedMediaType", { detail: `Send ${mediaTypes.join(" or ")}.` });
  }
  const fault = codingFault(request);
  if (fault !== null) throw fault;
  const announced = request.headers["content-length"];
  const length = announced === undefined ? null : Number(announced);
  if (length !== null && length > limit) throw tooLarge(limit);
  if (isLong === true) longRequests.add(request.raw);
  return { contentType: type.value, parameters: type.parameters, body: new CountedBody(request.raw, { limit, onFirstRead }), length };
}

/** Node's own view joins, or silently drops, all but the first value of most headers. */
function sentHeaders({ rawHeaders }: IncomingMessage): SentHeaders {
  const headers: Record<string, string | string[]> = Object.create(null) as typeof headers;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at]?.toLowerCase(), rawHeaders[at + 1]];
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
