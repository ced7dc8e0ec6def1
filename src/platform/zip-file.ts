// A ZIP archive (PKWARE APPNOTE 6.3) made while it is sent: sizes and checksums follow each part. Parts and archive end below 4 GiB.

import { Readable } from "node:stream";
import { crc32, createDeflateRaw } from "node:zlib";
import { invariant } from "./problem.ts";

/** A file in the archive; its name is ASCII. */
export type ZipPart = { readonly name: string; readonly content: AsyncIterable<string> };

type Written = { readonly name: Buffer; readonly offset: number; readonly crc: number; readonly packed: number; readonly size: number };

const SIZE_MAX = 2 ** 32 - 1;
/** Sizes stand behind the part; names are UTF-8. */
const FLAGS = 0x0808;
const DEFLATED = 8;
const VERSION = 20;
/** 1980-01-01, the beginning of the format's calendar: the same content is the same archive. */
const DATE = 0x0021;

/** The archive's bytes. The parts are read one after the other, none before it is needed. */
export async function* zip(parts: AsyncIterable<ZipPart>): AsyncGenerator<Uint8Array> {
  const written: Written[] = [];
  let offset = 0;
  for await (const part of parts) {
    const name = Buffer.from(part.name);
    const header = Buffer.concat([head(0x04034b50, [VERSION]), common({ crc: 0, packed: 0, size: 0 }, name.length), words([0]), name]);
    yield header;
    const sums = { crc: 0, packed: 0, size: 0 };
    for await (const chunk of deflate(part.content, sums)) yield chunk;
    invariant(sums.size <= SIZE_MAX && offset + sums.packed <= SIZE_MAX, "an archive has become too large");
    yield Buffer.concat([head(0x08074b50, []), longs([sums.crc, sums.packed, sums.size])]);
    written.push({ name, offset, ...sums });
    offset += header.length + sums.packed + 16;
  }
  const directory = Buffer.concat(
    written.map((each) =>
      Buffer.concat([
        head(0x02014b50, [VERSION, VERSION]),
        common(each, each.name.length),
        // No extra field, no comment, first disk, no attributes.
        words([0, 0, 0, 0, 0, 0]),
        longs([each.offset]),
        each.name,
      ]),
    ),
  );
  invariant(offset + directory.length <= SIZE_MAX, "an archive has become too large");
  yield Buffer.concat([directory, head(0x06054b50, [0, 0, written.length, written.length]), longs([directory.length, offset]), words([0])]);
}

type Sums = { crc: number; packed: number; size: number };

/** Compresses; keeps count in `sums`. */
async function* deflate(content: AsyncIterable<string>, sums: Sums): AsyncGenerator<Buffer> {
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const text of content) {
      const bytes = Buffer.from(text);
      sums.crc = crc32(bytes, sums.crc);
      sums.size += bytes.length;
      // An empty piece would stop the stream.
      if (bytes.length > 0) yield bytes;
    }
  };
  const source = Readable.from(counted(), { objectMode: false, highWaterMark: 65_536 });
  const packer = source.pipe(createDeflateRaw());
  // An error of the source would not reach the packer's readers by itself.
  source.once("error", (error) => packer.destroy(error));
  try {
    for await (const chunk of packer) {
      const bytes = chunk as Buffer;
      sums.packed += bytes.length;
      yield bytes;
    }
  } finally {
    source.destroy();
  }
}

function head(signature: number, fields: readonly number[]): Buffer {
  return Buffer.concat([longs([signature]), words(fields)]);
}

/** What local headers and the directory say alike: flags, method, time, date, checksum, sizes, length of the name. */
function common({ crc, packed, size }: Sums, nameLength: number): Buffer {
  return Buffer.concat([words([FLAGS, DEFLATED, 0, DATE]), longs([crc, packed, size]), words([nameLength])]);
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, 2 * index);
  return bytes;
}

function longs(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}
