// Pure: what a file is, judged by its bytes alone as they come by: PDF, JPEG, PNG or HEIC from the first byte to the last, or not
// accepted. Names and media types that somebody wrote beside it mean nothing here. Holds the first and the last 64 KiB at most; decodes nothing.

import { ARCHIVE_TAIL_MAX, holdsArchive, holdsMarkup } from "./foreign.ts";
import { walkHeic, walkJpeg, walkPng } from "./skeletons.ts";
import { latin1, type StructureWalk } from "./structure.ts";

/** Media types of documents (contract 5.3, operation 9). */
export const CONTENT_TYPES = ["application/pdf", "image/jpeg", "image/png", "image/heic"] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

const HEAD_BYTES = 64 * 1024;
/** How far a reader of PDF, or a browser that guesses, looks for its signature. */
const PDF_HEAD_BYTES = 1445;
const PDF_TAIL_BYTES = 2048;
const JPEG_PADDING_MAX = 64;
const PDF_HEADER = /^%PDF-[12]\.[0-9][\s%]/;
const PDF_END = /startxref[\s\0]+([0-9]{1,10})[\s\0]+%%EOF[\s\0]*$/;

export class ContentJudge {
  #size = 0;
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  readonly #png = walkPng();
  readonly #jpeg = walkJpeg();
  readonly #heic = walkHeic();

  take(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#head.length < HEAD_BYTES) this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEAD_BYTES - this.#head.length)]);
    this.#tail = tailOf(this.#tail, bytes);
    for (const walk of this.#walks()) walk.take(bytes);
  }

  /** True as soon as no more bytes could make it a document. */
  get isHopeless(): boolean {
    return this.#head.length >= 16 && this.#walks().every((walk) => walk.place === "foreign") && !this.#beginsAsPdf();
  }

  /** After the last byte: what it is; null: nothing that is accepted. */
  verdict(): ContentType | null {
    const type = this.#skeleton();
    if (type === null || holdsArchive(this.#tail, this.#size - this.#tail.length)) return null;
    const judged = type === "application/pdf" ? [this.#head.subarray(0, PDF_HEAD_BYTES)] : [this.#head, this.#tail];
    return judged.some(holdsMarkup) ? null : type;
  }

  #walks(): readonly StructureWalk[] {
    return [this.#png, this.#jpeg, this.#heic.walk];
  }

  #skeleton(): ContentType | null {
    if (this.#beginsAsPdf()) return this.#endsAsPdf() ? "application/pdf" : null;
    if (this.#png.place === "ended") return "image/png";
    if (this.#jpeg.place === "free") return this.#endsAsJpeg() ? "image/jpeg" : null;
    return this.#heic.isWhole() ? "image/heic" : null;
  }

  #beginsAsPdf(): boolean {
    return PDF_HEADER.test(latin1(this.#head, 0, 16));
  }

  /** The place of the cross-reference table and the end mark, and nothing behind them (ISO 32000-2, 7.5.5). */
  #endsAsPdf(): boolean {
    const [, place] = PDF_END.exec(latin1(this.#tail.subarray(-PDF_TAIL_BYTES))) ?? [];
    return place !== undefined && Number(place) < this.#size;
  }

  /** The mark of the end, and nothing behind it but padding or the block that phones of one make put there. */
  #endsAsJpeg(): boolean {
    const tail = latin1(this.#tail);
    if (tail.endsWith("SEFT")) return tail.includes("\xff\xd9");
    let end = tail.length;
    while (end > 0 && tail.length - end < JPEG_PADDING_MAX && tail[end - 1] === "\0") end -= 1;
    return tail.slice(0, end).endsWith("\xff\xd9");
  }
}

function tailOf(before: Buffer, bytes: Uint8Array): Buffer<ArrayBuffer> {
  const all = bytes.length >= ARCHIVE_TAIL_MAX ? Buffer.from(bytes) : Buffer.concat([before, bytes]);
  return Buffer.from(all.subarray(-ARCHIVE_TAIL_MAX));
}
