// The HTTP edge alone: a few operations that need no database, callers known by a word, and everything that was logged. What is tested
// here holds for every operation, whatever it is about.

import { createHmac, timingSafeEqual } from "node:crypto";
import { connect } from "node:net";
import type { Caller, TokenVerdict, VerifyToken } from "#platform/access.ts";
import { Database } from "#platform/db.ts";
import { addEndpoints, buildHttp, type HttpOptions } from "#platform/http/app.ts";
import { type Call, type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import type { SentHeaders } from "#platform/http/request-body.ts";
import { AmountText, enumOf, strictObject, Type, Uuid } from "#platform/schema.ts";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";

export const THING_ID = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
export const CLIENT_ID = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e01";

/** Whoever sends `authorization: Bearer <word>`. */
const CALLERS = {
  client: { kind: "client", subject: "ann", clientId: CLIENT_ID, tenant: null },
  writer: { kind: "system", subject: "writer", scopes: new Set(["ledger.write", "ledger.read"]), tenant: null },
  reader: { kind: "system", subject: "reader", scopes: new Set(["ledger.read"]), tenant: null },
} as const satisfies Record<string, Caller>;

export const as = (caller: keyof typeof CALLERS): { authorization: string } => ({ authorization: `Bearer ${caller}` });

/** Judges at once, as the product does a token that it has seen before. */
export const verify = (header: Parameters<VerifyToken>[0]): TokenVerdict => {
  const word = /^Bearer (\w+)$/.exec(String(header))?.[1] ?? "";
  return new Map<string, Caller>(Object.entries(CALLERS)).get(word) ?? { fault: "nobody we know" };
};

export const aThing = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: "A thing",
  amount: "10.50",
  address: { country: "DE" },
  parts: [{ partId: THING_ID, amount: 1 }],
  ...changes,
});

const Thing = strictObject({
  name: Type.String({ minLength: 1, maxLength: 20 }),
  amount: AmountText,
  address: strictObject({ country: Type.String({ minLength: 2, maxLength: 2 }) }),
  parts: Type.Array(strictObject({ partId: Uuid, amount: AmountText }), { minItems: 1, maxItems: 200_000 }),
});

/** What the edge's upload takes. */
export const UPLOAD_BYTES_MAX = 256 * 1024;
export const NOTICE_BYTES_MAX = 64 * 1024;

const NOTICE_SECRET = "a secret of the edge's tests";

/** The headers of a notice whose bytes are these. */
export function signed(bytes: string | Buffer): { readonly "x-payload-digest": string } {
  return { "x-payload-digest": createHmac("sha256", NOTICE_SECRET).update(bytes).digest("hex") };
}

function verifyNotice(raw: Buffer, headers: SentHeaders): boolean {
  const digest = headers["x-payload-digest"];
  const expected = signed(raw)["x-payload-digest"];
  return typeof digest === "string" && digest.length === expected.length && timingSafeEqual(Buffer.from(digest), Buffer.from(expected));
}

const Reply = Type.Object({});

const common = { tags: ["Things"], summary: "A thing", work: "own", reply: Reply } as const;

export type Edge = {
  readonly app: FastifyInstance;
  /** The calls that reached an operation, by its id. */
  readonly calls: { readonly operation: string; readonly call: Call<unknown, unknown, unknown> }[];
  /** Every line that was logged, as text. */
  readonly log: string[];
  /** Listens on a free port. */
  listen(): Promise<number>;
  close(): Promise<void>;
};

export type EdgeOptions = Partial<
  Pick<HttpOptions, "rateLimitPerMinute" | "trustProxyHops" | "isDraining" | "onAnswer" | "verify" | "sealer">
> & {
  readonly endpoints?: readonly Endpoint[];
  readonly prepare?: (app: FastifyInstance) => Promise<void> | void;
  readonly finish?: (app: FastifyInstance) => Promise<void> | void;
  readonly db?: Database;
};

export async function openEdge({ endpoints = [], prepare, finish, db, ...options }: EdgeOptions = {}): Promise<Edge> {
  const calls: Edge["calls"] = [];
  const log: string[] = [];
  const record = (operation: string) => async (call: Call<unknown, unknown, unknown>) => {
    calls.push({ operation, call });
    return { body: { operation, input: { params: call.params, query: call.query, body: call.body } }, replayed: false };
  };
  const unused = db ?? new Database({ url: "postgresql://nobody@127.0.0.1:1/nothing", role: null, poolSize: 1, name: "unused" });
  const http: HttpOptions = {
    db: unused,
    endpoints: [...operations(record), ...endpoints],
    verify,
    log: pino({ level: "trace" }, { write: (line: string) => void log.push(line) }),
    rateLimitPerMinute: 0,
    trustProxyHops: 0,
    ...options,
  };
  const app = await buildHttp(http);
  await prepare?.(app);
  addEndpoints(app, http);
  await finish?.(app);
  await app.ready();
  return {
    app,
    calls,
    log,
    async listen() {
      await app.listen({ host: "127.0.0.1", port: 0 });
      const address = app.server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    },
    async close() {
      await app.close();
      if (db === undefined) await unused.close();
    },
  };
}

type Handler = (call: Call<unknown, unknown, unknown>) => Promise<{ body: Record<string, unknown>; replayed: boolean }>;

function operations(record: (operation: string) => Handler): Endpoint[] {
  const query = strictObject({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    order: enumOf(["asc", "desc"], { default: "desc" }),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 5 }))),
  });
  const forClients = (id: string, method: "GET" | "PUT", path: string, more = {}) =>
    endpoint({ ...common, id, method, path, audience: "frontOffice", scope: null, ...more, handle: record(id) });
  const forSystems = (id: string, path: string, more = {}) =>
    endpoint({ ...common, id, method: "POST", path, audience: "system", scope: "ledger.write", body: Thing, ...more, handle: record(id) });
  return [
    forClients("listThings", "GET", "/Things", { query }),
    forClients("getLatest", "GET", "/Things/latest"),
    forClients("getThing", "GET", "/Things/{thingId}"),
    forClients("cancelThing", "PUT", "/Things/{id}/cancel"),
    forSystems("createThing", "/internal/Things"),
    forSystems("createThings", "/internal/Things/batch", { bodyLimit: 4 * 1024 * 1024 }),
    endpoint({
      ...common,
      work: "own",
      id: "uploadThing",
      method: "POST",
      path: "/internal/Things/upload",
      audience: "system",
      scope: "ledger.write",
      requestBody: {
        kind: "stream",
        mediaTypes: ["multipart/form-data", "application/octet-stream"],
        limit: UPLOAD_BYTES_MAX,
        schema: Type.Object({}),
      },
      async handle(call) {
        let bytes = 0;
        for await (const piece of call.stream.body) bytes += (piece as Buffer).length;
        await record("uploadThing")(call);
        return { body: { bytes, contentType: call.stream.contentType, length: call.stream.length }, replayed: false };
      },
    }),
    endpoint({
      ...common,
      id: "noticeThing",
      method: "POST",
      path: "/integration/things/notice",
      audience: "signature",
      scope: null,
      requestBody: { kind: "signed", limit: NOTICE_BYTES_MAX, verify: verifyNotice, schema: Type.Object({}) },
      handle: record("noticeThing"),
    }),
  ];
}

/** Sends bytes as they stand and gives everything that came back until the connection was closed. */
export function sendRaw(port: number, bytes: string | Buffer, { end = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(bytes);
      if (end) socket.end();
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
};

/** Reads the first answer of what came back. */
export function readRaw(text: string): RawAnswer {
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  const [first = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  );
  return { status: Number(first.split(" ")[1]), headers, body: JSON.parse(body || "{}") as Record<string, unknown> };
}
