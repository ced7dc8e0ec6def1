// The HTTP edge over real endpoints, a real database and real tokens, without a socket: what a test of an operation talks to. Every
// answer is held against what its endpoint promises (answer-check.ts).

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Scope } from "#platform/access.ts";
import { Database } from "#platform/db.ts";
import { openDevelopmentIssuer, type TokenRequest } from "#platform/development-issuer.ts";
import { addEndpoints, buildHttp, type HttpOptions } from "#platform/http/app.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { AnswerSealer } from "#platform/http/idempotency.ts";
import { createTokenVerifier } from "#platform/token-verifier.ts";
import { pino } from "pino";
import { openAnswerSealer } from "../../src/client-profile/keys/answer-sealer.ts";
import { checkAnswers, expectSound } from "./answer-check.ts";
import { aVault } from "./clients.ts";
import { openTestDatabase } from "./database.ts";
import type { TestDatabase } from "./server.ts";

/** Whom a test speaks as: a system with scopes, an end user, or whoever holds a credential made by the test itself. */
export type TestCaller =
  | { readonly kind: "system"; readonly scopes: readonly Scope[]; readonly tenant?: string; readonly subject?: string }
  | { readonly kind: "client"; readonly clientId: string; readonly tenant?: string }
  | { readonly kind: "bearer"; readonly token: string };

/** `text` is the body's bytes as they came; `body` the same read as JSON, {} where it is none. */
export type TestAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
};

type Headers = Readonly<Record<string, string>>;
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export type TestCalls = {
  get(path: string, headers?: Headers): Promise<TestAnswer>;
  /** A string is sent as it stands, with the JSON media type; bytes and streams as they stand, with the media type of `headers`; anything else as JSON. */
  send(method: Method, path: string, body?: unknown, headers?: Headers): Promise<TestAnswer>;
  post(path: string, body?: unknown, headers?: Headers): Promise<TestAnswer>;
  put(path: string, body?: unknown, headers?: Headers): Promise<TestAnswer>;
  patch(path: string, body?: unknown, headers?: Headers): Promise<TestAnswer>;
};

export type TestApp = {
  readonly app: Awaited<ReturnType<typeof buildHttp>>;
  readonly db: Database;
  readonly database: TestDatabase;
  readonly endpoints: readonly Endpoint[];
  /** A token as the development issuer signs it, or with one thing wrong. */
  mint(request: TokenRequest, wrong?: { readonly issuer?: string; readonly audience?: string; readonly atMs?: number }): Promise<string>;
  /** The calls of one caller, with a token of the development issuer; null sends no token. */
  callAs(caller: TestCaller | null): TestCalls;
  close(): Promise<void>;
};

const ISSUER = "https://issuer.test";
const AUDIENCE = "finlego-test";

export type TestAppOptions = {
  readonly poolSize?: number;
  readonly rateLimitPerMinute?: number;
  /** Where endpoints say of whom their answers tell; default: that of the clients that tests open. */
  readonly sealer?: AnswerSealer;
  /** Runs before the database is dropped, for what the endpoints opened. */
  readonly onClose?: () => Promise<void>;
};

/** Clones a database and builds the app over it. Call it in `beforeAll`, and `close` in `afterAll`. Give a function where endpoints need the database. */
export async function openTestApp(
  endpoints: readonly Endpoint[] | ((db: Database, database: TestDatabase) => readonly Endpoint[]),
  { poolSize = 10, rateLimitPerMinute = 0, sealer = openAnswerSealer(aVault()), onClose = async () => {} }: TestAppOptions = {},
): Promise<TestApp> {
  const database = await openTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), "finlego-test-app-"));
  const openIssuer = (issuer = ISSUER, audience = AUDIENCE) => openDevelopmentIssuer({ dataDir: folder, issuer, audience, mode: "test" });
  const issuer = await openIssuer();
  const db = new Database({ url: database.appUrl, role: database.appRole, poolSize, name: "finlego-test" });
  const options: HttpOptions = {
    db,
    endpoints: typeof endpoints === "function" ? endpoints(db, database) : endpoints,
    verify: createTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, keys: issuer.keys, clock: Date.now }),
    log: pino({ level: process.env["FINLEGO_TEST_LOG"] ?? "silent" }),
    rateLimitPerMinute,
    trustProxyHops: 0,
    sealer,
  };
  const app = await buildHttp(options);
  checkAnswers(app, options.endpoints);
  addEndpoints(app, options);
  await app.ready();

  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (caller: TestCaller): Promise<string> => {
    if (caller.kind === "bearer") return Promise.resolve(caller.token);
    const name = JSON.stringify(caller);
    const token = tokens.get(name) ?? issuer.mint(tokenRequest(caller), Date.now());
    tokens.set(name, token);
    return token;
  };

  return {
    app,
    db,
    database,
    endpoints: options.endpoints,
    mint: async (request, { issuer: name, audience, atMs = Date.now() } = {}) =>
      await (await openIssuer(name, audience)).mint(request, atMs),
    callAs: (caller) => calls(app, async () => (caller === null ? null : await tokenOf(caller))),
    async close() {
      await app.close();
      await onClose();
      await db.close();
      await rm(folder, { recursive: true, force: true });
      await database.drop();
    },
  };
}

function tokenRequest(caller: Exclude<TestCaller, { kind: "bearer" }>): TokenRequest {
  if (caller.kind === "client") return { audience: "frontOffice", clientId: caller.clientId, tenant: caller.tenant };
  return { audience: "system", scope: caller.scopes.join(" "), tenant: caller.tenant, subject: caller.subject };
}

function calls(app: TestApp["app"], token: () => Promise<string | null>): TestCalls {
  const send = async (method: Method, path: string, body?: unknown, headers: Headers = {}): Promise<TestAnswer> => {
    const credential = await token();
    const answer = await app.inject({
      method,
      url: path,
      headers: {
        ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
        ...(body === undefined || isRaw(body) ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: isRaw(body) || typeof body === "string" ? body : JSON.stringify(body) }),
    });
    expectSound({ headers: answer.headers, text: answer.body });
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: readBody(answer.body) };
  };
  return {
    send,
    get: (path, headers) => send("GET", path, undefined, headers),
    post: (path, body, headers) => send("POST", path, body, headers),
    put: (path, body, headers) => send("PUT", path, body, headers),
    patch: (path, body, headers) => send("PATCH", path, body, headers),
  };
}

function isRaw(body: unknown): body is Buffer | Readable {
  return Buffer.isBuffer(body) || body instanceof Readable;
}

function readBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}
