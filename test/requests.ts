// Requests made from an API description: sound ones from each operation's schemas and examples, then broken here and there. Used by the
// fuzz test; whoever adds an operation gets its requests without a line here.

import fc from "fast-check";
import type { Schema } from "./described-schema.ts";
import { streamedBody, type StreamedBody } from "./streamed-requests.ts";

export type Operation = {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly required?: boolean; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
};

/** `body` is JSON text, bytes of the media type in `headers`, or undefined for none. */
export type GeneratedRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
};

/** What the bank knows: ids for paths and fields by name, and bodies that would be taken, by operationId: of a form its parts by name. */
export type Hints = {
  readonly ids: Readonly<Record<string, readonly string[]>>;
  readonly bodies: Readonly<Record<string, fc.Arbitrary<unknown>>>;
};

/** The operations of an OpenAPI document. */
export function operationsOf(api: unknown): Operation[] {
  const { paths } = api as { paths: Record<string, Record<string, Omit<Operation, "method" | "path">>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  );
}

/** Any request to an operation: mostly sound, with up to three faults. */
export function requestOf(operation: Operation, hints: Hints): fc.Arbitrary<GeneratedRequest> {
  const { path, parameters = [], requestBody } = operation;
  const pathNames = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const query = parameters.filter((each) => each.in === "query");
  if (requestBody !== undefined && !("application/json" in requestBody.content)) return streamRequestOf(operation, hints);
  const schema = requestBody?.content["application/json"]?.schema;
  const generated = schema === undefined ? fc.constant(undefined) : valueOf(schema, hints);
  const hint = hints.bodies[operation.operationId];
  const body = hint === undefined ? generated : fc.oneof({ weight: 3, arbitrary: hint }, { weight: 1, arbitrary: generated });
  return fc
    .record({
      path: fc.record(Object.fromEntries(pathNames.map((name) => [name, pathValue(name, hints)]))),
      query: fc.tuple(...query.map((each) => queryPair(each, hints))),
      unknownQuery: rarely(fc.tuple(fc.string({ maxLength: 8 }), odd)),
      // Where no body is taken there mostly is none: most calls would end with that otherwise.
      body:
        schema === undefined
          ? rarely(odd).map((value) => value ?? undefined)
          : fc.tuple(body, faults).map(([value, list]) => damaged(value, list)),
      noBody: rarely(fc.constant(true)),
      key: rarely(fc.constantFrom("fuzz-1", "fuzz-2", "", "x".repeat(101), "é", '"quoted"')),
      type: rarely(fc.constantFrom("text/plain", "application/json; charset=utf-8", "")),
    })
    .map((parts) => ({
      url: urlOf(
        path,
        parts.path,
        [...parts.query, parts.unknownQuery].filter((pair) => pair !== null),
      ),
      headers: {
        ...(parts.key === null ? {} : { "idempotency-key": parts.key }),
        ...(parts.type === null ? {} : { "content-type": parts.type }),
      },
      body: parts.body === undefined || parts.noBody === true ? undefined : toText(parts.body),
    }));
}

/** To an operation that takes other media types: mostly one of those, with what may stand in it or nearly so. */
function streamRequestOf({ operationId, path, parameters = [], requestBody }: Operation, hints: Hints): fc.Arbitrary<GeneratedRequest> {
  const pathNames = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const query = parameters.filter((each) => each.in === "query");
  return fc
    .record({
      path: fc.record(Object.fromEntries(pathNames.map((name) => [name, pathValue(name, hints)]))),
      query: fc.tuple(...query.map((each) => queryPair(each, hints))),
      sent: fc.oneof(...Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => bodyIn(type, schema))),
      key: rarely(fc.constantFrom("fuzz-1", "fuzz-2", "", "x".repeat(101))),
      type: rarely(fc.constantFrom("text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=other", "")),
    })
    .map(({ path: names, query: pairs, sent, key, type }) => ({
      url: urlOf(
        path,
        names,
        pairs.filter((pair) => pair !== null),
      ),
      headers: { ...(key === null ? {} : { "idempotency-key": key }), "content-type": type ?? sent.contentType },
      body: sent.body,
    }));

  function bodyIn(type: string, schema: Schema): fc.Arbitrary<StreamedBody> {
    const members = Object.entries(schema.properties ?? {}).map(
      ([name, member]) => [name, known(name, hints, valueOf(member, hints))] as const,
    );
    const generated = type === "multipart/form-data" ? fc.record(Object.fromEntries(members)) : odd.map((value) => toText(value));
    const hint = hints.bodies[operationId];
    return streamedBody(
      type,
      schema,
      hint === undefined ? generated : fc.oneof({ weight: 3, arbitrary: hint }, { weight: 1, arbitrary: generated }),
    );
  }
}

/** Numbers that JSON can write and a double cannot hold, and texts that are no JSON: written without the quotes. */
const RAW = ["1e400", "-0", "12345678901234567890", "0.10000000000000000000001", "1e-400", "01", "NaN", "[,]"].map((text) => `«${text}»`);

function toText(value: unknown): string {
  return JSON.stringify(value).replace(/"«([^»"\\]*)»"/g, "$1");
}

const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1,
    1.5,
    2 ** 31,
    2 ** 53,
    "",
    " ",
    "0",
    "-1",
    "x",
    "null",
    "\u0000",
    "\u202e",
    "%00",
    "../..",
    "' or 1=1 --",
    "9".repeat(70),
  ),
  fc.constantFrom<unknown>(
    [],
    {},
    [[]],
    [null],
    { a: 1 },
    { constructor: 1 },
    { toString: null },
    "x".repeat(101),
    "é".repeat(5000),
    "2024-02-30",
    "9999-12-31",
    "0001-01-01T00:00:00Z",
  ),
  fc.constantFrom(...RAW),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.jsonValue({ maxDepth: 2 }),
);

function rarely<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
}

type Parameter = NonNullable<Operation["parameters"]>[number];

/** What is not required is mostly left out: two filters that nobody would combine refuse the rest of the request. */
function queryPair({ name, required, schema }: Parameter, hints: Hints): fc.Arbitrary<[string, unknown] | null> {
  const value = fc.oneof({ weight: 9, arbitrary: known(name, hints, valueOf(schema, hints)) }, { weight: 1, arbitrary: odd });
  const pair = value.map((each): [string, unknown] => [name, each]);
  return fc.oneof(
    { weight: required === true ? 1 : 6, arbitrary: fc.constant(null) },
    { weight: required === true ? 15 : 2, arbitrary: pair },
  );
}

function known(name: string, { ids }: Hints, otherwise: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const values = ids[name];
  return values === undefined
    ? otherwise
    : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: otherwise });
}

function pathValue(name: string, hints: Hints): fc.Arbitrary<string> {
  const text = fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 40 }), fc.string({ unit: "binary", minLength: 1, maxLength: 10 }));
  return known(name, hints, text).map(String);
}

function urlOf(path: string, names: Readonly<Record<string, string>>, query: readonly (readonly [string, unknown])[]): string {
  const place = path.replace(/\{(\w+)\}/g, (_, name: string) => encode(names[name] ?? ""));
  const pairs = query.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => `${encode(name)}=${encode(toQueryText(each))}`),
  );
  return pairs.length === 0 ? place : `${place}?${pairs.join("&")}`;
}

function toQueryText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** Half surrogates cannot stand in an address: they go as the replacement character. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

type Fault = { readonly at: number; readonly how: "replace" | "remove" | "add" | "repeat"; readonly name: string; readonly value: unknown };

const faults = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Fault[]>([]) },
  {
    weight: 3,
    arbitrary: fc.array(
      fc.record({
        at: fc.nat(),
        how: fc.constantFrom("replace" as const, "replace" as const, "remove" as const, "add" as const, "repeat" as const),
        name: fc.oneof(
          fc.constantFrom("unknown", "id", "state", "__proto__", "constructor", "amount", "type"),
          fc.string({ maxLength: 5 }),
        ),
        value: odd,
      }),
      { minLength: 1, maxLength: 3 },
    ),
  },
);

/** A copy with each fault at one of its places. */
function damaged(value: unknown, list: readonly Fault[]): unknown {
  let copy = value;
  for (const fault of list) {
    const places = placesOf(copy, []);
    copy = changed(copy, places[fault.at % places.length] ?? [], fault);
  }
  return copy;
}

function placesOf(value: unknown, at: readonly string[]): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([name, member]) => placesOf(member, [...at, name]))];
}

function changed(value: unknown, [name, ...rest]: readonly string[], fault: Fault): unknown {
  if (name === undefined) return broken(value, fault);
  const isGone = fault.how === "remove" && rest.length === 0;
  if (Array.isArray(value)) {
    const index = Number(name);
    return isGone ? value.toSpliced(index, 1) : value.with(index, changed(value[index], rest, fault));
  }
  const members = Object.entries(value as object).flatMap(([key, member]) => {
    if (key !== name) return [[key, member] as const];
    return isGone ? [] : [[key, changed(member, rest, fault)] as const];
  });
  return Object.fromEntries(members);
}

function broken(value: unknown, { how, name, value: other }: Fault): unknown {
  if (how === "add" && Array.isArray(value)) return [...(value as unknown[]), other];
  if (how === "add" && typeof value === "object" && value !== null) return { ...value, ...Object.fromEntries([[name, other]]) };
  if (how === "repeat" && Array.isArray(value)) return [...(value as unknown[]), ...(value as unknown[])];
  return other;
}

/** A value that the schema takes, at its edges or just beyond them. */
function valueOf(schema: Schema, hints: Hints): fc.Arbitrary<unknown> {
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((branch) => valueOf(branch, hints)));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "object":
      return objectOf(schema, hints);
    case "array":
      return fc.array(valueOf(schema.items ?? {}, hints), {
        minLength: Math.max(0, (schema.minItems ?? 0) - 1),
        maxLength: Math.min(4, (schema.maxItems ?? 3) + 1),
      });
    case "string":
      return textOf(schema, hints);
    case "integer":
    case "number":
      return numberOf(schema);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return odd;
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema, hints: Hints): fc.Arbitrary<unknown> {
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, known(name, hints, valueOf(schema, hints))]),
  );
  if (Object.keys(members).length > 0) return fc.record(members, { requiredKeys: [...required] });
  const values = typeof additionalProperties === "object" ? valueOf(additionalProperties, hints) : odd;
  return fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_-]{0,41}$/), values, { maxKeys: 3 });
}

const FORMATS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  uuid: fc.uuid(),
  amount: fc.oneof(
    fc.constantFrom("0", "0.01", "1", "10.50", "0.001", "10000000000000.00", "10000000000000.01"),
    fc.double({ min: 0, noNaN: true }).map(String),
  ),
  date: fc.constantFrom("2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "0000-01-01"),
  "date-time": fc.constantFrom("2024-02-29T12:00:00Z", "9999-12-31T23:59:59.999999999Z", "2024-02-29T24:00:00Z"),
  "date-or-date-time": fc.constantFrom("2024-02-29", "9999-12-31", "0001-01-01T00:00:00Z", "2024-13-01"),
  email: fc.emailAddress(),
};

function textOf({ format, pattern, minLength = 0, maxLength = 40 }: Schema, { ids }: Hints): fc.Arbitrary<string> {
  const pool = format === "uuid" ? Object.values(ids).flat() : [];
  if (pool.length > 0) return fc.oneof(fc.constantFrom(...pool), fc.uuid());
  const formatted = format === undefined ? undefined : FORMATS[format];
  if (formatted !== undefined) return formatted;
  if (pattern === "^[A-Z]{3}$") return fc.constantFrom("EUR", "USD", "JPY", "KWD", "XXX");
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern.replace(/^\^?/, "^").replace(/\$?$/, "$")));
  const edge = (length: number): fc.Arbitrary<string> => fc.constant("é".repeat(Math.max(0, length)));
  return fc.oneof(
    edge(minLength - 1),
    edge(minLength),
    edge(maxLength),
    edge(maxLength + 1),
    fc.string({ minLength, maxLength: Math.min(maxLength, 60) }),
  );
}

function numberOf({ type, minimum = -1000, maximum = 1000 }: Schema): fc.Arbitrary<number> {
  const inside =
    type === "integer"
      ? fc.integer({ min: Math.max(minimum, -(2 ** 31)), max: Math.min(maximum, 2 ** 31 - 1) })
      : fc.double({ noNaN: true });
  return fc.oneof({ weight: 4, arbitrary: inside }, { weight: 1, arbitrary: fc.constantFrom(minimum - 1, minimum, maximum, maximum + 1) });
}
