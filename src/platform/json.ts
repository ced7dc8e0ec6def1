// The strict reader of request bodies. JSON.parse decides what JSON is; the scan before it refuses what JSON.parse lets through and
// two parsers may read differently (duplicate members), what would hurt later (NUL, half surrogate pairs, "__proto__"), and what is
// too deep or too much. Numbers keep their text, so that no amount ever passes through floating point (contract decision 1).

import { isAscii, isUtf8 } from "node:buffer";
import { JsonNumber } from "./json-numbers.ts";
import { scanJson } from "./json-scan.ts";

export { JsonNumber, type NumberFault, reviveNumbers } from "./json-numbers.ts";

/** Why a body is not taken: the answer is 400 `malformedRequest`. `path` names the field, in dotted form, where there is one. */
export type JsonFault = { readonly code: "malformed"; readonly message: string; readonly path?: string };

/** `hasNumbers` false: no number stands in the document, and `reviveNumbers` may be left out. */
export type JsonDocument = { readonly value: unknown; readonly hasNumbers: boolean };

/** `numbers: "double"` gives plain numbers, for documents without money (tokens, key sets); else each is a `JsonNumber`. */
export type JsonOptions = { readonly membersMax?: number; readonly numbers?: "text" | "double" };

/** Deepest nesting of a document. */
export const JSON_DEPTH_MAX = 64;

/** Most members and elements of a document, all depths together, unless the caller of `parseJson` says otherwise. */
export const JSON_MEMBERS_MAX = 10_000;

/** Reads a whole document (RFC 8259; duplicates and half surrogate pairs are refused as in RFC 7493). Never throws. */
export function parseJson(bytes: Buffer, options: JsonOptions = {}): JsonDocument | JsonFault {
  const text = decode(bytes);
  if (text === null) return malformed("The body must be UTF-8.");
  if (text.charCodeAt(0) === 0xfeff) return malformed("The body must not begin with a byte order mark.");
  const scan = scanJson(text, { depthMax: JSON_DEPTH_MAX, membersMax: options.membersMax ?? JSON_MEMBERS_MAX });
  if ("message" in scan) return { code: "malformed", ...scan };
  const keepsText = scan.hasNumbers && options.numbers !== "double";
  try {
    const value: unknown = keepsText ? JSON.parse(text, keepNumberText) : JSON.parse(text);
    return { value, hasNumbers: scan.hasNumbers };
  } catch {
    // The engine's message quotes the body, which may hold personal data: it goes neither to the caller nor to a log.
    return malformed("The body must be a JSON document.");
  }
}

function decode(bytes: Buffer): string | null {
  if (isAscii(bytes)) return bytes.toString("latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : null;
}

function malformed(message: string): JsonFault {
  return { code: "malformed", message };
}

function keepNumberText(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" ? new JsonNumber(context?.source ?? String(value)) : value;
}
