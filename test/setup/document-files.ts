// Files as the world sends them, made by code: honest documents, and those that pretend to be some. None holds anything of a real person.

import { crc32, deflateSync } from "node:zlib";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A PDF of one empty page; `filling` stands in a comment, so that any size can be made. */
export function aPdf(filling: string | Buffer = ""): Buffer {
  const head = latin1("%PDF-1.4\n");
  const body = Buffer.concat([
    latin1("1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"),
    latin1("3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n4 0 obj<</Length "),
    latin1(`${filling.length}>>stream\n`),
    Buffer.from(filling),
    latin1("\nendstream endobj\n"),
  ]);
  const place = head.length + body.length;
  return Buffer.concat([head, body, latin1(`xref\n0 1\n0000000000 65535 f \ntrailer<</Size 1/Root 1 0 R>>\nstartxref\n${place}\n%%EOF\n`)]);
}

/** A PDF of exactly so many bytes. */
export function aPdfOf(size: number, byte = 0x2e): Buffer {
  // How long the numbers in it are depends on its size.
  let filling = size - aPdf().length;
  let pdf = aPdf(Buffer.alloc(filling, byte));
  while (pdf.length !== size) {
    filling -= pdf.length - size;
    pdf = aPdf(Buffer.alloc(filling, byte));
  }
  return pdf;
}

function pngChunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([latin1(type), data]);
  return Buffer.concat([uint32(data.length), named, uint32(crc32(named))]);
}

/** A PNG whose header claims that size; its data are those of one pixel. */
export function aPng({ width = 1, height = 1, text = "" }: { width?: number; height?: number; text?: string } = {}): Buffer {
  return Buffer.concat([
    latin1("\x89PNG\r\n\x1a\n"),
    pngChunk("IHDR", Buffer.concat([uint32(width), uint32(height), Buffer.from([8, 0, 0, 0, 0])])),
    ...(text === "" ? [] : [pngChunk("tEXt", latin1(`Comment\0${text}`))]),
    pngChunk("IDAT", deflateSync(Buffer.from([0, 0]))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function jpegSegment(marker: number, data: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

/** A JPEG of one grey pixel. */
export function aJpeg({ comment = "", behind = "" }: { comment?: string; behind?: string } = {}): Buffer {
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    jpegSegment(0xe0, latin1("JFIF\0\x01\x01\0\0\x01\0\x01\0\0")),
    ...(comment === "" ? [] : [jpegSegment(0xfe, latin1(comment))]),
    jpegSegment(0xdb, Buffer.alloc(65, 1)),
    jpegSegment(0xc0, Buffer.from([8, 0, 1, 0, 1, 1, 1, 0x11, 0])),
    jpegSegment(0xc4, Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(15), Buffer.from([0])])),
    jpegSegment(0xda, Buffer.from([1, 1, 0, 0, 0x3f, 0])),
    Buffer.from([0x7f, 0xff, 0xd9]),
    latin1(behind),
  ]);
}

function box(type: string, data: Buffer): Buffer {
  return Buffer.concat([uint32(data.length + 8), latin1(type), data]);
}

/** A file of boxes with that major brand and those compatible ones. */
export function aHeic(major = "heic", compatible: readonly string[] = ["mif1", "heic"]): Buffer {
  return Buffer.concat([
    box("ftyp", Buffer.concat([latin1(major), uint32(0), latin1(compatible.join(""))])),
    box("meta", Buffer.alloc(40)),
    box("mdat", Buffer.alloc(100, 7)),
  ]);
}

/** An archive with one stored file, as it would begin at that offset of a larger file. */
export function aZip(offset = 0): Buffer {
  const name = latin1("a.txt");
  const content = latin1("hello");
  const common = (): Buffer => {
    const bytes = Buffer.alloc(26);
    bytes.writeUInt16LE(20, 0);
    bytes.writeUInt32LE(crc32(content), 10);
    bytes.writeUInt32LE(content.length, 14);
    bytes.writeUInt32LE(content.length, 18);
    bytes.writeUInt16LE(name.length, 22);
    return bytes;
  };
  const local = Buffer.concat([latin1("PK\x03\x04"), common(), name, content]);
  const place = Buffer.alloc(14);
  place.writeUInt32LE(offset, 10);
  const central = Buffer.concat([latin1("PK\x01\x02\x14\0"), common(), place, name]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset + local.length, 16);
  return Buffer.concat([local, central, end]);
}

/** The test pattern that every scanner finds, put together here so that no scanner finds this file. */
export function eicar(): Buffer {
  return latin1(["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].join(""));
}
