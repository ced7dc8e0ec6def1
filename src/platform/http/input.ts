// From bytes to checked input: one validator per part of a request, all complaints at once, by dotted field path.

import type { TObject, TSchema } from "typebox";
import type { ValidateFunction } from "ajv";
import { buildAjv, buildQueryAjv, describeErrors } from "../ajv.ts";
import { reviveNumbers } from "../json.ts";
import { type FieldErrors, refusePlatform } from "../problem.ts";
import { isUuid } from "../ids.ts";
import type { Endpoint } from "./endpoint.ts";

const bodyAjv = buildAjv();
const queryAjv = buildQueryAjv();

export type Input = { readonly params: Record<string, string>; readonly query: unknown; readonly body: unknown };

/** Compiles the checks of one endpoint. The result throws notFound for an id that is none, and validationFailed with every fault. */
export function compileInput(endpoint: Endpoint): (raw: { params: unknown; query: unknown; body: unknown }) => Input {
  const checkParams = endpoint.params === undefined ? null : bodyAjv.compile(endpoint.params);
  const checkQuery = queryAjv.compile(endpoint.query ?? NO_QUERY);
  const checkBody = endpoint.body === undefined ? null : bodyAjv.compile(endpoint.body);

  return (raw) => {
    const params = raw.params as Record<string, string>;
    // An id that cannot exist is answered like one that does not.
    if (checkParams === null ? !Object.values(params).every(isUuid) : !checkParams(params)) refusePlatform("notFound");
    // Without a prototype: a field may be called "constructor".
    const errors = Object.create(null) as FieldErrors;
    collect(errors, checkQuery, raw.query);
    refuseNul(errors, raw.query);
    const body = readBody(endpoint, checkBody, raw.body, errors);
    if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });
    return { params: lowerCaseIds(params), query: raw.query, body };
  };
}

/** No text of the database can hold U+0000; a JSON body with one was refused when it was read. */
function refuseNul(errors: FieldErrors, query: unknown): void {
  for (const [name, value] of Object.entries(query as object)) {
    if ([value].flat().some((text) => typeof text === "string" && text.includes("\0"))) {
      errors[name] ??= ["The field must not contain the character U+0000."];
    }
  }
}

const NO_QUERY: TObject = { type: "object", properties: {}, required: [], additionalProperties: false } as unknown as TObject;

function readBody(endpoint: Endpoint, check: ValidateFunction | null, sent: unknown, errors: FieldErrors): unknown {
  const raw = sent === undefined && endpoint.isBodyOptional === true ? {} : sent;
  if (check === null || endpoint.body === undefined) {
    if (raw !== undefined && raw !== null) errors["$"] = ["This operation takes no body."];
    return undefined;
  }
  const { value, faults } = reviveNumbers(raw === undefined ? null : raw, endpoint.body);
  for (const fault of faults) (errors[fault.path] ??= []).push(fault.message);
  if (raw === undefined) errors["$"] = ["A body is required."];
  else if (faults.length === 0) collect(errors, check, value);
  return value;
}

/** The check of a body that is judged outside of an endpoint's own, such as one item of a list: the faults, or null. */
export function bodyChecker(schema: TSchema): (value: unknown) => FieldErrors | null {
  const check = bodyAjv.compile(schema);
  return (value) => (check(value) ? null : describeErrors(check.errors ?? []));
}

function collect(errors: FieldErrors, check: ValidateFunction, value: unknown): void {
  if (check(value)) return;
  for (const [path, messages] of Object.entries(describeErrors(check.errors ?? []))) {
    errors[path] = [...(errors[path] ?? []), ...messages];
  }
}

function lowerCaseIds(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, isUuid(value) ? value.toLowerCase() : value]));
}
