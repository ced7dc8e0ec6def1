// One signed call to Sumsub's API: signature, time limits, tries, and an answer of bounded size. What comes back is somebody else's text:
// it is cut, never followed elsewhere, and means nothing until it was read as JSON.

import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { ProviderFault } from "../onboarding/ports.ts";
import { StartupError } from "#platform/startup-error.ts";
import { Breaker } from "./breaker.ts";
import { readError } from "./sumsub-words.ts";

/** What is signed; `path` with its query, as it is sent. */
export type SignedRequest = { readonly ts: string; readonly method: string; readonly path: string; readonly body: Uint8Array };

/** X-App-Access-Sig (docs.sumsub.com/reference/authentication): lower-case hex of HMAC-SHA256 over ts, method, path and body, nothing between. */
export function signRequest(secretKey: string, { ts, method, path, body }: SignedRequest): string {
  return createHmac("sha256", secretKey).update(`${ts}${method}${path}`).update(body).digest("hex");
}

export type SumsubHttpOptions = {
  /** SUMSUB_URL: scheme, host and port alone. */
  readonly url: string;
  readonly appToken: string;
  readonly secretKey: string;
  /** For one try. */
  readonly timeoutMs?: number;
  /** For all tries of a call and the waits between them. */
  readonly deadlineMs?: number;
  /** The first wait between two tries, about; each next one is twice as long. */
  readonly backOffMs?: number;
  readonly breaker?: Breaker;
};

export type SumsubCall = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: { readonly contentType: string; readonly bytes: Uint8Array };
  /** May be sent again after an answer that never came. */
  readonly isRepeatable: boolean;
};

const TIMEOUT_MS = 7_000;
const DEADLINE_MS = 20_000;
const BACK_OFF_MS = 250;
const TRIES_MAX = 3;
const ANSWER_BYTES_MAX = 1024 * 1024;
const NO_BODY = new Uint8Array();
const NO_CHUNKS: readonly Uint8Array[] = [];

export class SumsubHttp {
  readonly #options: Required<SumsubHttpOptions>;
  readonly #origin: string;

  /** Throws StartupError for an address that cannot be one. */
  constructor(options: SumsubHttpOptions) {
    this.#options = {
      timeoutMs: TIMEOUT_MS,
      deadlineMs: DEADLINE_MS,
      backOffMs: BACK_OFF_MS,
      breaker: new Breaker({ failuresMax: 8, openMs: 15_000, monotonicMs: () => performance.now() }),
      ...options,
    };
    this.#origin = readOrigin(options.url);
  }

  /** The answer's JSON; null where there is no such thing (404). Throws ProviderFault. */
  async call(call: SumsubCall, signal: AbortSignal): Promise<unknown> {
    const { deadlineMs, backOffMs } = this.#options;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#try(call, deadline);
      if (!(outcome instanceof ProviderFault)) return outcome.answer;
      // 429 was not taken on, whatever it was; of all else nobody knows.
      const mayRepeat = !outcome.isRefusal && !isAboutKeys(outcome) && (call.isRepeatable || outcome.status === 429);
      if (!mayRepeat || attempt === TRIES_MAX || deadline.aborted) throw outcome;
      const wait = backOffMs * 2 ** (attempt - 1) * (0.5 + Math.random());
      await pause(wait, undefined, { signal: deadline }).catch(() => {
        throw outcome;
      });
    }
  }

  async #try(call: SumsubCall, deadline: AbortSignal): Promise<{ readonly answer: unknown } | ProviderFault> {
    const { breaker, timeoutMs } = this.#options;
    if (!breaker.allows()) return new ProviderFault("the verification provider is given a rest", { isRefusal: false });
    try {
      const outcome = await this.#send(call, AbortSignal.any([deadline, AbortSignal.timeout(timeoutMs)]));
      if (outcome instanceof ProviderFault && !outcome.isRefusal) breaker.failed();
      else breaker.succeeded();
      return outcome;
    } catch (cause) {
      breaker.failed();
      return new ProviderFault("the verification provider did not answer", { isRefusal: false, cause });
    }
  }

  async #send({ method, path, body }: SumsubCall, signal: AbortSignal): Promise<{ readonly answer: unknown } | ProviderFault> {
    const { appToken, secretKey } = this.#options;
    const ts = String(Math.floor(Date.now() / 1000));
    const bytes = body?.bytes ?? NO_BODY;
    const response = await fetch(`${this.#origin}${path}`, {
      method,
      headers: {
        accept: "application/json",
        "x-app-token": appToken,
        "x-app-access-ts": ts,
        "x-app-access-sig": signRequest(secretKey, { ts, method, path, body: bytes }),
        ...(body === undefined ? {} : { "content-type": body.contentType }),
      },
      ...(body === undefined ? {} : { body: Buffer.from(bytes) }),
      // A redirect would take a client's data where nobody configured it.
      redirect: "manual",
      signal,
    });
    const answer = await readJson(response);
    const { status } = response;
    if (response.ok) {
      return answer === undefined
        ? new ProviderFault("the verification provider answered no JSON", { isRefusal: false, status })
        : { answer };
    }
    if (status === 404) return { answer: null };
    // An address that leads elsewhere (3xx) is not the provider's, and keys that are not accepted are no fault of what was asked.
    const isRefusal = status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
    return new ProviderFault(`the verification provider answered ${status}`, { isRefusal, status, ...readError(answer) });
  }
}

function isAboutKeys({ status }: ProviderFault): boolean {
  return status === 401 || status === 403;
}

function readOrigin(url: string): string {
  const address = URL.canParse(url) ? new URL(url) : null;
  const isPlain =
    address !== null && address.username === "" && address.password === "" && address.pathname === "/" && address.search === "";
  if (!isPlain || !["http:", "https:"].includes(address.protocol)) {
    throw new StartupError("SUMSUB_URL must be an http or https address without user, password and path.");
  }
  return address.origin;
}

/** The body as JSON; undefined where it is none. Throws where it does not end in time or is too long. */
async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const chunk of body ?? NO_CHUNKS) {
    size += chunk.byteLength;
    // Leaving the loop ends the connection: the rest is not read.
    if (size > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}
