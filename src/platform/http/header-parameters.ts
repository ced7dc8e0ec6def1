// Parameters that may stand in the address or in a header: addresses are logged on their way, and a secret must not be.

import type { FastifyRequest } from "fastify";
import type { Endpoint } from "./endpoint.ts";

/** The query with what came in headers. One that was given more than once is a list, which the check of a single value refuses. */
export function queryOf({ headerOf }: Endpoint, request: FastifyRequest): unknown {
  if (headerOf === undefined) return request.query;
  const query: Record<string, unknown> = { ...(request.query as object) };
  for (const [name, header] of Object.entries(headerOf)) {
    const given = valuesOf(request.raw.rawHeaders, header.toLowerCase());
    if (given.length > 0) query[name] = [query[name] ?? [], given].flat(2);
  }
  return query;
}

/** Every value that was sent under the name; Node's own view joins or drops all but the first. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
