// One call of one endpoint, after its input was accepted: claims the key, runs the work, sends the answer. An answer is sent
// after the commit, never before.

import type { FastifyReply, FastifyRequest } from "fastify";
import { type Caller, callerTenant, idempotencyOwner } from "../access.ts";
import type { Actor, Database, Tx } from "../db.ts";
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
import { canonicalRequest } from "./canonical-request.ts";
import type { Input } from "./input.ts";
import { takesKey } from "./openapi.ts";
import { pathOf } from "./refusals.ts";
import { openStream, signedObject } from "./request-body.ts";
import { countHeader } from "./trace.ts";
import type { Twins } from "./twins.ts";

/** What every call needs beside itself. */
export type CallDeps = { readonly db: Database; readonly sealer?: AnswerSealer };

/** A call on its way, with all that came for it. */
type Run = {
  readonly deps: CallDeps;
  readonly endpoint: Endpoint;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly caller: Caller;
  readonly key: IdempotencyKey | null;
};

/** Gives the text of the answer, its status and headers set; or the reply, where that sends something else. */
export async function runEndpoint(
  endpoint: Endpoint,
  input: Input,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: CallDeps,
  twins: Twins<StoredAnswer>,
): Promise<string | FastifyReply> {
  const { caller } = request;
  invariant(caller, "a guarded route without a caller");
  const key = takesKey(endpoint) ? keyOf(endpoint, input, request) : null;
  const run: Run = { deps, endpoint, request, reply, caller, key };
  const call = callOf(run, input);
  if (endpoint.work === "file") return await sendFile(await endpoint.handle(call), request, reply);
  if (endpoint.work === "read") {
    return finish(reply, freshAnswer(run, await deps.db.read(actorOf(run), (tx) => endpoint.handle(tx, call))));
  }
  if (endpoint.work === "own") {
    // Streams may differ under one key: only their content can tell, once it is known.
    const isStream = endpoint.requestBody?.kind === "stream";
    return finish(reply, await twins.run(isStream ? null : key, () => settleOwn(run, () => endpoint.handle(call))));
  }
  if (endpoint.isRehearsal?.(call) === true) {
    return finish(reply, freshAnswer(run, await deps.db.rehearse(actorOf(run), (tx) => endpoint.handle(tx, call))));
  }
  return finish(reply, await twins.run(key, () => keepOnce(run, key, async (tx) => tell(run, call, await endpoint.handle(tx, call)))));
}

/** Input and caller, and what the kind of its body brings to a call. */
function callOf(run: Run, input: Input): AnyCall {
  const { endpoint, request, reply, caller, key } = run;
  const { requestBody } = endpoint;
  const tag = (version: bigint): void => void reply.header("etag", entityTag(version));
  const call: AnyCall = { ...input, caller, key, traceId: request.id, isHead: request.method === "HEAD", tag };
  if (requestBody === undefined) return call;
  if (requestBody.kind === "signed")
    return Object.assign(call, { body: signedObject(request.body, requestBody), raw: request.signedBytes });
  const settle: Settle = async (content, work) => {
    const contentKey = key === null ? null : keyWithContent(key, content);
    return { stored: await keepOnce(run, contentKey, async (tx) => tell(run, call, await work(tx))) };
  };
  return Object.assign(call, { stream: openStream(requestBody, request, () => askForBody(request, reply)), settle });
}

function actorOf({ caller, request }: Run): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId: request.id };
}

/** Runs the work of a call in one transaction with its key. */
async function keepOnce(run: Run, key: IdempotencyKey | null, work: (tx: Tx) => Promise<Told>): Promise<StoredAnswer> {
  return await runOnce(run.deps.db, actorOf(run), key, work, (problem) => describe(run, problem), run.deps.sealer);
}

/** A definite refusal is an answer like any other here, so that twins of a key get the same bytes. */
async function settleOwn(run: Run, handle: () => Promise<Answer<unknown>>): Promise<StoredAnswer> {
  try {
    const own = await handle();
    return "stored" in own ? own.stored : { status: 200, body: serialize(run, own.body), replayed: own.replayed };
  } catch (error) {
    // A kept answer has no headers of its own: a refusal that has some, such as when to come again, goes its own way.
    if (!(error instanceof Problem) || !isDefinite(error) || error.extras.headers !== undefined) throw error;
    return { status: error.status, body: JSON.stringify(describe(run, error)), replayed: error.extras.isRepeat === true };
  }
}

function freshAnswer(run: Run, body: unknown): StoredAnswer {
  return { status: 200, body: serialize(run, body), replayed: false };
}

function serialize({ endpoint, reply }: Run, body: unknown): string {
  return endpoint.reply === EmptyBody ? "" : (reply.serializeInput(body as Record<string, unknown>, "200") as string);
}

function tell(run: Run, call: AnyCall, body: unknown): Told {
  return { text: serialize(run, body), tellsOf: run.endpoint.answerTellsOf?.(call, body) ?? null };
}

function describe({ request }: Run, problem: Problem): ProblemBody {
  return problemBody(problem, pathOf(request), request.id);
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

function finish(reply: FastifyReply, answer: StoredAnswer): string | FastifyReply {
  if (answer.replayed) void reply.header("idempotency-replayed", "true");
  void reply.status(answer.status);
  // No JSON text is empty: such an answer has no body, and so no media type.
  if (answer.body === "") return reply.send();
  const mediaType = answer.status === 200 ? "application/json" : "application/problem+json";
  void reply.header("content-type", `${mediaType}; charset=utf-8`).serializer(String);
  return answer.body;
}
