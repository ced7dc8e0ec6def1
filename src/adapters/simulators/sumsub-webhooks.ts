// The webhooks of the simulator: built, signed and sent as Sumsub sends them, and on demand late, twice, in the wrong order, forged, under
// another secret, or not at all. What could not be delivered is sent again four times, as there, only sooner.

import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

export const WEBHOOK_MODES = ["normal", "late", "twice", "reversed", "forged", "wrongSecret", "lost"] as const;

/**
 * How the next webhooks are sent. `late`: after `delayMs`. `twice`: each one twice. `reversed`: in pairs, the later one first.
 * `forged`: the digest is another body's. `wrongSecret`: signed with another key. `lost`: not sent.
 */
export type WebhookMode = (typeof WEBHOOK_MODES)[number];

export type SentWebhook = {
  readonly type: string;
  readonly applicantId: string;
  readonly createdAtMs: string;
  readonly mode: WebhookMode;
  /** Of the last try; null: not sent yet, not to be sent, or no answer. */
  readonly status: number | null;
  readonly tries: number;
};

export type Webhook = Readonly<Record<string, unknown>> & {
  readonly type: string;
  readonly applicantId: string;
  readonly createdAtMs: string;
};

const KEPT_MAX = 1_000;
const ANSWER_MS_MAX = 5_000;
const RESEND_AFTER_MS = [200, 1_000, 5_000, 15_000];

type Waiting = {
  readonly payload: Webhook;
  readonly mode: WebhookMode;
  readonly record: { status: number | null; tries: number } & SentWebhook;
};

export class Webhooks {
  readonly #secret: string;
  readonly #sent: Waiting["record"][] = [];
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #held: Waiting[] = [];
  readonly #unaddressed: Waiting[] = [];
  #target: string | null = null;
  #lastMs = 0;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** Where webhooks go from now on; those that waited for an address go first. */
  sendTo(url: string): void {
    this.#target = url;
    for (const waiting of this.#unaddressed.splice(0)) this.#start(this.#deliver(waiting));
  }

  list(): readonly SentWebhook[] {
    return this.#sent.toReversed();
  }

  /** `yyyy-MM-dd HH:mm:ss.fff` in UTC, later each time. */
  nextInstant(): string {
    this.#lastMs = Math.max(Date.now(), this.#lastMs + 1);
    return new Date(this.#lastMs).toISOString().replace("T", " ").slice(0, 23);
  }

  send(payload: Webhook, mode: WebhookMode, delayMs: number): void {
    const { type, applicantId, createdAtMs } = payload;
    const record = { type, applicantId, createdAtMs, mode, status: null, tries: 0 };
    this.#sent.push(record);
    if (this.#sent.length > KEPT_MAX) this.#sent.shift();
    if (mode === "lost") return;
    const waiting: Waiting = { payload, mode, record };
    if (mode === "reversed") {
      this.#held.push(waiting);
      if (this.#held.length < 2) return;
      const pair = this.#held.splice(0).toReversed();
      return this.#start(inTurn(pair.map((each) => () => this.#deliver(each))));
    }
    this.#start(
      mode === "late"
        ? this.#after(delayMs, waiting)
        : mode === "twice"
          ? inTurn([() => this.#deliver(waiting), () => this.#deliver(waiting)])
          : this.#deliver(waiting),
    );
  }

  /** Gives up what is not delivered. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  #start(work: Promise<void>): void {
    const running = work.catch(() => undefined).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #after(delayMs: number, waiting: Waiting): Promise<void> {
    await pause(delayMs, undefined, { signal: this.#stopping.signal });
    await this.#deliver(waiting);
  }

  async #deliver(waiting: Waiting): Promise<void> {
    if (this.#target === null) return void this.#unaddressed.push(waiting);
    const body = Buffer.from(JSON.stringify(waiting.payload));
    for (let attempt = 0; ; attempt++) {
      const status = await this.#post(this.#target, body, waiting.mode);
      Object.assign(waiting.record, { status, tries: waiting.record.tries + 1 });
      const wait = RESEND_AFTER_MS[attempt];
      if ((status !== null && status >= 200 && status < 300) || wait === undefined) return;
      await pause(wait, undefined, { signal: this.#stopping.signal });
    }
  }

  async #post(target: string, body: Buffer, mode: WebhookMode): Promise<number | null> {
    const secret = mode === "wrongSecret" ? randomBytes(24).toString("hex") : this.#secret;
    const signed = mode === "forged" ? Buffer.concat([body, Buffer.from(" ")]) : body;
    try {
      const answer = await fetch(target, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          // An idle connection would hold up the server that it leads to when that stops.
          connection: "close",
          "x-payload-digest": createHmac("sha256", secret).update(signed).digest("hex"),
          "x-payload-digest-alg": "HMAC_SHA256_HEX",
        },
        body: new Uint8Array(body),
        redirect: "manual",
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
      });
      await answer.body?.cancel();
      return answer.status;
    } catch {
      return null;
    }
  }
}

async function inTurn(works: readonly (() => Promise<void>)[]): Promise<void> {
  for (const work of works) await work();
}

export function newCorrelationId(): string {
  return `req-${randomUUID()}`;
}
