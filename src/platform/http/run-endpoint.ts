// One call of one endpoint, after its input was accepted: claims the key, runs the work, sends the answer. An answer is sent
// after the commit, never before.

import type { FastifyReply, FastifyRequest } from "fastify";
import { callerTenant, idempotencyOwner } from "../access.ts";
import type { Actor, Database } from "../db.ts";
import { invariant, Problem, type ProblemBody, problemBody, refusePlatform } from "../problem.ts";
import type { Answer, Call, Endpoint } from "./endpoint.ts";
import { idempotencyKey, type IdempotencyKey, isDefinite, readKey, runOnce, type StoredAnswer } from "./idempotency.ts";
import { sendFile } from "./file-answer.ts";
import { EmptyBody } from "../schema.ts";
import { canonicalRequest, type Input } from "./input.ts";
import { isRead } from "./openapi.ts";
import { pathOf } from "./refusals.ts";
import { countHeader } from "./trace.ts";
import type { Twins } from "./twins.ts";

export async function runEndpoint(
  endpoint: Endpoint,
  input: Input,
  request: FastifyRequest,
  reply: FastifyReply,
  db: Database,
  twins: Twins<StoredAnswer>,
): Promise<FastifyReply> {
  const { caller } = request;
  invariant(caller, "a guarded route without a caller");
  const key = isRead(endpoint) ? null : keyOf(endpoint, input, request);
  const call: Call<unknown, unknown, unknown> = { ...input, caller, key, traceId: request.id };
  if (endpoint.work === "file") return await sendFile(await endpoint.handle(call), request, reply);
  const actor: Actor = { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId: request.id };
  const serialize = (body: unknown): string =>
    endpoint.reply === EmptyBody ? "" : (reply.serializeInput(body as Record<string, unknown>, "200") as string);

  if (endpoint.work === "read") {
    return send(reply, { status: 200, body: serialize(await db.read(actor, (tx) => endpoint.handle(tx, call))), replayed: false });
  }
  const answer = await twins.run(key, async () => {
    const describe = (problem: Problem): ProblemBody => problemBody(problem, pathOf(request), request.id);
    if (endpoint.work === "own") return await runOwn(() => endpoint.handle(call), serialize, describe);
    return await runOnce(db, actor, key, async (tx) => serialize(await endpoint.handle(tx, call)), describe);
  });
  return send(reply, answer);
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
    if (!(error instanceof Problem) || !isDefinite(error)) throw error;
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
