// Pure: signs that a file is something else as well: a page or a script that a browser or a web server would run, an archive that a tool
// would open. Each sign is long enough that compressed or random bytes do not show it by chance: below one in a million at 10 MiB.

/** Tags that begin a page, run something or load it, and marks of scripts; each with a text behind it, so that bytes of chance are none. */
const MARKUP =
  /<(?:(?:!doctype\s{1,8}html|html|head|body|script|iframe|object|embed|svg|style|link|meta\s{1,8}http-equiv|\?php)[\s>/](?=[\t\n\r -~]{8})|(?:\?=|%@)(?=[\t\n\r -~]{16}))/gi;
/** The end mark of a PDF (ISO 32000-2, 7.5.5). */
const PDF_END = "%%EOF";
/** No sign is longer. */
const SIGN_BYTES_MAX = 32;

/** Looks for markup while a file comes by, in pieces of any length; remembers places, not bytes. */
export class MarkupScan {
  #passed = 0;
  #rest = "";
  /** Where the first markup begins, in bytes from the file's beginning; Infinity: there is none. */
  firstMarkup = Infinity;
  /** Where the last markup begins; -1: there is none. */
  lastMarkup = -1;
  /** Where the last end mark of a PDF begins; -1: there is none. */
  lastPdfEnd = -1;

  take(bytes: Buffer): void {
    const text = this.#rest + bytes.toString("latin1");
    const offset = this.#passed - this.#rest.length;
    for (const { index } of text.matchAll(MARKUP)) {
      this.firstMarkup = Math.min(this.firstMarkup, offset + index);
      this.lastMarkup = offset + index;
    }
    const end = text.lastIndexOf(PDF_END);
    if (end !== -1) this.lastPdfEnd = offset + end;
    this.#passed += bytes.length;
    this.#rest = text.slice(-SIGN_BYTES_MAX);
  }
}

const END_OF_ARCHIVE = Buffer.from("PK\x05\x06", "latin1");
const WIDE_LOCATOR = Buffer.from("PK\x06\x07", "latin1");
/** The record that ends an archive, with the longest comment behind it. */
export const ARCHIVE_TAIL_MAX = 22 + 0xffff;
const WIDE = 0xffffffff;

/**
 * Whether an archive tool would find a ZIP in the file whose last bytes these are. Its directory must lie before its end: four bytes of
 * chance are no archive. `tail` begins at `offset` of the file.
 */
export function holdsArchive(tail: Buffer, offset: number): boolean {
  for (let at = tail.indexOf(END_OF_ARCHIVE); at !== -1 && at + 22 <= tail.length; at = tail.indexOf(END_OF_ARCHIVE, at + 1)) {
    const [size, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    const isWide = (size === WIDE || start === WIDE) && at >= 20 && tail.indexOf(WIDE_LOCATOR, at - 20) === at - 20;
    if (isWide || size + start <= offset + at) return true;
  }
  return false;
}
