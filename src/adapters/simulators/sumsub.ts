// Stands in for Sumsub: speaks the same HTTP API (docs.sumsub.com/reference), refuses what is not signed exactly as there, keeps applicants in
// memory, sends webhooks, and misbehaves on demand (src/adapters/README.md has the calls). For development and tests, on this machine
// only; it does not open in production. It forgets everything when it stops: an applicant of an earlier life is taken up again when a
// verdict is simulated for it.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { StartupError } from "#platform/startup-error.ts";
import { signRequest } from "../sumsub-http.ts";
import { Refused, type SimulatedApplicant, SumsubBooks } from "./sumsub-books.ts";
import { type SentWebhook, WEBHOOK_MODES, type WebhookMode, Webhooks } from "./sumsub-webhooks.ts";

const ANSWER_MODES = ["normal", "fail", "refuse", "slow", "drop", "garbage", "huge", "redirect", "tooMany"] as const;

/**
 * How the next calls of the API are answered. `fail`: 500, nothing done. `refuse`: 400, nothing done. `slow`: after `delayMs`. `drop`: done, and the connection is cut
 * without an answer. `garbage`: done, and answered with HTML. `huge`: done, and answered with 12 MB. `redirect`: 302. `tooMany`: 429,
 * nothing done. `calls`: for so many calls, then `normal` again; 0: for all.
 */
export type SumsubBehaviour = {
  readonly answers: (typeof ANSWER_MODES)[number];
  readonly calls: number;
  readonly webhooks: WebhookMode;
  readonly delayMs: number;
};

export type SumsubSimulatorOptions = {
  readonly mode: string;
  readonly appToken: string;
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** What the API takes for now, in seconds since 1970; for tests. */
  readonly nowSeconds?: () => number;
};

export type SumsubSimulator = {
  /** Of the API. */
  readonly url: string;
  /** Where webhooks go from now on. Those that happened before wait for it. */
  sendWebhooksTo(url: string): void;
  close(): Promise<void>;
};

const HOST = "127.0.0.1";
const CLOCK_SECONDS_MAX = 60;
const DELAY_MS_MAX = 60_000;
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const REQUESTS_KEPT = 1_000;
const NORMAL: SumsubBehaviour = { answers: "normal", calls: 0, webhooks: "normal", delayMs: 0 };

/** Listens on a free port of the loopback interface. Throws StartupError in production. */
export async function openSumsubSimulator(options: SumsubSimulatorOptions): Promise<SumsubSimulator> {
  if (options.mode === "production") throw new StartupError("The simulator of Sumsub does not open in production: set SUMSUB_APP_TOKEN.");
  const webhooks = new Webhooks(options.webhookSecret);
  const api = new Api(options, webhooks);
  const server = createServer((request, response) => {
    api.answer(request, response).catch((error: unknown) => replyRefusal(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HOST}:${port}`,
    sendWebhooksTo: (url) => webhooks.sendTo(url),
    async close() {
      await Promise.all([webhooks.close(), closeServer(server)]);
    },
  };
}

type Request = { readonly method: string; readonly path: string; readonly query: URLSearchParams; readonly body: Buffer };
type KeptRequest = { readonly at: string; readonly method: string; readonly path: string; readonly status: number };

class Api {
  readonly #options: SumsubSimulatorOptions;
  readonly #webhooks: Webhooks;
  readonly #books: SumsubBooks;
  readonly #requests: KeptRequest[] = [];
  #behaviour = NORMAL;

  constructor(options: SumsubSimulatorOptions, webhooks: Webhooks) {
    this.#options = options;
    this.#webhooks = webhooks;
    this.#books = new SumsubBooks((payload) => {
      const { webhooks: mode, delayMs } = this.#behaviour;
      const { createdAtMs } = payload;
      const instant = typeof createdAtMs === "string" ? createdAtMs : this.#webhooks.nextInstant();
      this.#webhooks.send({ ...payload, createdAtMs: instant }, mode, delayMs);
    });
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page of the web that calls itself by our address must not read clients' data through somebody's browser.
    if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(request.headers.host ?? "")) throw new Refused(403, "another host");
    const { pathname: path, searchParams: query } = new URL(request.url ?? "/", `http://${HOST}`);
    const body = await readBody(request);
    const call: Request = { method: request.method ?? "", path, query, body };
    if (path.startsWith("/simulator/")) return reply(response, 200, this.#control(call));
    this.#checkSignature(request, body);
    const { answers, delayMs } = this.#useBehaviour();
    if (answers === "fail") throw this.#note(call, new Refused(500, "told to fail"));
    if (answers === "refuse") throw this.#note(call, new Refused(400, "told to refuse"));
    if (answers === "tooMany") throw this.#note(call, new Refused(429, "told to be busy"));
    if (answers === "redirect") {
      response.writeHead(302, { location: "http://127.0.0.1:9/elsewhere" }).end();
      return;
    }
    const done = this.#do(call);
    if (answers === "slow") await pause(delayMs);
    if (answers === "drop") return void request.socket.destroy();
    if (answers === "garbage") return void response.writeHead(200, { "content-type": "text/html" }).end("<html>It works!</html>");
    if (answers === "huge") return void response.writeHead(200, { "content-type": "application/json" }).end(`"${"x".repeat(12_000_000)}"`);
    reply(response, 200, done);
  }

  #do(call: Request): object {
    try {
      const done = serve(this.#books, call);
      this.#note(call, null);
      return done;
    } catch (error) {
      throw this.#note(call, error instanceof Refused ? error : new Refused(400, "the body could not be read"));
    }
  }

  #note(call: Request, refused: Refused | null): Refused {
    this.#requests.push({ at: new Date().toISOString(), method: call.method, path: call.path, status: refused?.status ?? 200 });
    if (this.#requests.length > REQUESTS_KEPT) this.#requests.shift();
    return refused ?? new Refused(200, "");
  }

  #useBehaviour(): SumsubBehaviour {
    const now = this.#behaviour;
    if (now.calls === 1) this.#behaviour = { ...now, answers: "normal", calls: 0 };
    else if (now.calls > 1) this.#behaviour = { ...now, calls: now.calls - 1 };
    return now;
  }

  /** On the bytes as they came, before anything of them is read. */
  #checkSignature(request: IncomingMessage, body: Buffer): void {
    const { appToken, secretKey, nowSeconds = () => Date.now() / 1000 } = this.#options;
    const one = (name: string): string => {
      const values = request.headersDistinct[name] ?? [];
      return values.length === 1 ? (values[0] ?? "") : "";
    };
    const ts = one("x-app-access-ts");
    if (one("x-app-token") !== appToken) throw new Refused(401, "Unknown app token");
    if (!/^\d{9,11}$/.test(ts) || Math.abs(Number(ts) - nowSeconds()) > CLOCK_SECONDS_MAX) {
      throw new Refused(401, "Request signature expired");
    }
    const right = Buffer.from(signRequest(secretKey, { ts, method: request.method ?? "", path: request.url ?? "", body }));
    const given = Buffer.from(one("x-app-access-sig"));
    if (given.length !== right.length || !timingSafeEqual(given, right)) throw new Refused(401, "Request signature mismatch");
  }

  #control({ method, path, body }: Request): object {
    switch (`${method} ${path}`) {
      case "GET /simulator/applicants":
        return { items: this.#books.list() satisfies readonly SimulatedApplicant[] };
      case "GET /simulator/requests":
        return { items: this.#requests.toReversed() };
      case "GET /simulator/webhooks":
        return { items: this.#webhooks.list() satisfies readonly SentWebhook[] };
      case "GET /simulator/behaviour":
        return this.#behaviour;
      case "PUT /simulator/behaviour":
        this.#behaviour = readBehaviour(JSON.parse(body.toString("utf8")));
        return this.#behaviour;
      case "POST /simulator/webhooks":
        return this.#books.tell(readObject(body));
      default:
        throw new Refused(
          404,
          "GET /simulator/applicants, requests or webhooks, GET or PUT /simulator/behaviour, POST /simulator/webhooks",
        );
    }
  }
}

/** One call of the API as it is documented. */
function serve(books: SumsubBooks, { method, path, query, body }: Request): object {
  if (`${method} ${path}` === "POST /resources/applicants") return books.create(query.get("levelName"), readObject(body));
  if (`${method} ${path}` === "POST /resources/accessTokens/sdk") return books.issueToken(readObject(body));
  const byUser = /^\/resources\/applicants\/-;externalUserId=([^/]+)\/one$/.exec(path)?.[1];
  if (method === "GET" && byUser !== undefined) return books.findByUser(decodeURIComponent(byUser));
  const [, id = "", rest = ""] = /^\/resources\/applicants\/([0-9a-f]{24})\/(.+)$/.exec(path) ?? [];
  switch (`${method} ${rest}`) {
    case "GET one":
      return books.find(id);
    case "GET status":
      return books.statusOf(id);
    case "POST info/idDoc":
      return books.addDocument(id, body);
    case "POST reset":
      return books.reset(id);
    case "POST status/pending":
      return books.requestCheck(id);
    case "POST status/testCompleted":
      return books.complete(id, readObject(body));
    case "POST fixedInfo/companyInfo/beneficiaries":
      return books.addBeneficiary(id, readObject(body));
    default:
      throw new Refused(404, "no such method");
  }
}

function readObject(body: Buffer): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(body.toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refused(400, "the body must be an object");
  return { ...value };
}

function readBehaviour(body: unknown): SumsubBehaviour {
  const { answers, calls, webhooks, delayMs } = { ...NORMAL, ...(body as object) };
  const isSound =
    ANSWER_MODES.includes(answers) &&
    WEBHOOK_MODES.includes(webhooks) &&
    Number.isInteger(calls) &&
    calls >= 0 &&
    delayMs >= 0 &&
    delayMs <= DELAY_MS_MAX;
  if (!isSound) throw new Refused(400, "not a behaviour");
  return { answers, calls, webhooks, delayMs };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > BODY_BYTES_MAX) throw new Refused(413, "too long");
  return await buffer(request);
}

/** As the provider words its errors. */
function replyRefusal(response: ServerResponse, error: unknown): void {
  const refused = error instanceof Refused ? error : new Refused(400, "the call could not be read");
  const { status, message } = refused;
  reply(response, status, { code: status, description: message, correlationId: randomBytes(16).toString("hex") });
}

function reply(response: ServerResponse, status: number, body: object): void {
  if (!response.headersSent) response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
