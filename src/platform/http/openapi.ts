// What an endpoint value says to OpenAPI 3.1 and to Fastify's serializer.

import type { FastifySchema } from "fastify";
import type { TSchema } from "typebox";
import { platformProblems, type Catalogue } from "../problem.ts";
import { mediaTypesOf } from "../schema.ts";
import type { Endpoint } from "./endpoint.ts";

const PROBLEM = {
  type: "object",
  title: "Problem",
  description: "RFC 9457 problem. `code` is stable; `errors` lists sentences by field.",
  required: ["type", "title", "status", "instance", "traceId", "code"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: ["string", "null"] },
    instance: { type: "string" },
    traceId: { type: "string" },
    code: { type: "string" },
    errors: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
  },
} as const;

const COMMON_PROBLEMS = ["validationFailed", "unauthorized", "methodNotAllowed", "rateLimited", "internalError", "busy"] as const;

/** Every problem that the endpoint may answer: its own, and those of the platform that its form makes possible. */
export function problemsOf(endpoint: Endpoint): Catalogue {
  const codes: (keyof typeof platformProblems)[] = [...COMMON_PROBLEMS];
  // Who signs is let in or unknown.
  if (endpoint.audience !== "signature") codes.push("forbidden");
  if (!isRead(endpoint) || endpoint.body !== undefined) codes.push("malformedRequest", "payloadTooLarge", "unsupportedMediaType");
  if (takesKey(endpoint)) codes.push("idempotencyInProgress", "idempotencyKeyReused");
  // A kept answer is gone with the client it tells of.
  if (endpoint.path.includes("{") || endpoint.answerTellsOf !== undefined) codes.push("notFound");
  return { ...Object.fromEntries(codes.map((code) => [code, platformProblems[code]])), ...endpoint.problems };
}

export function routeSchema(endpoint: Endpoint): FastifySchema {
  const schema = {
    operationId: endpoint.id,
    tags: [...endpoint.tags],
    summary: endpoint.summary,
    description: describe(endpoint),
    security: [endpoint.audience === "signature" ? { signature: [] } : { bearer: endpoint.scope === null ? [] : [endpoint.scope] }],
    "x-audience": endpoint.audience,
    ...(endpoint.scope === null ? {} : { "x-scope": endpoint.scope }),
    params: endpoint.params ?? uuidParams(endpoint.path),
    ...(endpoint.query === undefined ? {} : { querystring: withoutNeedlessDemands(endpoint.query) }),
    ...(endpoint.body === undefined ? {} : { body: withoutNeedlessDemands(endpoint.body) }),
    ...describeRequestBody(endpoint),
    ...(endpoint.isBodyOptional === true ? { [BODY_OPTIONAL]: true } : {}),
    ...headersOf(endpoint),
    response: { 200: successOf(endpoint), ...problemResponses(endpoint) },
  };
  if (!endpoint.path.includes("{")) delete (schema as { params?: unknown }).params;
  return schema;
}

/** Nothing is changed, so that no key is needed. */
export function isRead({ work }: Endpoint): boolean {
  return work === "read" || work === "file";
}

/** Only what may be done once needs a key: a signed call is recognised by what it tells. */
export function takesKey(endpoint: Endpoint): boolean {
  return !isRead(endpoint) && endpoint.requestBody?.kind !== "signed";
}

function describeRequestBody({ requestBody }: Endpoint): object {
  if (requestBody === undefined) return {};
  return { body: requestBody.schema, ...(requestBody.kind === "stream" ? { consumes: [...requestBody.mediaTypes] } : {}) };
}

/** How callers are known. `signature`: each operation names the secret in its description. */
export const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
  signature: {
    type: "apiKey",
    in: "header",
    name: "x-payload-digest",
    description: "Hexadecimal HMAC of the body's bytes as they are sent, under the secret that was agreed for the operation.",
  },
} as const;

function successOf({ reply }: Endpoint): object {
  const files = mediaTypesOf(reply);
  if (files === null) return { "x-response-description": "Done.", ...reply };
  const content = Object.fromEntries(Object.entries(files).map(([mediaType, schema]) => [mediaType, { schema }]));
  return { description: "The file.", content };
}

/** What has a default need not be sent: the validator puts it in, so only the description must not ask for it. */
function withoutNeedlessDemands(schema: TSchema): TSchema {
  const { properties, required } = schema as { properties?: Record<string, { default?: unknown }>; required?: readonly string[] };
  if (properties === undefined || required === undefined) return schema;
  const demanded = required.filter((name) => properties[name]?.default === undefined);
  return { ...schema, required: demanded };
}

const BODY_OPTIONAL = "x-body-optional";

type Operations = Readonly<Record<string, { requestBody?: { required?: boolean }; [BODY_OPTIONAL]?: boolean }>>;

/** The generator calls every body required: those that may be left out are told so here. */
export function relaxBodies(document: { readonly paths?: object }): void {
  for (const operations of Object.values((document.paths ?? {}) as Readonly<Record<string, Operations>>)) {
    for (const operation of Object.values(operations)) {
      if (operation[BODY_OPTIONAL] === true && operation.requestBody) operation.requestBody.required = false;
      delete operation[BODY_OPTIONAL];
    }
  }
}

const IDEMPOTENCY_KEY = {
  type: "string",
  minLength: 1,
  maxLength: 102,
  description: "At most one effect for each key of a caller; a repeat answers the same again.",
} as const;

function headersOf(endpoint: Endpoint): { headers?: object } {
  const { headerOf = {}, query } = endpoint;
  const properties: Record<string, object> = takesKey(endpoint) ? { "Idempotency-Key": IDEMPOTENCY_KEY } : {};
  for (const [name, header] of Object.entries(headerOf)) {
    properties[header] = { ...query?.properties[name], description: `In place of ${name} in the query.` };
  }
  return Object.keys(properties).length === 0 ? {} : { headers: { type: "object", properties } };
}

function describe(endpoint: Endpoint): string {
  const codes = Object.entries(problemsOf(endpoint)).map(([code, spec]) => `${spec.status} \`${code}\``);
  const access =
    endpoint.scope === null ? `Audience: ${endpoint.audience}.` : `Audience: ${endpoint.audience}; scope \`${endpoint.scope}\`.`;
  return [endpoint.description, access, `Problems: ${codes.join(", ")}.`].filter((part) => part !== undefined).join("\n\n");
}

function uuidParams(path: string): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
  return {
    type: "object",
    required: names,
    properties: Object.fromEntries(names.map((name) => [name, { type: "string", format: "uuid" }])),
  };
}

function problemResponses(endpoint: Endpoint): Record<number, object> {
  const byStatus = new Map<number, string[]>();
  for (const [code, spec] of Object.entries(problemsOf(endpoint))) byStatus.set(spec.status, [...(byStatus.get(spec.status) ?? []), code]);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [status, { description: codes.join(", "), content: { "application/problem+json": { schema: PROBLEM } } }]),
  );
}
