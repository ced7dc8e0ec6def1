// The HTTP edge: one Fastify instance built from endpoint values. Order of judgement: route, method, credential, rate, access, media
// type, body, fields, idempotency key, work. Every refusal is a problem; nothing here knows a banking product.

import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import type { Logger } from "pino";
import { type AccessPolicy, type Caller, checkAccess, type TokenVerdict, type VerifyToken } from "../access.ts";
import type { Database } from "../db.ts";
import { invariant, platformProblems, problemOf, refusePlatform } from "../problem.ts";
import { addBodyParser, BODY_LIMIT } from "./body-parser.ts";
import { answerExpectations, askForBody } from "./expectations.ts";
import type { Endpoint } from "./endpoint.ts";
import type { AnswerSealer, StoredAnswer } from "./idempotency.ts";
import { queryOf } from "./header-parameters.ts";
import { compileInput, type Input } from "./input.ts";
import { lingerFor } from "./linger.ts";
import { routeSchema } from "./openapi.ts";
import { addRateLimit, type CountCall } from "./rate-limit.ts";
import { answerUnreadable, pathOf, sendError } from "./refusals.ts";
import { acceptSignedBody, type RequestBody } from "./request-body.ts";
import { refuseUnguardedRoutes } from "./route-guard.ts";
import { runEndpoint } from "./run-endpoint.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { ServedPaths } from "./served-paths.ts";
import { correlationIdOf, countHeader, traceIdOf } from "./trace.ts";
import { Twins } from "./twins.ts";

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | null;
    /** The body as it came, where its signature was found good. */
    signedBytes: Buffer | null;
  }
  interface FastifyContextConfig {
    access?: AccessPolicy;
    requestBody?: RequestBody["kind"];
  }
}

export type HttpOptions = {
  readonly db: Database;
  readonly endpoints: readonly Endpoint[];
  readonly verify: VerifyToken;
  readonly log: Logger;
  /** Of one caller, or of one address without a valid token; 0: no limit. */
  readonly rateLimitPerMinute: number;
  readonly trustProxyHops: number;
  /** Called once for each answer, with the route's pattern; for metrics. */
  readonly onAnswer?: (method: string, route: string, status: number, seconds: number) => void;
  /** True while the process drains: answers then close their connection. */
  readonly isDraining?: () => boolean;
  /** Seals the answers that tell of a client before they are kept. */
  readonly sealer?: AnswerSealer;
};

/** Public by intention: pages and probes say so in their route's config. */
export const PUBLIC: AccessPolicy = { audience: "public", scope: null };

export async function buildHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { log } = options;
  // Fastify's own lines only from "warn" on: where we listen says the greeting, what was answered our own line.
  const loggerInstance: FastifyBaseLogger = log.child({}, { level: log.isLevelEnabled("warn") ? "warn" : log.level });
  const app = Fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: traceIdOf,
    bodyLimit: BODY_LIMIT,
    // The caller's address is that of the last hop we trust, never what a header claims beyond it.
    trustProxy: (_address, hop) => hop < options.trustProxyHops,
    // A whole request arrives within 12 s; with the checks every 2 s, slow senders are gone after 14.
    requestTimeout: 12_000,
    // A connection on which nothing moves, such as a caller that does not read its answer. No call takes longer.
    connectionTimeout: 30_000,
    keepAliveTimeout: 65_000,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    routerOptions: { caseSensitive: false, maxParamLength: 200 },
    // The host is judged below, so that its refusal is a problem like any other.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000, requireHostHeader: false },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, request, reply) => {
      // An address that the router cannot read comes here without any hook.
      startAnswer(request, reply);
      void sendError(error, request, reply, log);
    },
  });
  answerExpectations(app.server);
  // Our own validators run in the handler: all parts of a request are judged together.
  app.setValidatorCompiler(() => () => true);
  // Replies are built by name and typed by their schema; tests check them against it. The native serializer is the fastest for them.
  app.setSerializerCompiler(() => JSON.stringify);
  // Our lines carry the trace id themselves.
  app.setChildLoggerFactory((logger) => logger);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, log));
  app.setNotFoundHandler(() => refusePlatform("notFound"));
  app.decorateRequest("caller", null);
  app.decorateRequest("signedBytes", null);
  refuseUnguardedRoutes(app);
  addBodyParser(app);
  const served = new ServedPaths();
  app.addHook("onRoute", ({ url, method }) => served.add(url, [method].flat()));
  addHooks(app, options, served, await addRateLimit(app, options.rateLimitPerMinute));
  return app;
}

/** Registers the endpoints. */
export function addEndpoints(app: FastifyInstance, options: HttpOptions): void {
  const twins = new Twins<StoredAnswer>();
  const streams = options.endpoints.filter(isStream);
  for (const endpoint of options.endpoints) if (!isStream(endpoint)) addEndpoint(app, endpoint, options, twins);
  if (streams.length === 0) return;
  void app.register(async (scope) => {
    // What they read they say themselves: nobody may read it before them.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, done) => done(null, undefined));
    for (const endpoint of streams) addEndpoint(scope, endpoint, options, twins);
  });
}

function isStream({ requestBody }: Endpoint): boolean {
  return requestBody?.kind === "stream";
}

function addEndpoint(app: FastifyInstance, endpoint: Endpoint, options: HttpOptions, twins: Twins<StoredAnswer>): void {
  const readInput = compileInput(endpoint);
  const { requestBody } = endpoint;
  invariant(requestBody === undefined || endpoint.body === undefined, `${endpoint.id} takes two bodies`);
  // Its key is that of its content, which only the operation can tell.
  invariant(requestBody?.kind !== "stream" || endpoint.work === "own", `${endpoint.id} takes a stream and does not settle its key`);
  const bodyLimit = endpoint.bodyLimit ?? (requestBody?.kind === "signed" ? requestBody.limit : undefined);
  app.route({
    method: endpoint.method,
    url: endpoint.path.replace(/\{(\w+)\}/g, ":$1"),
    config: {
      access: { audience: endpoint.audience, scope: endpoint.scope },
      ...(requestBody === undefined ? {} : { requestBody: requestBody.kind }),
    },
    exposeHeadRoute: endpoint.method === "GET",
    schema: routeSchema(endpoint),
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    ...(requestBody?.kind === "signed" ? { preParsing: (request) => acceptSignedBody(endpoint.id, requestBody, request) } : {}),
    handler: (request, reply) => {
      const input: Input = readInput({
        params: request.params,
        query: queryOf(endpoint, request),
        body: requestBody === undefined ? request.body : undefined,
      });
      return runEndpoint(endpoint, input, request, reply, options, twins);
    },
  });
}

function addHooks(app: FastifyInstance, options: HttpOptions, served: ServedPaths, countCall: CountCall | null): void {
  app.addHook("onRequest", (request, reply, proceed) => {
    startAnswer(request, reply);
    const refusal = refuseRoute(request, reply, served) ?? authenticate(request, reply, options);
    // Most calls have a token that is known by now, and wait for nothing here.
    if (countCall === null && !(refusal instanceof Promise)) proceed(refusal ?? undefined);
    else void admit(request, reply, refusal, countCall).then(() => proceed(), proceed);
  });
  app.addHook("preParsing", (request, reply, payload, done) => {
    // A stream asks when it is read: what refuses it before has spared its sender the trouble.
    if (request.routeOptions.config.requestBody !== "stream") askForBody(request, reply);
    done(null, payload);
  });
  // Not on request: a call that began before the stop must close its connection, too.
  app.addHook("onSend", (request, reply, _payload, done) => {
    if (options.isDraining?.() === true) void reply.header("connection", "close");
    lingerFor(request.raw, reply.raw);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    options.onAnswer?.(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    options.log.debug(
      { traceId: request.id, method: request.method, route, status: reply.statusCode, ms: Math.ceil(reply.elapsedTime) },
      "answered",
    );
    done();
  });
}

/** The headers that every answer has. */
function startAnswer(request: FastifyRequest, reply: FastifyReply): void {
  void reply.headers(SECURITY_HEADERS);
  void reply.header("traceparent", request.id);
  void reply.header("x-correlation-id", correlationIdOf(request.raw, request.id));
}

type Refusal = Error | null;

/** Waits for what is still to be known of the caller, and refuses. */
async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  judging: Refusal | Promise<Refusal>,
  countCall: CountCall | null,
): Promise<void> {
  const refusal = await judging;
  // Counted before it is refused: guessing is limited, too.
  await countCall?.(request, reply);
  if (refusal !== null) throw refusal;
}

/** Why the path is not served so, or null. Judged here and not by a handler, which would first read the body. */
function refuseRoute(request: FastifyRequest, reply: FastifyReply, served: ServedPaths): Refusal {
  const hosts = countHeader(request.raw, "host");
  if (hosts > 1 || (hosts === 0 && request.raw.httpVersion !== "1.0")) {
    return problemOf(platformProblems, "malformedRequest", { detail: "The request must name one host." });
  }
  if (!request.is404) return null;
  const methods = served.methodsOf(pathOf(request));
  if (methods.length === 0 || methods.includes(request.method)) return problemOf(platformProblems, "notFound");
  const allow = methods.join(", ");
  void reply.header("allow", allow);
  return problemOf(platformProblems, "methodNotAllowed", { detail: `Allowed: ${allow}.` });
}

/** Why the caller may not call this route, or null. */
function authenticate(request: FastifyRequest, reply: FastifyReply, options: HttpOptions): Refusal | Promise<Refusal> {
  const policy = request.routeOptions.config.access;
  // A signature is judged as soon as the bytes are there.
  if (policy?.audience === "public" || policy?.audience === "signature") return null;
  const credential = countHeader(request.raw, "authorization") > 1 ? undefined : request.headers.authorization;
  const judge = (verdict: TokenVerdict): Refusal => {
    if ("fault" in verdict) {
      options.log.debug({ traceId: request.id, fault: verdict.fault }, "token refused");
      void reply.header("www-authenticate", credential === undefined ? "Bearer" : 'Bearer error="invalid_token"');
      return problemOf(platformProblems, "unauthorized");
    }
    return authorize(request, policy, verdict);
  };
  const verdict = options.verify(credential);
  return verdict instanceof Promise ? verdict.then(judge) : judge(verdict);
}

/** Why the route is not for this caller, or null; sets `request.caller`. */
function authorize(request: FastifyRequest, policy: AccessPolicy | undefined, caller: Caller): Refusal {
  request.caller = caller;
  // Every route has a policy (checked at start); one that lost it is nobody's.
  const isAllowed = policy !== undefined && checkAccess(policy, caller) === "ok";
  return isAllowed ? null : problemOf(platformProblems, "forbidden");
}
