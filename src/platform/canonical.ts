// One text for one meaning, so that two requests can be compared by a hash (idempotency) and rows can be sealed.

import { hash } from "node:crypto";

/**
 * JSON without white space, names sorted by code unit (as RFC 8785), members that are undefined left out, bigints as digits.
 * Throws TypeError for what has no such text: NaN, infinities, functions, and objects that are not plain (a Date, a Map).
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
    case "bigint":
      return value.toString();
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON text`);
      return JSON.stringify(value);
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `[${value.map(canonicalJson).join(",")}]` : canonicalObject(value);
    default:
      throw new TypeError(`A ${typeof value} has no JSON text`);
  }
}

function canonicalObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError(`A ${value.constructor.name} has no JSON text`);
  const members: string[] = [];
  for (const [name, member] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

/**
 * SHA-256, in hex, over the parts, each preceded by its length, so that moving a character from one part to the next changes the
 * hash. Parts must be well-formed Unicode.
 */
export function fingerprint(parts: readonly string[]): string {
  let text = "";
  for (const part of parts) text += `${part.length}:${part}`;
  // As text, although it is longer: a Buffer of its own for each hash costs more than the hash.
  return hash("sha256", text, "hex");
}
