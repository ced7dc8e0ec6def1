// Request identity: W3C trace context and the caller's correlation id.

import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const CORRELATION = /^[\x21-\x7e]{1,128}$/;
const POOL_BYTES = 24 * 256;

let pool = Buffer.alloc(0);
let offset = POOL_BYTES;

/** A caller's traceparent when well formed, else a new one. */
export function traceIdOf(request: IncomingMessage): string {
  const given = request.headers["traceparent"];
  return typeof given === "string" && TRACEPARENT.test(given) ? given : newTraceId();
}

/** The correlation id to echo; one that is not plain printable text is replaced by the trace id. */
export function correlationIdOf(request: IncomingMessage, traceId: string): string {
  const given = request.headers["x-correlation-id"];
  return typeof given === "string" && CORRELATION.test(given) ? given : traceId;
}

export function newTraceId(): string {
  // Random bytes are fetched for 256 ids at a time: a system call for each would cost more than the rest of the header work.
  if (offset + 24 > pool.length) {
    pool = randomBytes(POOL_BYTES);
    offset = 0;
  }
  const trace = pool.toString("hex", offset, offset + 16);
  const span = pool.toString("hex", offset + 16, offset + 24);
  offset += 24;
  return `00-${trace}-${span}-01`;
}

/** How often a header was sent. Node joins, or silently drops, all but the first. */
export function countHeader(request: IncomingMessage, name: string): number {
  const { rawHeaders } = request;
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const given = rawHeaders[i];
    if (given?.length === name.length && given.toLowerCase() === name) seen++;
  }
  return seen;
}
