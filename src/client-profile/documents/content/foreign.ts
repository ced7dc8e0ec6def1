// Pure: what must not hide in a file that is something else as well. A file that a browser, an archive tool or a web server's interpreter
// would also take for theirs is not an honest document.

import { latin1 } from "./structure.ts";

const MARKUP = /<(?:!doctype\s+html|html|head|body|script|iframe|object|embed|svg|style|link|meta\s+http-equiv|\?php|%@)[\s>/]/i;

/** Whether the bytes hold what a browser or a web server would run. */
export function holdsMarkup(bytes: Uint8Array): boolean {
  return MARKUP.test(latin1(bytes));
}

const END_OF_ARCHIVE = Buffer.from("PK\x05\x06", "latin1");
const WIDE_LOCATOR = Buffer.from("PK\x06\x07", "latin1");
/** The record that ends an archive, with the longest comment behind it. */
export const ARCHIVE_TAIL_MAX = 22 + 0xffff;
const WIDE = 0xffffffff;

/**
 * Whether an archive tool would find a ZIP in the file whose last bytes these are. Its record must make sense: four bytes of chance are no
 * archive. `tail` begins at `offset` of the file.
 */
export function holdsArchive(tail: Buffer, offset: number): boolean {
  for (let at = tail.indexOf(END_OF_ARCHIVE); at !== -1; at = tail.indexOf(END_OF_ARCHIVE, at + 1)) {
    if (at + 22 > tail.length) return false;
    const isOneDisk = tail.readUInt16LE(at + 4) === tail.readUInt16LE(at + 6) && tail.readUInt16LE(at + 8) === tail.readUInt16LE(at + 10);
    const [size, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
    const isWide = (size === WIDE || start === WIDE) && at >= 20 && tail.indexOf(WIDE_LOCATOR, at - 20) === at - 20;
    if (isOneDisk && (isWide || size + start <= offset + at)) return true;
  }
  return false;
}
