// How many calls a minute one caller may make, and how many may come from one address without a valid token. Counted in this process:
// with several instances each has its own count.

import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { idempotencyOwner } from "../access.ts";
import { refusePlatform } from "../problem.ts";

const MINUTE_MS = 60_000;

/** Counts a call and refuses it with 429 when it is one too many. Needs `request.caller` to be known. */
export type CountCall = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** `perMinute` 0: no limit, and nothing counts. */
export async function addRateLimit(app: FastifyInstance, perMinute: number): Promise<CountCall | null> {
  if (perMinute === 0) return null;
  await app.register(rateLimit, { global: false, max: perMinute, timeWindow: MINUTE_MS, keyGenerator: counterOf });
  const count = app.createRateLimit();
  return async (request, reply) => {
    // Probes must be answered whatever else happens.
    if (request.routeOptions.url?.startsWith("/health/") === true) return;
    const result = await count(request);
    if (result.isAllowed) return;
    void reply.headers({
      "x-ratelimit-limit": result.max,
      "x-ratelimit-remaining": result.remaining,
      "x-ratelimit-reset": result.ttlInSeconds,
    });
    if (!result.isExceeded) return;
    refusePlatform("rateLimited", {
      detail: `At most ${perMinute} calls a minute.`,
      headers: { "retry-after": String(result.ttlInSeconds) },
    });
  };
}

/** Who guesses tokens is counted by address; who has one is not hurt by others behind the same address. */
function counterOf({ caller, ip }: FastifyRequest): string {
  // One subscriber of IPv6 has 2^64 addresses and more.
  return caller === null ? `ip ${rateLimit.normalizeIP(ip, 64)}` : `caller ${idempotencyOwner(caller)}`;
}
