// From whatever went wrong to the one form of a refusal (contract 3.4). What a caller sent and we cannot take is the caller's; what we
// cannot explain is ours: a bare 500, and a log line that says where and never quotes data.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from "fastify";
import { toBusy } from "../db-errors.ts";
import { describeFault } from "../fault.ts";
import { platformProblems, Problem, problemBody, problemOf } from "../problem.ts";
import { mayTakeLong } from "./request-body.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { newTraceId } from "./trace.ts";

const MEDIA_TYPE = "application/problem+json; charset=utf-8";
/** How long a connection that sent nonsense may take to read our answer. */
const PARTING_MS = 1_000;

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: FastifyBaseLogger): FastifyReply {
  const problem = toProblem(error);
  const call = { traceId: request.id, method: request.method, route: request.routeOptions.url, code: problem.code };
  if (problem.code === "internalError") log.error({ ...call, fault: describeFault(error) }, "call failed");
  else if (problem.status >= 500) log.warn({ ...call, fault: describeFault(problem) }, "call not served");
  return sendProblem(problem, request, reply);
}

/** The path that was called, without the query string: it may hold what nobody should read. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split(/[?#]/, 1)[0] ?? "/";
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const busyProblem = toBusy(error);
  if (busyProblem !== null) return busyProblem;
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  // An id that cannot exist is answered like one that does not.
  if (code === "FST_ERR_MAX_PARAM_LENGTH") return problemOf(platformProblems, "notFound");
  if (statusCode === 413) return problemOf(platformProblems, "payloadTooLarge");
  if (statusCode === 415) return problemOf(platformProblems, "unsupportedMediaType", { detail: "Send application/json." });
  // Only Fastify's own errors say whose fault they are; a status on any other error is an accident.
  const isFastifys = typeof code === "string" && code.startsWith("FST_");
  const isCallers = typeof statusCode === "number" && statusCode >= 400 && statusCode < 500;
  // A file that may not be served is answered like one that is not there.
  if (isFastifys && (statusCode === 403 || statusCode === 404)) return problemOf(platformProblems, "notFound");
  if (isCallers && (isFastifys || isAbortedBody(error))) return problemOf(platformProblems, "malformedRequest");
  return problemOf(platformProblems, "internalError");
}

/** The caller went away in the middle of its body: nobody reads the answer, and it is no fault of ours. */
function isAbortedBody(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNRESET" && error.message === "aborted";
}

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (problem.extras.headers !== undefined) void reply.headers(problem.extras.headers);
  // Serialized here: the answer's schema is the success's.
  return reply
    .status(problem.status)
    .header("content-type", MEDIA_TYPE)
    .serializer(String)
    .send(JSON.stringify(problemBody(problem, pathOf(request), request.id)));
}

/**
 * A call that has come in whole is still being worked on. The next thing on its connection would be read as its answer, and "400" would be a
 * lie about something that is done: the connection is cut instead, and the caller's key tells what became of it.
 */
function owesAnswer(socket: Socket): boolean {
  return requestOn(socket)?.complete === true;
}

/** The request that is being answered. Node's own default answer to unreadable bytes looks at the same member. */
function requestOn(socket: Socket): IncomingMessage | undefined {
  const { _httpMessage: answer } = socket as { _httpMessage?: ServerResponse | null };
  return answer?.req;
}

const UNREADABLE: Readonly<Record<string, { readonly status: number; readonly reason: string; readonly title: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: "Request Header Fields Too Large", title: "The headers or the address are too long." },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: "Request Timeout", title: "The request took too long to arrive." },
};
const MALFORMED = { status: 400, reason: "Bad Request", title: platformProblems.malformedRequest.title };

/** Bytes that are no HTTP, or come too slowly: answered on the socket, which is then closed. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  const request = requestOn(socket);
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && request !== undefined && mayTakeLong(request)) return;
  if (error.code === "ECONNRESET" || !socket.writable || owesAnswer(socket)) {
    socket.destroy();
    return;
  }
  const { status, reason, title } = UNREADABLE[error.code ?? ""] ?? MALFORMED;
  const traceId = newTraceId();
  const problem = new Problem("malformedRequest", { status, title, retry: "no" });
  const body = JSON.stringify(problemBody(problem, "", traceId));
  const headers = {
    ...SECURITY_HEADERS,
    traceparent: traceId,
    "content-type": MEDIA_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
  // Cut at once, the answer might be lost on its way; left alone, the caller could hold the connection for ever.
  setTimeout(() => socket.destroy(), PARTING_MS).unref();
}
