// Pure: what a file is, judged by its bytes alone as they come by: PDF, JPEG, PNG or HEIC by its header, and not something else as well.
// Names and media types that somebody wrote beside it mean nothing here. Holds the last 64 KiB at most; decodes nothing.

import { ARCHIVE_TAIL_MAX, holdsArchive, MarkupScan } from "./foreign.ts";
import { type ContentType, HEADER_BYTES_MAX, typeByHeader } from "./header.ts";

/** How far a browser that guesses looks into a file (WHATWG MIME Sniffing, 5.2). */
const SNIFFED_BYTES = 1445;

export class ContentJudge {
  #size = 0;
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  readonly #scan = new MarkupScan();

  take(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#head.length < HEADER_BYTES_MAX)
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEADER_BYTES_MAX - this.#head.length)]);
    this.#tail = tailOf(this.#tail, bytes);
    this.#scan.take(bytes);
  }

  /** True as soon as no more bytes could make it a document. */
  get isHopeless(): boolean {
    return this.#head.length === HEADER_BYTES_MAX && typeByHeader(this.#head) === null;
  }

  /** After the last byte: what it is; null: nothing that is accepted. */
  verdict(): ContentType | null {
    const type = typeByHeader(this.#head);
    const isForeign = this.#holdsPage(type) || holdsArchive(this.#tail, this.#size - this.#tail.length);
    return isForeign ? null : type;
  }

  /** In a PDF, which may print the text of a page, only where a browser looks, and behind its end. */
  #holdsPage(type: ContentType | null): boolean {
    const { firstMarkup, lastMarkup, lastPdfEnd } = this.#scan;
    return type === "application/pdf" ? firstMarkup < SNIFFED_BYTES || lastMarkup > lastPdfEnd : lastMarkup !== -1;
  }
}

function tailOf(before: Buffer, bytes: Buffer): Buffer<ArrayBuffer> {
  const all = bytes.length >= ARCHIVE_TAIL_MAX ? bytes : Buffer.concat([before, bytes]);
  return Buffer.from(all.subarray(-ARCHIVE_TAIL_MAX));
}
