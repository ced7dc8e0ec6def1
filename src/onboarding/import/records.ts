// Pure: from the bytes of a file, as they come, to its records. Lines of NDJSON, and CSV records (RFC 4180), whose quoted cells may hold line
// ends. No more of a record is kept than a request of its own could have; what is longer is passed over to its end and told as too long.

import { createHash, type Hash } from "node:crypto";

/** As large as the body of a single import. */
export const RECORD_BYTES_MAX = 1024 * 1024;

export type RecordForm = "lines" | "csv";

/** One record without its line end. `bytes` null: longer than RECORD_BYTES_MAX. `hash`: SHA-256 of all of it. */
export type FileRecord = { readonly bytes: Buffer; readonly hash: Buffer } | { readonly bytes: null; readonly hash: Buffer };

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Where a CSV reader stands. `closed`: behind a quote that ends its cell, or is the first of two. */
type Place = "cellStart" | "bare" | "quoted" | "closed";

/** Pieces of a record that are kept apart: a sender of single bytes must not cost a hundred times their number. */
const PARTS_MAX = 1_000;

/**
 * Takes the file piece by piece, cut anywhere, and gives the records that are whole. Blank lines are none, and a byte order mark at the
 * start of the file is not part of the first.
 */
export class RecordSplitter {
  readonly #form: RecordForm;
  #place: Place = "cellStart";
  #parts: Buffer[] = [];
  #length = 0;
  /** Of a record that is too long to be kept. */
  #longHash: Hash | null = null;
  #isFirst = true;

  constructor(form: RecordForm) {
    this.#form = form;
  }

  /** The record at hand is inside quotes: where the file ends here, they were never closed. */
  get isInQuotes(): boolean {
    return this.#place === "quoted";
  }

  /** True when the record at hand is already too long to be kept. */
  get isTooLong(): boolean {
    return this.#longHash !== null;
  }

  push(piece: Uint8Array): FileRecord[] {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const hasQuotes = this.#form === "csv" && chunk.includes(QUOTE);
    const records: FileRecord[] = [];
    for (let start = 0; ; ) {
      const end = hasQuotes || this.#place === "quoted" ? this.#endInQuotes(chunk, start) : this.#endOfLine(chunk, start);
      this.#keep(chunk.subarray(start, end === -1 ? chunk.length : end));
      if (end === -1) return records;
      this.#finish(records);
      start = end + 1;
    }
  }

  /** The last record, which may lack its line end. */
  end(): FileRecord[] {
    const records: FileRecord[] = [];
    this.#finish(records);
    return records;
  }

  /** Without quotes around, only line ends matter. */
  #endOfLine(chunk: Buffer, start: number): number {
    const end = chunk.indexOf(LF, start);
    if (this.#form === "csv") this.#place = end === -1 && start < chunk.length ? placeAfter(chunk[chunk.length - 1]) : this.#place;
    return end;
  }

  #endInQuotes(chunk: Buffer, start: number): number {
    let place = this.#place;
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at];
      if (place === "quoted") {
        if (byte === QUOTE) place = "closed";
      } else if (byte === LF) {
        return at;
      } else if (byte === QUOTE && place !== "bare") {
        // At the start of a cell it opens quotes, behind quotes it is one that was meant.
        place = "quoted";
      } else {
        place = placeAfter(byte);
      }
    }
    this.#place = place;
    return -1;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#longHash !== null) {
      this.#longHash.update(part);
      return;
    }
    if (this.#parts.length === PARTS_MAX) this.#parts = [Buffer.concat(this.#parts)];
    this.#parts.push(part);
    // One more byte: it may be the first half of a line end.
    if (this.#length <= RECORD_BYTES_MAX + 1) return;
    this.#longHash = createHash("sha256");
    for (const kept of this.#parts) this.#longHash.update(kept);
    this.#parts = [];
  }

  #finish(records: FileRecord[]): void {
    const [parts, longHash, isFirst] = [this.#parts, this.#longHash, this.#isFirst];
    this.#parts = [];
    this.#length = 0;
    this.#longHash = null;
    this.#place = "cellStart";
    this.#isFirst = false;
    if (longHash !== null) {
      records.push({ bytes: null, hash: longHash.digest() });
      return;
    }
    const bytes = withoutFrame(parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts), isFirst);
    if (isBlank(bytes)) return;
    const hash = createHash("sha256").update(bytes).digest();
    records.push({ bytes: bytes.length > RECORD_BYTES_MAX ? null : bytes, hash });
  }
}

function placeAfter(byte: number | undefined): Place {
  return byte === COMMA ? "cellStart" : "bare";
}

function withoutFrame(bytes: Buffer, isFirst: boolean): Buffer {
  const start = isFirst && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  return bytes.subarray(start, bytes.at(-1) === CR ? bytes.length - 1 : bytes.length);
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === SPACE || byte === TAB || byte === CR);
}
