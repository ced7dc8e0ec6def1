// Pure: from the records of a file to clients, row by row, by the rules of operations 99 and 100. A row that is at fault hinders no other.
// What is told of a fault names fields and rules, and never what stood in a field.

import type { ClientProfile } from "#client-profile";
import { type JsonDocument, type JsonFault, parseJson } from "#platform/json.ts";
import type { FieldErrors } from "#platform/problem.ts";
import { bodyOf, cellsOf } from "./csv.ts";
import type { FileRecord } from "./records.ts";

/** A client as client profiles take it. */
export type NewClient = Parameters<ClientProfile["createClients"]>[1][number];

export type FaultCode = "validationFailed" | "malformedRequest" | "payloadTooLarge" | "duplicateExternalId";

/** Why a row makes no client. */
export type RowFault = {
  readonly code: FaultCode;
  readonly externalId: string | null;
  readonly errors: FieldErrors;
};

/** What a row is: a client that may be stored, or not. */
export type Judged = { readonly client: NewClient } | { readonly fault: RowFault };

/** The body of operation 99 or 100, judged: by the shapes and rules that these operations have. */
export type JudgeBody = (body: Record<string, unknown>) => { readonly client: NewClient } | { readonly errors: FieldErrors };

/** What judges rows, by the row's `type`. */
export type Judges = Readonly<Record<"individual" | "company", JudgeBody>>;

const EXTERNAL_ID_MAX = 100;

/** Fields that a fault names at most. */
const FIELDS_MAX = 20;
/** Nobody calls a field otherwise: what looks different may be data that was put in the place of a name. */
const FIELD_NAME = /^(?:\$|[0-9]{1,6}|[A-Za-z][A-Za-z0-9_-]{0,39})$/;

/** A row of NDJSON: a body of operation 99, or with `type` "company" one of operation 100. */
export function judgeLine(record: FileRecord, judges: Judges): Judged {
  if (record.bytes === null) return TOO_LONG;
  const document = parseJson(record.bytes);
  if (!("value" in document)) return malformed({ [document.path ?? "$"]: [ofRow(document)] });
  return judgeBody(document, judges);
}

/** A row of CSV: an individual, field by field as the header names them. */
export function judgeCells(record: FileRecord, header: readonly string[], judges: Judges): Judged {
  if (record.bytes === null) return TOO_LONG;
  const cells = cellsOf(record.bytes);
  if ("message" in cells) return malformed({ $: [cells.message] });
  if (cells.length !== header.length) return malformed({ $: [`The row must have ${header.length} cells, as the first line has.`] });
  return judged(bodyOf(header, cells), judges.individual);
}

const TOO_LONG = {
  fault: { code: "payloadTooLarge", externalId: null, errors: { $: ["The row must not be longer than 1 MiB."] } },
} as const satisfies { fault: RowFault };

function judgeBody({ value }: JsonDocument, judges: Judges): Judged {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { fault: { code: "validationFailed", externalId: null, errors: { $: ["The row must be an object."] } } };
  }
  const { type, ...body } = value as Record<string, unknown>;
  if (type === undefined || type === "individual" || type === "company") return judged(body, judges[type ?? "individual"]);
  return faulty(body, { type: ["The field must be one of: individual, company."] });
}

function judged(body: Record<string, unknown>, judge: JudgeBody): Judged {
  const verdict = judge(body);
  return "client" in verdict ? verdict : faulty(body, verdict.errors);
}

function faulty({ externalId }: Record<string, unknown>, errors: FieldErrors): { readonly fault: RowFault } {
  const isKnown = typeof externalId === "string" && externalId !== "" && Array.from(externalId).length <= EXTERNAL_ID_MAX;
  return { fault: { code: "validationFailed", externalId: isKnown ? externalId : null, errors: withoutData(errors) } };
}

function malformed(errors: FieldErrors): { readonly fault: RowFault } {
  return { fault: { code: "malformedRequest", externalId: null, errors: withoutData(errors) } };
}

/** The sentences of the reader speak of a body. */
function ofRow({ message }: JsonFault): string {
  return message.replace(/^The body/, "The row");
}

/** A member's name is the sender's text: one that is no name of a field is left out of the path. */
export function withoutData(errors: FieldErrors): FieldErrors {
  const kept = new Map<string, Set<string>>();
  for (const [path, sentences] of Object.entries(errors)) {
    const place = path
      .split(".")
      .map((step) => (FIELD_NAME.test(step) ? step : "*"))
      .join(".");
    if (kept.size === FIELDS_MAX && !kept.has(place)) continue;
    kept.set(place, new Set([...(kept.get(place) ?? []), ...sentences]));
  }
  return Object.fromEntries([...kept].map(([place, sentences]) => [place, [...sentences]]));
}
