// Every answer of a test app is held against what its endpoint says of itself: a success against the reply's schema, which allows no
// member that it does not name; a refusal against the problems that the endpoint lists, by code and status. A test need not ask for
// it and cannot forget it. An answer that breaks its word is replaced by one that says how, and the test's call fails with that.

import { buildAjv } from "#platform/ajv.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import { problemsOf } from "#platform/http/openapi.ts";
import { platformProblems, type Catalogue } from "#platform/problem.ts";
import { EmptyBody, mediaTypesOf } from "#platform/schema.ts";
import type { FastifyInstance } from "fastify";

/** The media type of an answer that stands for a broken one. */
const BROKEN = "text/x-broken-answer";

/** What an endpoint says of its answers. */
type Word = {
  /** Of a success, where it is no file. */
  readonly schema: object;
  readonly problems: Catalogue;
  readonly isEmpty: boolean;
  readonly mediaTypes: readonly string[] | null;
};

const PROBLEM = {
  type: "object",
  required: ["type", "title", "status", "detail", "instance", "traceId", "code"],
  properties: {
    type: { type: "string", pattern: "^https://tools\\.ietf\\.org/html/rfc(9110#section-15\\.[56]\\.[0-9]{1,2}|6585#section-4)$" },
    title: { type: "string", minLength: 1 },
    status: { type: "integer" },
    detail: { anyOf: [{ type: "string", minLength: 1 }, { type: "null" }] },
    instance: { type: "string", pattern: "^/" },
    traceId: { type: "string", pattern: "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$" },
    code: { type: "string", pattern: "^[a-z][A-Za-z]*$" },
    errors: {
      type: "object",
      minProperties: 1,
      additionalProperties: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
    },
  },
};

/** Adds the check to an app. Call it before the endpoints are added. */
export function checkAnswers(app: FastifyInstance, endpoints: readonly Endpoint[]): void {
  const words = new Map(
    endpoints.map((endpoint): [string, Word] => [
      `${endpoint.method} ${endpoint.path.replace(/\{(\w+)\}/g, ":$1")}`,
      {
        schema: endpoint.reply,
        problems: problemsOf(endpoint),
        isEmpty: endpoint.reply === EmptyBody,
        mediaTypes: namesOf(mediaTypesOf(endpoint.reply)),
      },
    ]),
  );
  app.addHook("onSend", async (request, reply, payload) => {
    if (request.method === "HEAD") return payload;
    const word = words.get(`${request.method} ${request.routeOptions.url ?? ""}`);
    const isFile = reply.statusCode === 200 && String(reply.getHeader("content-disposition")).startsWith("attachment; ");
    const answer = { isFile, status: reply.statusCode, type: String(reply.getHeader("content-type")), text: payload };
    const fault = answer.status === 200 ? faultOfReply(answer, word) : faultOfRefusal(answer, word);
    if (fault === null) return payload;
    void reply.code(500).header("content-type", BROKEN);
    return `${request.method} ${request.url} answered ${answer.status} and broke its word: ${fault}\n${String(payload)}`;
  });
}

function namesOf(mediaTypes: object | null): readonly string[] | null {
  return mediaTypes === null ? null : Object.keys(mediaTypes);
}

/** Throws when the answer stands for a broken one. */
export function expectSound(answer: { readonly headers: Readonly<Record<string, unknown>>; readonly text: string }): void {
  if (String(answer.headers["content-type"]).startsWith(BROKEN)) throw new Error(answer.text);
}

type Sent = { readonly isFile: boolean; readonly status: number; readonly type: string; readonly text: unknown };

/** Pages and probes are no endpoints and promise nothing. */
function faultOfReply({ isFile, type, text }: Sent, word: Word | undefined): string | null {
  if (word === undefined) return null;
  // What is in a file is for the tests of the operation: here it is on its way.
  if (word.mediaTypes !== null)
    return isFile && word.mediaTypes.includes(type.split(";")[0] ?? "") ? null : `it is no file, or of type ${type}`;
  if (word.isEmpty) return (text ?? "") === "" && type === "undefined" ? null : "it should have neither body nor media type";
  if (type !== "application/json; charset=utf-8") return `its media type is ${type}`;
  const body = read(text);
  if (body === undefined) return "it is no JSON";
  return complaintOf(word.schema, body);
}

function faultOfRefusal({ status, type, text }: Sent, word: Word | undefined): string | null {
  if (type !== "application/problem+json; charset=utf-8") return `its media type is ${type}`;
  const body = read(text) as { code: string; status: number } | undefined;
  const complaint = complaintOf(PROBLEM, body);
  if (complaint !== null) return complaint;
  if (body === undefined || body.status !== status) return "its status is not the body's";
  const spec = { ...platformProblems, ...word?.problems }[body.code];
  if (spec?.status !== status) return `${body.code} is not a ${status}`;
  return word === undefined || body.code in word.problems ? null : `${body.code} is not among the problems that the endpoint lists`;
}

function read(text: unknown): unknown {
  try {
    return JSON.parse(String(text)) as unknown;
  } catch {
    return undefined;
  }
}

// One for all apps of a process: it compiles what is answered, once, which for all endpoints of every app would take a tenth of the tests' time.
const ajv = buildAjv();

/** Null where the body is as the schema says. */
function complaintOf(schema: object, body: unknown): string | null {
  const validate = ajv.compile(schema);
  if (validate(body)) return null;
  return (validate.errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath || "/"} ${message} ${JSON.stringify(params)}`)
    .join("; ");
}
