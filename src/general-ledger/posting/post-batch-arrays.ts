// Lists as PostgreSQL reads arrays. Written here because the driver's own encoder costs more than the rest of the call. Ids and hashes go in
// binary, which the server reads eight times faster than their text; a list in which nobody says anything goes as null. Pure.

import { invariant } from "#platform/problem.ts";

type Value = string | number | bigint | null;

/** An array literal of values that need no quotes: numbers, dates, words of ours. */
export function plain(values: readonly Value[]): string {
  return `{${values.map((value) => value ?? "NULL").join(",")}}`;
}

/** An array literal of callers' texts. */
export function texts(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : `"${value.replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
}

/** As `plain`, `texts` and `uuids`, where most lists say nothing. */
export const rare = unlessEmpty(plain);
export const rareTexts = unlessEmpty(texts);
export const rareUuids = unlessEmpty(uuids);

function unlessEmpty<V, Written>(write: (values: readonly (V | null)[]) => Written): (values: readonly (V | null)[]) => Written | null {
  return (values) => (values.every((value) => value === null) ? null : write(values));
}

/** A binary array of uuids, in any letter case, with hyphens. */
export function uuids(values: readonly (string | null)[]): Buffer {
  return binary(UUID, 16, values);
}

/** A binary array of SHA-256 hashes in hex. */
export function hashes(values: readonly (string | null)[]): Buffer {
  return binary(BYTEA, 32, values);
}

const UUID = 2950;
const BYTEA = 17;
const HEADER_BYTES = 20;

/** The server's binary form of a one-dimensional array: dimensions, nulls, type, length, lower bound; then each element behind its length. */
function binary(type: number, size: number, values: readonly (string | null)[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + values.length * (4 + size));
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(1, 4);
  bytes.writeInt32BE(type, 8);
  bytes.writeInt32BE(values.length, 12);
  bytes.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = bytes.writeInt32BE(value === null ? -1 : size, at);
    if (value !== null) at = writeHex(bytes, at, value, size);
  }
  return bytes.subarray(0, at);
}

const HYPHEN = 45;
const NO_DIGIT = 255;
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) {
  for (const digit of [value.toString(16), value.toString(16).toUpperCase()]) DIGITS[digit.charCodeAt(0)] = value;
}

/** Writes hex digits as bytes, passing over hyphens; returns where they end. */
function writeHex(bytes: Buffer, start: number, text: string, size: number): number {
  let at = start;
  let seen = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === HYPHEN) continue;
    const high = DIGITS[char] ?? NO_DIGIT;
    const low = DIGITS[text.charCodeAt(++index)] ?? NO_DIGIT;
    seen |= high | low;
    bytes[at++] = (high << 4) | low;
  }
  invariant(seen < 16 && at === start + size, "an id or hash that is none");
  return at;
}
