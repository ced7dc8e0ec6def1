// Stands in for a gateway that sends sms and e-mail: takes messages in the protocol of src/adapters/README.md, keeps the last ones in
// memory, shows them, and misbehaves on demand. For development and tests, on this machine only; it does not open in production.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { CodeMessage } from "../../one-time-codes/ports.ts";
import { StartupError } from "#platform/startup-error.ts";

const MODES = ["normal", "delay", "fail", "drop", "double"] as const;

/**
 * How the next messages are treated. `delay`: answered after `delayMs`. `fail`: answered 500, not delivered. `drop`: delivered, and
 * the connection is cut without an answer. `double`: delivered twice.
 */
export type Behaviour = { readonly mode: (typeof MODES)[number]; readonly delayMs: number };

export type SimulatedMessage = CodeMessage & { readonly receivedAt: string };

export type CodeSimulator = {
  /** To POST messages to, and to GET them from, newest first. */
  readonly url: string;
  close(): Promise<void>;
};

const HOST = "127.0.0.1";
const MESSAGES_MAX = 1_000;
const DELAY_MS_MAX = 60_000;
const NORMAL: Behaviour = { mode: "normal", delayMs: 0 };

/** Listens on a free port of the loopback interface. Throws StartupError in production. */
export async function openCodeSimulator({ mode }: { readonly mode: string }): Promise<CodeSimulator> {
  if (mode === "production") throw new StartupError("The simulator of codes does not open in production: set CODE_SENDER_URL and OTP_KEY.");
  const gateway = new Gateway();
  const server = createServer((request, response) => {
    gateway.answer(request, response).catch(() => reply(response, 400, { error: "the body must be the JSON of the protocol" }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://${HOST}:${port}/messages`, close: () => closeServer(server) };
}

class Gateway {
  readonly #messages: SimulatedMessage[] = [];
  readonly #known = new Set<string>();
  #behaviour = NORMAL;

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", `http://${HOST}`);
    // A page of the web that calls itself by our address must not read codes through somebody's browser.
    if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(request.headers.host ?? "")) return reply(response, 403, { error: "another host" });
    switch (`${request.method} ${pathname}`) {
      case "GET /messages":
        return reply(response, 200, { items: this.#list(searchParams) });
      case "DELETE /messages":
        this.#messages.length = 0;
        return reply(response, 200, { items: [] });
      case "POST /messages":
        return await this.#take(readMessage(await json(request)), request, response);
      case "GET /behaviour":
        return reply(response, 200, this.#behaviour);
      case "PUT /behaviour":
        this.#behaviour = readBehaviour(await json(request));
        return reply(response, 200, this.#behaviour);
      default:
        return reply(response, 404, { error: "GET, POST or DELETE /messages, GET or PUT /behaviour" });
    }
  }

  #list(filter: URLSearchParams): SimulatedMessage[] {
    const wanted = filter.get("destination");
    return this.#messages.filter(({ destination }) => wanted === null || destination === wanted).toReversed();
  }

  async #take(message: CodeMessage, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { mode, delayMs } = this.#behaviour;
    if (mode === "fail") return reply(response, 500, { error: "told to fail" });
    // The same id is the same message: it is delivered once.
    const isNew = !this.#known.has(message.id);
    if (isNew) this.#keep(message);
    if (isNew && mode === "double") this.#keep(message);
    if (mode === "delay") await pause(delayMs);
    if (mode === "drop") return void request.socket.destroy();
    reply(response, 202, { id: message.id });
  }

  #keep(message: CodeMessage): void {
    this.#known.add(message.id);
    this.#messages.push({ ...message, receivedAt: new Date().toISOString() });
    if (this.#messages.length > MESSAGES_MAX) this.#messages.shift();
  }
}

function readMessage(body: unknown): CodeMessage {
  const { id, channel, destination, text } = body as Record<keyof CodeMessage, unknown>;
  if (typeof id !== "string" || typeof destination !== "string" || typeof text !== "string") throw new TypeError("not a message");
  if (channel !== "sms" && channel !== "email") throw new TypeError("not a channel");
  return { id, channel, destination, text };
}

function readBehaviour(body: unknown): Behaviour {
  const { mode, delayMs = 0 } = body as { readonly mode?: unknown; readonly delayMs?: unknown };
  const known = MODES.find((each) => each === mode);
  if (known === undefined || typeof delayMs !== "number" || !(delayMs >= 0 && delayMs <= DELAY_MS_MAX))
    throw new TypeError("not a behaviour");
  return { mode: known, delayMs };
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
