// Reads JSON bodies and nothing else. Any other media type is 415, which also keeps browsers from sending one without asking first.

import type { FastifyInstance, FastifyRequest } from "fastify";
import { JSON_MEMBERS_MAX, parseJson } from "../json.ts";
import { platformProblems, type Problem, problemOf } from "../problem.ts";

/** Bytes of a body, where the operation does not say its own number. */
export const BODY_LIMIT = 1024 * 1024;
/** For operations that take long lists and say so with a body limit of their own. */
const LARGE_BODY_MEMBERS = 100_000;

export function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request: FastifyRequest, body: Buffer, done) => {
    // An empty body with a JSON media type is no body: many clients send the header with every POST.
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    const encoding = charsetFault(request) ?? codingFault(request);
    if (encoding !== null) {
      done(encoding);
      return;
    }
    const membersMax = request.routeOptions.bodyLimit > BODY_LIMIT ? LARGE_BODY_MEMBERS : JSON_MEMBERS_MAX;
    const parsed = parseJson(body, membersMax);
    if ("value" in parsed) done(null, parsed.value);
    else done(problemOf(platformProblems, "malformedRequest", { detail: parsed.message }));
  });
}

function charsetFault({ headers }: FastifyRequest): Problem | null {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(headers["content-type"] ?? "")?.[1];
  if (charset !== undefined && charset.toLowerCase() !== "utf-8") {
    return problemOf(platformProblems, "unsupportedMediaType", { detail: "JSON is read as UTF-8 only." });
  }
  return null;
}

/** A compressed body is none that we read. */
export function codingFault({ headers }: FastifyRequest): Problem | null {
  const coding = headers["content-encoding"];
  if (coding === undefined || coding.toLowerCase() === "identity") return null;
  return problemOf(platformProblems, "unsupportedMediaType", { detail: "Send the body uncompressed." });
}
