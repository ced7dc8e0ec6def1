// One call of one endpoint, after its input was accepted: claims the key, runs the work, sends the answer. An answer is sent
// after the commit, never before.

import type { FastifyReply, FastifyRequest } from "fastify";
import { callerTenant, idempotencyOwner } from "../access.ts";
import type { Actor, Database } from "../db.ts";
import { invariant, Problem, type ProblemBody, problemBody, refusePlatform } from "../problem.ts";
import type { AnyCall, Answer, Endpoint, Settle } from "./endpoint.ts";
import { askForBody } from "./expectations.ts";
import {
  type AnswerSealer,
  idempotencyKey,
  type IdempotencyKey,
  isDefinite,
  keyWithContent,
  readKey,
  runOnce,
  type StoredAnswer,
  type Told,
} from "./idempotency.ts";
import { sendFile } from "./file-answer.ts";
import { entityTag } from "./if-match.ts";
import { EmptyBody } from "../schema.ts";
import { canonicalRequest, type Input } from "./input.ts";
import { takesKey } from "./openapi.ts";
import { pathOf } from "./refusals.ts";
import { openStream, signedObject } from "./request-body.ts";
import { countHeader } from "./trace.ts";
import type { Twins } from "./twins.ts";

/** What every call needs beside itself. */
export type CallDeps = { readonly db: Database; readonly sealer?: AnswerSealer };

export async function runEndpoint(
  endpoint: Endpoint,
  input: Input,
  request: FastifyRequest,
  reply: FastifyReply,
  { db, sealer }: CallDeps,
  twins: Twins<StoredAnswer>,
): Promise<FastifyReply> {
  const { caller } = request;
  invariant(caller, "a guarded route without a caller");
  const key = takesKey(endpoint) ? keyOf(endpoint, input, request) : null;
  const actor: Actor = { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId: request.id };
  const serialize = (body: unknown): string =>
    endpoint.reply === EmptyBody ? "" : (reply.serializeInput(body as Record<string, unknown>, "200") as string);
  const tell = (call: AnyCall, body: unknown): Told => ({ text: serialize(body), tellsOf: endpoint.answerTellsOf?.(call, body) ?? null });
  const describe = (problem: Problem): ProblemBody => problemBody(problem, pathOf(request), request.id);
  const settle: Settle = async (content, work) => {
    const contentKey = key === null ? null : keyWithContent(key, content);
    return { stored: await runOnce(db, actor, contentKey, async (tx) => tell(call, await work(tx)), describe, sealer) };
  };
  const tag = (version: bigint): void => void reply.header("etag", entityTag(version));
  const call: AnyCall = {
    ...input,
    caller,
    key,
    traceId: request.id,
    isHead: request.method === "HEAD",
    tag,
    ...receive(endpoint, request, reply, settle),
  };

  if (endpoint.work === "file") return await sendFile(await endpoint.handle(call), request, reply);
  if (endpoint.work === "read") {
    return send(reply, { status: 200, body: serialize(await db.read(actor, (tx) => endpoint.handle(tx, call))), replayed: false });
  }
  if (endpoint.work === "write" && endpoint.isRehearsal?.(call) === true) {
    return send(reply, { status: 200, body: serialize(await db.rehearse(actor, (tx) => endpoint.handle(tx, call))), replayed: false });
  }
  const run = async (): Promise<StoredAnswer> => {
    if (endpoint.work === "own") return await runOwn(() => endpoint.handle(call), serialize, describe);
    return await runOnce(db, actor, key, async (tx) => tell(call, await endpoint.handle(tx, call)), describe, sealer);
  };
  // Streams may differ under one key: only their content can tell, once it is known.
  return send(reply, endpoint.requestBody?.kind === "stream" ? await run() : await twins.run(key, run));
}

/** What the kind of its body brings to a call. */
function receive({ requestBody }: Endpoint, request: FastifyRequest, reply: FastifyReply, settle: Settle): object {
  if (requestBody?.kind === "stream") return { stream: openStream(requestBody, request, () => askForBody(request, reply)), settle };
  if (requestBody?.kind === "signed") return { body: signedObject(request.body, requestBody), raw: request.signedBytes };
  return {};
}

/** A definite refusal is an answer like any other here, so that twins of a key get the same bytes. */
async function runOwn(
  handle: () => Promise<Answer<unknown>>,
  serialize: (body: unknown) => string,
  describe: (problem: Problem) => ProblemBody,
): Promise<StoredAnswer> {
  try {
    const own = await handle();
    return "stored" in own ? own.stored : { status: 200, body: serialize(own.body), replayed: own.replayed };
  } catch (error) {
    // A kept answer has no headers of its own: a refusal that has some, such as when to come again, goes its own way.
    if (!(error instanceof Problem) || !isDefinite(error) || error.extras.headers !== undefined) throw error;
    return { status: error.status, body: JSON.stringify(describe(error)), replayed: error.extras.isRepeat === true };
  }
}

function keyOf(endpoint: Endpoint, input: Input, request: FastifyRequest): IdempotencyKey | null {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return null;
  const key = typeof header === "string" && countHeader(request.raw, "idempotency-key") === 1 ? readKey(header) : null;
  if (key === null) {
    return refusePlatform("validationFailed", {
      errors: { "Idempotency-Key": ["The header must be given once, with 1 to 100 printable ASCII characters."] },
    });
  }
  invariant(request.caller, "a guarded route without a caller");
  return idempotencyKey(idempotencyOwner(request.caller), key, canonicalRequest(endpoint, input));
}

function send(reply: FastifyReply, answer: StoredAnswer): FastifyReply {
  if (answer.replayed) void reply.header("idempotency-replayed", "true");
  // No JSON text is empty: such an answer has no body, and so no media type.
  if (answer.body === "") return reply.status(answer.status).send();
  const mediaType = answer.status === 200 ? "application/json" : "application/problem+json";
  return reply.status(answer.status).header("content-type", `${mediaType}; charset=utf-8`).serializer(String).send(answer.body);
}
