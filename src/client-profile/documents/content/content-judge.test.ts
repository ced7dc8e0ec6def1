// The zoo: what people and attackers send under the name of a document, and what the judge makes of it.

import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aHeic, aJpeg, aPdf, aPdfOf, aPng, aZip, eicar } from "../../../../test/setup/document-files.ts";
import { ContentJudge } from "./content-judge.ts";
import type { ContentType } from "./header.ts";

function judge(bytes: Buffer, piece = bytes.length): ContentType | null {
  const judged = new ContentJudge();
  for (let at = 0; at < bytes.length; at += piece) judged.take(bytes.subarray(at, at + piece));
  return judged.verdict();
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const png = aPng();
const page = latin1("<html><script>alert(1)</script></html>");
const film = aHeic("mp42", ["isom", "mp42"]);
/** The first bytes of each type, as they stand in the tables of signatures. */
const HEADERS: readonly [string, Buffer, ContentType][] = [
  ["PDF", latin1("%PDF-1.7"), "application/pdf"],
  ["JPEG", latin1("\xff\xd8\xff\xe0"), "image/jpeg"],
  ["PNG", latin1("\x89PNG\r\n\x1a\n"), "image/png"],
  ["HEIC", latin1("\0\0\0\x18ftypheic"), "image/heic"],
];

const honest: readonly [string, Buffer, ContentType][] = [
  ...HEADERS.flatMap(([name, header, type]): [string, Buffer, ContentType][] => [
    [`the header of a ${name} alone`, header, type],
    [`the header of a ${name} with zeros behind it`, Buffer.concat([header, Buffer.alloc(100_000)]), type],
    [`the header of a ${name} with text behind it`, Buffer.concat([header, Buffer.alloc(100_000, "Dear Sir, a < b > c. ")]), type],
  ]),
  ["a PDF", aPdf(), "application/pdf"],
  ["a large PDF", aPdfOf(300_000), "application/pdf"],
  ["a PDF without objects", latin1("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"), "application/pdf"],
  ["a PDF with Windows line ends", latin1(aPdf().toString("latin1").replaceAll("\n", "\r\n")), "application/pdf"],
  ["a PDF with zeros behind its end", Buffer.concat([aPdf(), Buffer.alloc(5_000)]), "application/pdf"],
  ["a PDF without an end", aPdf().subarray(0, -8), "application/pdf"],
  ["a PDF that was changed and so has two ends", Buffer.concat([aPdf(), aPdf().subarray(9)]), "application/pdf"],
  ["a PDF that prints the text of a page", aPdf(Buffer.concat([Buffer.alloc(2_000), page])), "application/pdf"],
  ["a PDF with a million objects", aPdf("1 0 obj<<>>endobj\n".repeat(1_000_000).slice(0, 10_000_000)), "application/pdf"],
  ["a JPEG", aJpeg(), "image/jpeg"],
  ["a JPEG with a comment", aJpeg({ comment: "taken in <the> morning" }), "image/jpeg"],
  ["a JPEG without an end", aJpeg().subarray(0, -2), "image/jpeg"],
  ["a JPEG with metadata in XML", aJpeg({ comment: '<?xpacket?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>' }), "image/jpeg"],
  ["a JPEG with a property list", aJpeg({ comment: '<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN">' }), "image/jpeg"],
  ["a JPEG of a phone that adds a block", aJpeg({ behind: "\0\0\x01\x0aImage_UTC_DataSEFH\x6b\0\0\0SEFT" }), "image/jpeg"],
  ["a JPEG of a phone that adds a film", Buffer.concat([aJpeg(), film]), "image/jpeg"],
  ["a PNG", png, "image/png"],
  ["a PNG with a text", aPng({ text: "a < b" }), "image/png"],
  ["a PNG cut off", png.subarray(0, -16), "image/png"],
  ["a PNG that claims 50 000 by 50 000 pixels", aPng({ width: 50_000, height: 50_000 }), "image/png"],
  ...["heic", "heix", "heim", "heis"].map((brand): [string, Buffer, ContentType] => [
    `a HEIC of brand ${brand}`,
    aHeic(brand),
    "image/heic",
  ]),
  ["a HEIC whose brand says pictures", aHeic("mif1", ["mif1", "heic"]), "image/heic"],
  ["a HEIC whose brand says sequences", aHeic("msf1", ["msf1", "hevc"]), "image/heic"],
  ["a HEIC cut off", aHeic().subarray(0, -1), "image/heic"],
  ["bytes that look like a tag but are none", Buffer.concat([aJpeg(), latin1("<svg \x80\xff\0<?=\x9c<?php \x01")]), "image/jpeg"],
  ["four bytes that begin the end of an archive", Buffer.concat([png, latin1("PK\x05\x06"), Buffer.alloc(100, 0xa7)]), "image/png"],
];

const refused: readonly [string, Buffer][] = [
  ["nothing", Buffer.alloc(0)],
  ["one byte", latin1("%")],
  ...HEADERS.flatMap(([name, header]): [string, Buffer][] => [
    [`the header of a ${name} without its first byte`, Buffer.concat([header.subarray(1), Buffer.alloc(500)])],
    [`the header of a ${name} behind a byte`, Buffer.concat([latin1("\n"), header, Buffer.alloc(500)])],
    [`the header of a ${name} with an archive behind it`, Buffer.concat([header, aZip(header.length)])],
    [`the header of a ${name} with a page behind it`, Buffer.concat([header, page])],
    [`the header of a ${name} with a page far behind it`, Buffer.concat([header, Buffer.alloc(200_000), page])],
  ]),
  ["zeros", Buffer.alloc(500)],
  ["a program of Windows", Buffer.concat([latin1("MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"), Buffer.alloc(500)])],
  ["a program of Linux", Buffer.concat([latin1("\x7fELF\x02\x01\x01"), Buffer.alloc(500)])],
  ["a page", Buffer.from("<!doctype html><html><body>hello</body></html>")],
  ["a drawing", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
  ["a PHP script", Buffer.from("<?php system($_GET['c']); ?>")],
  ["a JavaScript", Buffer.from("alert(1)//".repeat(20))],
  ["a GIF", latin1("GIF89a\x01\0\x01\0\0\0\0;")],
  ["a GIF that is a JavaScript too", latin1("GIF89a/*\0\0*/=1;alert(1)//;")],
  ["a TIFF", Buffer.concat([latin1("II*\0\x08\0\0\0"), Buffer.alloc(100)])],
  ["a WebP", latin1("RIFF\x24\0\0\0WEBPVP8 ")],
  ["an archive", aZip()],
  ["an archive with a PDF inside", Buffer.concat([aZip(), aPdf()])],
  ["the test pattern of scanners", eicar()],
  ["text", Buffer.from("Dear Sir or Madam,\n")],
  ["a PDF with an archive inside", aPdf(aZip(9))],
  ["a PDF with an archive behind it and an end behind that", Buffer.concat([aPdf(), aZip(aPdf().length), aPdf().subarray(-30)])],
  ["a PDF with an archive behind it and padding behind that", Buffer.concat([aPdf(), aZip(aPdf().length), Buffer.alloc(60_000)])],
  [
    "a PDF with an archive of several disks behind it",
    Buffer.concat([aPdf(), latin1("PK\x05\x06\x01\0\0\0\x01\0\x02\0"), Buffer.alloc(10)]),
  ],
  [
    "a PDF with a very large archive behind it",
    Buffer.concat([aPdf(), latin1("PK\x06\x07"), Buffer.alloc(16), latin1("PK\x05\x06"), Buffer.alloc(8), Buffer.alloc(10, 0xff)]),
  ],
  ["a PDF that begins as a page", aPdf(page)],
  ["a large PDF with a page behind it", Buffer.concat([aPdfOf(300_000), page])],
  ["a PDF that begins as a PHP script", latin1("%PDF-1.4\n<?php system($_GET[0]); ?>\n%%EOF")],
  ["a JPEG with a page in its comment", aJpeg({ comment: "<html><body onload=alert(1)>" })],
  ["a JPEG with a PHP script in its comment", aJpeg({ comment: "<?php system('id') ?>" })],
  ["a JPEG with a short PHP script in its comment", aJpeg({ comment: "<?=system($_GET['c'])?>" })],
  ["a JPEG with a page behind it", aJpeg({ behind: "<HTML>\n<Script>alert(1)</script></html>" })],
  ["a JPEG with a page behind it and an end behind that", aJpeg({ behind: "<script>alert(1)</script>\xff\xd9" })],
  ["a JPEG with a page between paddings", Buffer.concat([aJpeg(), Buffer.alloc(200_000), page, Buffer.alloc(200_000)])],
  ["a JPEG with an archive behind it", Buffer.concat([aJpeg(), aZip(aJpeg().length)])],
  ["a JPEG with an archive behind it and an end behind that", Buffer.concat([aJpeg(), aZip(aJpeg().length), latin1("\xff\xd9")])],
  ["a PNG with a script in its text", aPng({ text: "<script>alert(1)</script>" })],
  ["a PNG with a drawing in its text", aPng({ text: "<svg/onload=alert(1)>" })],
  ["a PNG with an archive in its text", aPng({ text: aZip(49).toString("latin1") })],
  ["a PNG with an archive and an end behind it", Buffer.concat([png, aZip(png.length), png.subarray(-12)])],
  ["an AVIF", aHeic("avif", ["avif", "mif1", "miaf"])],
  ["an AVIF that says pictures", aHeic("mif1", ["mif1", "avif"])],
  ["an AVIF that says HEIC as well", aHeic("heic", ["mif1", "heic", "avif"])],
  ["a film", aHeic("isom", ["isom", "iso2", "avc1", "mp41"])],
  ["a film of a phone", film],
  ["a QuickTime film", aHeic("qt  ", ["qt  "])],
  ["pictures of an unknown codec", aHeic("mif1", ["mif1", "miaf"])],
];

describe("an honest document", () => {
  for (const [name, bytes, type] of honest) test(`is taken for what it is: ${name}`, () => expect(judge(bytes)).toBe(type));
});

describe("what is no document, or is something else as well,", () => {
  for (const [name, bytes] of refused) test(`is refused: ${name}`, () => expect(judge(bytes)).toBeNull());
});

test("the verdict does not depend on how the bytes come in pieces", () => {
  const zoo = [...honest.map(([, bytes]) => bytes), ...refused.map(([, bytes]) => bytes)].filter(({ length }) => length < 5_000);
  for (const bytes of zoo) for (const piece of [1, 3, 7, 64]) expect(judge(bytes, piece)).toBe(judge(bytes));
});

test("nothing that is hopeless is ever accepted, whatever comes behind it", () => {
  const beginnings = fc.oneof(
    fc.uint8Array({ minLength: 1_000, maxLength: 2_000 }),
    fc.constantFrom(...honest.map(([, bytes]) => new Uint8Array(bytes.subarray(0, 2_000)))),
  );
  fc.assert(
    fc.property(beginnings, fc.nat(1_500), fc.constantFrom(...honest.map(([, bytes]) => bytes.subarray(0, 2_000))), (start, cut, rest) => {
      const judged = new ContentJudge();
      judged.take(Buffer.from(start.subarray(0, cut)));
      const wasHopeless = judged.isHopeless;
      judged.take(rest);
      return !wasHopeless || judged.verdict() === null;
    }),
  );
});

test("an honest document is never hopeless on its way, and what is no document soon is", () => {
  for (const [, bytes] of honest) {
    const judged = new ContentJudge();
    for (let at = 0; at < 1_200; at += 16) {
      judged.take(bytes.subarray(at, at + 16));
      expect(judged.isHopeless).toBe(false);
    }
  }
  const judged = new ContentJudge();
  judged.take(Buffer.alloc(1024, "<!doctype html>\n"));
  expect(judged.isHopeless).toBe(true);
});

test("bytes of chance are no document, and no bytes make the judge fail", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => judge(Buffer.from(bytes)) === null));
});

describe("padding of chance up to 10 MiB", () => {
  const CHANCE = chanceOf(0, 10 * 1024 * 1024);

  for (const [name, header, type] of HEADERS)
    test(`behind the header of a ${name} is never taken for something else`, () => {
      const sizes = fc.nat(24).map((halved) => (10 * 1024 * 1024) >>> halved);
      const property = fc.property(
        fc.nat(),
        sizes,
        (seed, size) => judge(Buffer.concat([header, chanceOf(seed, size - header.length)]), 65_536) === type,
      );
      fc.assert(property, { numRuns: 100 });
    });

  test("does not hide a page or an archive", () => {
    for (const [, header] of HEADERS) {
      expect(judge(Buffer.concat([header, CHANCE.subarray(0, 1_000), page, CHANCE]), 65_536)).toBeNull();
      expect(judge(Buffer.concat([header, CHANCE, page, CHANCE.subarray(0, 100_000)]), 65_536)).toBeNull();
      expect(judge(Buffer.concat([header, CHANCE, aZip(CHANCE.length), CHANCE.subarray(0, 60_000)]), 65_536)).toBeNull();
    }
  });
});

/** So many bytes that look like chance, the same for the same seed. */
function chanceOf(seed: number, size: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(Math.max(size, 0)));
}
