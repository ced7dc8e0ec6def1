// The strict reader of request bodies. JSON.parse decides what JSON is; the scan before it refuses what JSON.parse lets through and
// two parsers may read differently (duplicate members), what would hurt later (NUL, half surrogate pairs, "__proto__"), and what is
// too deep or too much. Numbers keep their text, so that no amount ever passes through floating point (contract decision 1).

import { isAscii, isUtf8 } from "node:buffer";
import { JsonNumber } from "./json-numbers.ts";
import { scanJson } from "./json-scan.ts";

export { JsonNumber, reviveNumbers } from "./json-numbers.ts";

/** Why a body is not taken: the answer is 400 `malformedRequest`. `path` names the field, in dotted form, where there is one. */
export type JsonFault = { readonly code: "malformed"; readonly message: string; readonly path?: string };

/** `hasNumbers` false: no number stands in the document, and `reviveNumbers` may be left out. */
export type JsonDocument = { readonly value: unknown; readonly hasNumbers: boolean };

/** Deepest nesting of a document. */
export const JSON_DEPTH_MAX = 64;

/** Most members and elements of a document, all depths together; an operation that takes long lists says its own number. */
export const JSON_MEMBERS_MAX = 10_000;

/** Reads a whole document (RFC 8259; duplicates and half surrogate pairs are refused as in RFC 7493). Never throws. */
export function parseJson(bytes: Buffer, membersMax: number = JSON_MEMBERS_MAX): JsonDocument | JsonFault {
  const text = decode(bytes);
  if (text === null) return malformed("The body must be UTF-8.");
  if (text.charCodeAt(0) === 0xfeff) return malformed("The body must not begin with a byte order mark.");
  const scan = scanJson(text, { depthMax: JSON_DEPTH_MAX, membersMax });
  if ("message" in scan) return { code: "malformed", ...scan };
  try {
    // The reviver makes JSON.parse several times slower: only where there is something to keep.
    const value: unknown = scan.hasNumbers ? JSON.parse(text, keepNumberText) : JSON.parse(text);
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
