// The HTTP edge: one Fastify instance built from endpoint values. Order of judgement: route, method, credential, access, rate,
// media type, body, fields, idempotency key, work. Every refusal is a problem; nothing here knows a banking product.

import rateLimit from "@fastify/rate-limit";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, type HTTPMethods } from "fastify";
import { type AccessPolicy, type Caller, checkAccess, idempotencyOwner, type VerifyToken } from "../access.ts";
import { type Actor, type Database, toBusy } from "../db.ts";
import { JSON_MEMBERS_MAX, parseJson } from "../json.ts";
import { platformProblems, Problem, problemBody, problemOf, refusePlatform } from "../problem.ts";
import type { Endpoint } from "./endpoint.ts";
import { runEndpoint } from "./run-endpoint.ts";
import { compileInput, type Input } from "./input.ts";
import { routeSchema } from "./openapi.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { correlationIdOf, isRepeated, newTraceId, traceIdOf } from "./trace.ts";
import { type StoredAnswer } from "./idempotency.ts";
import { Twins } from "./twins.ts";

declare module "fastify" {
  interface FastifyRequest {
    traceId: string;
    caller: Caller | null;
    rawBody: Buffer | null;
  }
  interface FastifyContextConfig {
    access?: AccessPolicy;
  }
}

export type HttpOptions = {
  readonly db: Database;
  readonly endpoints: readonly Endpoint[];
  readonly verify: VerifyToken;
  readonly log: FastifyBaseLogger;
  readonly rateLimitPerMinute: number;
  readonly trustProxyHops: number;
  /** Called once for each answer, with the route's pattern; for metrics. */
  readonly onAnswer?: (method: string, route: string, status: number, seconds: number) => void;
  /** True while the process drains: answers then close their connection. */
  readonly isDraining?: () => boolean;
};

const BODY_LIMIT = 1024 * 1024;
/** For routes that take long lists and say so with a body limit of their own. */
const LARGE_BODY_MEMBERS = 100_000;
/** Methods that a path does not serve answer 405 instead of 404. */
const METHODS: readonly HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

/** Public by intention: pages and probes say so in their route's config. */
export const PUBLIC: AccessPolicy = { audience: "public", scope: null };

export async function buildHttp(options: HttpOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.log,
    disableRequestLogging: true,
    genReqId: newTraceId,
    bodyLimit: BODY_LIMIT,
    // The caller's address is that of the last hop we trust, never what a header claims beyond it.
    trustProxy: (_address, hop) => hop < options.trustProxyHops,
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    routerOptions: { caseSensitive: false, maxParamLength: 200 },
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    clientErrorHandler: answerUnreadable,
  });
  // Our own validators run in the handler: all parts of a request are judged together.
  app.setValidatorCompiler(() => () => true);
  // Replies are built by name and typed by their schema; tests check them against it. The native serializer is the fastest for them.
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest("traceId", "");
  app.decorateRequest("caller", null);
  app.decorateRequest("rawBody", null);
  addHooks(app, options);
  addBodyParser(app);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, options.log));
  app.setNotFoundHandler((request, reply) => sendProblem(problemOf(platformProblems, "notFound"), request, reply));
  refuseUnguardedRoutes(app);
  if (options.rateLimitPerMinute > 0) await addRateLimit(app, options.rateLimitPerMinute);
  return app;
}

/** Registers the endpoints, and a 405 with `Allow` for the methods that a served path does not have. */
export function addEndpoints(app: FastifyInstance, options: HttpOptions): void {
  const twins = new Twins<StoredAnswer>();
  const methodsByUrl = new Map<string, Set<string>>();
  for (const endpoint of options.endpoints) {
    const url = endpoint.path.replace(/\{(\w+)\}/g, ":$1");
    const readInput = compileInput(endpoint);
    app.route({
      method: endpoint.method,
      url,
      config: { access: { audience: endpoint.audience, scope: endpoint.scope } },
      schema: routeSchema(endpoint),
      ...(endpoint.bodyLimit === undefined ? {} : { bodyLimit: endpoint.bodyLimit }),
      handler: async (request, reply) => {
        const input: Input = readInput({ params: request.params, query: request.query, body: request.body });
        return await runEndpoint(endpoint, input, request, reply, options.db, twins);
      },
    });
    // Paths that differ only in the names of their parameters are one path to the router.
    const shape = url.toLowerCase().replace(/:\w+/g, ":_");
    const methods = methodsByUrl.get(shape) ?? new Set();
    methods.add(endpoint.method);
    if (endpoint.method === "GET") methods.add("HEAD");
    methodsByUrl.set(shape, methods);
  }
  for (const [url, methods] of methodsByUrl) {
    const allow = [...methods].sort().join(", ");
    app.route({
      method: METHODS.filter((method) => !methods.has(method)),
      url: url.replace(/:_/g, ":id"),
      config: { access: PUBLIC },
      schema: { hide: true } as object,
      exposeHeadRoute: false,
      handler: (_request, reply) => {
        void reply.header("allow", allow);
        refusePlatform("methodNotAllowed", { detail: `Allowed: ${allow}.` });
      },
    });
  }
}

function addHooks(app: FastifyInstance, options: HttpOptions): void {
  app.addHook("onRequest", async (request, reply) => {
    request.traceId = traceIdOf(request.raw);
    void reply.headers(SECURITY_HEADERS);
    void reply.header("traceparent", request.traceId);
    void reply.header("x-correlation-id", correlationIdOf(request.raw, request.traceId));
    if (options.isDraining?.() === true) void reply.header("connection", "close");
    await authenticate(request, reply, options.verify);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    options.onAnswer?.(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    options.log.debug(
      { traceId: request.traceId, method: request.method, route, status: reply.statusCode, ms: Math.ceil(reply.elapsedTime) },
      "answered",
    );
    done();
  });
}

async function authenticate(request: FastifyRequest, reply: FastifyReply, verify: VerifyToken): Promise<void> {
  const policy = request.routeOptions.config.access;
  // No policy: no such route (every route has one, checked at start); the not-found handler answers.
  if (policy === undefined || policy.audience === "public") return;
  const credential = isRepeated(request.raw, "authorization") ? undefined : request.headers.authorization;
  const verdict = await verify(credential);
  const caller = "fault" in verdict ? null : verdict;
  if (caller === null) {
    if ("fault" in verdict) request.log.debug({ traceId: request.traceId, fault: verdict.fault }, "token refused");
    void reply.header("www-authenticate", credential === undefined ? "Bearer" : 'Bearer error="invalid_token"');
  }
  const access = checkAccess(policy, caller);
  if (access === "unauthorized") refusePlatform("unauthorized");
  if (access === "forbidden") refusePlatform("forbidden");
  request.caller = caller;
}

function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request: FastifyRequest, body: Buffer, done) => {
    const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(request.headers["content-type"] ?? "")?.[1];
    if (charset !== undefined && charset.toLowerCase() !== "utf-8") {
      done(problemOf(platformProblems, "unsupportedMediaType", { detail: "JSON is read as UTF-8 only." }));
      return;
    }
    // An empty body with a JSON media type is no body: many clients send the header with every POST.
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    const membersMax = request.routeOptions.bodyLimit > BODY_LIMIT ? LARGE_BODY_MEMBERS : JSON_MEMBERS_MAX;
    const parsed = parseJson(body, membersMax);
    if ("value" in parsed) done(null, parsed.value);
    else done(problemOf(platformProblems, "malformedRequest", { detail: parsed.message }));
  });
}

function refuseUnguardedRoutes(app: FastifyInstance): void {
  const unguarded: string[] = [];
  const routes: { url: string; method: string | string[]; config?: { access?: AccessPolicy } | undefined }[] = [];
  app.addHook("onRoute", (route) => void routes.push(route));
  app.addHook("onReady", async () => {
    for (const route of routes) {
      const access = route.config?.access;
      const guarded = access !== undefined && (access.audience === "public" || access.audience === "frontOffice" || access.scope !== null);
      if (!guarded) unguarded.push(`${String(route.method)} ${route.url}`);
    }
    if (unguarded.length > 0) throw new Error(`routes without an audience and scope: ${unguarded.join("; ")}`);
  });
}

async function addRateLimit(app: FastifyInstance, perMinute: number): Promise<void> {
  await app.register(rateLimit, {
    global: true,
    max: perMinute,
    timeWindow: 60_000,
    hook: "preParsing",
    keyGenerator: (request) => (request.caller === null ? `ip ${request.ip}` : `caller ${idempotencyOwner(request.caller)}`),
    allowList: (request) => request.routeOptions.url?.startsWith("/health/") === true,
    errorResponseBuilder: (_request, context) =>
      problemOf(platformProblems, "rateLimited", {
        detail: `At most ${context.max} calls a minute.`,
        headers: { "retry-after": String(Math.ceil(context.ttl / 1000)) },
      }),
  });
}

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: FastifyBaseLogger): FastifyReply {
  const problem = toProblem(error);
  if (problem.status >= 500)
    log.error({ traceId: request.traceId, route: request.routeOptions.url, code: problem.code, err: error }, "call failed");
  return sendProblem(problem, request, reply);
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const busyProblem = toBusy(error);
  if (busyProblem !== null) return busyProblem;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE" || statusCode === 413) return problemOf(platformProblems, "payloadTooLarge");
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE" || statusCode === 415) {
    return problemOf(platformProblems, "unsupportedMediaType", { detail: "Send application/json." });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return problemOf(platformProblems, "malformedRequest");
  return problemOf(platformProblems, "internalError");
}

function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (problem.extras.headers !== undefined) void reply.headers(problem.extras.headers);
  const instance = request.url.split("?", 1)[0] ?? "/";
  // Serialized here: the answer's schema is the success's.
  return reply
    .status(problem.status)
    .header("content-type", "application/problem+json; charset=utf-8")
    .serializer(String)
    .send(JSON.stringify(problemBody(problem, instance, request.traceId)));
}

/** Bytes that are no HTTP: answered on the socket, which is then closed. */
function answerUnreadable(error: Error & { code?: string }, socket: import("node:net").Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const late = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const status = tooLarge ? "431 Request Header Fields Too Large" : late ? "408 Request Timeout" : "400 Bad Request";
  const problem = problemOf(platformProblems, "malformedRequest");
  const body = JSON.stringify({ ...problemBody(problem, "", newTraceId()), status: Number(status.slice(0, 3)) });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

export function actorOf(caller: Caller, traceId: string): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: caller.tenant, traceId };
}
