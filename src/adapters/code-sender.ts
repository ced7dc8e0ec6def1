// Hands one-time codes over for delivery: one POST for each message, in the plain protocol of README.md, so that any gateway for sms and
// e-mail can stand behind it. What is not answered 2xx within the time-out is tried again by the job, under the same id. No transaction is
// open while the call runs, and no error tells what stood in the message.

import type { CodeMessage, DeliverCode } from "../one-time-codes/ports.ts";
import { StartupError } from "#platform/startup-error.ts";

export type CodeDeliveryOptions = {
  /** Where to POST (CODE_SENDER_URL). */
  readonly url: string;
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;

/** Fills the port of one-time codes. Throws StartupError for an address that cannot be one. */
export function codeDelivery({ url, timeoutMs = TIMEOUT_MS }: CodeDeliveryOptions): DeliverCode {
  const address = readAddress(url);
  return async (message, signal) => {
    await post(address, message, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  };
}

function readAddress(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address === null || !["http:", "https:"].includes(address.protocol) || address.username !== "" || address.password !== "") {
    throw new StartupError("CODE_SENDER_URL must be an http or https address without user and password.");
  }
  return address;
}

async function post(address: URL, { id, channel, destination, text }: CodeMessage, signal: AbortSignal): Promise<void> {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8", "idempotency-key": id },
    body: JSON.stringify({ id, channel, destination, text }),
    // A redirect would hand the code to somebody whom nobody configured.
    redirect: "manual",
    signal,
  });
  // What is said beside the status is nobody's concern, and may be endless or repeat the message.
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the sender of codes answered ${answer.status}`);
}
