// HTTP calls as an integrating program makes them: kept-alive connections, raw results, and no retry but those that a suite asks for.

import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
};

/** The call had no answer: nothing is known about its effect. */
export class NoAnswer extends Error {
  readonly code: string;
  /** No connection was made, so nothing was sent. */
  readonly refused: boolean;

  constructor(error: Error & { code?: string }) {
    super(error.message, { cause: error });
    this.code = error.code ?? error.message;
    this.refused = this.code === "ECONNREFUSED";
  }
}

export type Headers = Readonly<Record<string, string | readonly string[]>>;
export type CallOptions = {
  readonly port: number;
  readonly agent?: Agent | undefined;
  readonly token?: string | undefined;
  readonly key?: string | undefined;
  readonly headers?: Headers | undefined;
  readonly timeoutMs?: number | undefined;
};

const TIMEOUT_MS = 35_000;

export function newAgent(sockets = Number.POSITIVE_INFINITY): Agent {
  return new Agent({ keepAlive: true, maxSockets: sockets });
}

const shared = newAgent();

/** One call. @throws NoAnswer */
export async function call(method: string, path: string, body: unknown, options: CallOptions): Promise<Answer> {
  const payload = body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === "string" ? body : JSON.stringify(body);
  return await new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(new NoAnswer(error));
    const sent = request(
      {
        host: "127.0.0.1",
        port: options.port,
        method,
        path,
        agent: options.agent ?? shared,
        headers: {
          ...(payload === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          ...(options.key === undefined ? {} : { "idempotency-key": options.key }),
          ...(options.headers as Record<string, string>),
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", fail);
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, body: readBody(text) });
        });
      },
    );
    sent.setTimeout(options.timeoutMs ?? TIMEOUT_MS, () =>
      sent.destroy(Object.assign(new Error("no answer in time"), { code: "TIMEOUT" })),
    );
    sent.on("error", fail);
    sent.end(payload);
  });
}

export async function post(path: string, body: unknown, options: CallOptions): Promise<Answer> {
  return await call("POST", path, body, options);
}

export async function get(path: string, options: CallOptions): Promise<Answer> {
  return await call("GET", path, undefined, options);
}

/** Bytes as they are, for requests that no proper client would send. Gives the status of the answer, 0 for none. */
export async function sendRaw(port: number, bytes: string | Buffer): Promise<number> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const end = (): void => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0));
    socket.setTimeout(20_000, () => socket.destroy());
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n\r\n")) socket.end();
    });
    socket.on("error", end);
    socket.on("close", end);
    socket.write(bytes);
  });
}

const RETRY_DEADLINE_MS = 60_000;

/** An answer that says what became of the call: anything but 503 and the running twin's 409. */
export function isDefinite(answer: Answer): boolean {
  return answer.status < 500 && answer.body["code"] !== "idempotencyInProgress";
}

/**
 * Sends the same call until there is a definite answer, as a careful client does. `ports` are tried in turn; `onAttempt` hears of every
 * answer and every loss.
 */
export async function insist(
  path: string,
  body: unknown,
  options: Omit<CallOptions, "port"> & { readonly ports: readonly number[] },
  onAttempt: (outcome: Answer | NoAnswer) => void = () => undefined,
): Promise<Answer> {
  const deadline = performance.now() + RETRY_DEADLINE_MS;
  for (let attempt = 0; performance.now() < deadline; attempt++) {
    const port = options.ports[attempt % options.ports.length] ?? 0;
    try {
      const answer = await post(path, body, { timeoutMs: 10_000, ...options, port });
      onAttempt(answer);
      if (isDefinite(answer)) return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      onAttempt(error);
    }
    await pause(20 + 30 * Math.random());
  }
  throw new Error(`no definite answer within ${RETRY_DEADLINE_MS} ms: ${path} ${JSON.stringify(body)}`);
}

function readBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}
