// The zoo: what people and attackers send under the name of a document, and what the judge makes of it.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aHeic, aJpeg, aPdf, aPdfOf, aPng, aZip, eicar } from "../../../../test/setup/document-files.ts";
import { ContentJudge, type ContentType } from "./content-judge.ts";

function judge(bytes: Buffer, piece = bytes.length): ContentType | null {
  const judged = new ContentJudge();
  for (let at = 0; at < bytes.length; at += piece) judged.take(bytes.subarray(at, at + piece));
  return judged.verdict();
}

const honest: readonly [string, Buffer, ContentType][] = [
  ["a PDF", aPdf(), "application/pdf"],
  ["a large PDF", aPdfOf(300_000), "application/pdf"],
  ["a PDF with Windows line ends", Buffer.from(aPdf().toString("latin1").replaceAll("\n", "\r\n"), "latin1"), "application/pdf"],
  ["a PDF with blanks behind its end", Buffer.concat([aPdf(), Buffer.from("\r\n \0")]), "application/pdf"],
  ["a PDF that was changed and so has two ends", Buffer.concat([aPdf(), aPdf().subarray(9)]), "application/pdf"],
  ["a JPEG", aJpeg(), "image/jpeg"],
  ["a JPEG with a comment", aJpeg({ comment: "taken in <the> morning" }), "image/jpeg"],
  ["a JPEG with padding", aJpeg({ behind: "\0\0\0\0" }), "image/jpeg"],
  [
    "a JPEG with fill bytes before a marker",
    Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xff, 0xff]), aJpeg().subarray(3)]),
    "image/jpeg",
  ],
  ["a JPEG of a phone that adds a block", aJpeg({ behind: "\0\0\x01\x0aImage_UTC_DataSEFH\x6b\0\0\0SEFT" }), "image/jpeg"],
  ["a PNG", aPng(), "image/png"],
  ["a PNG with a text", aPng({ text: "a < b" }), "image/png"],
  ["a PNG that claims 50 000 by 50 000 pixels", aPng({ width: 50_000, height: 50_000 }), "image/png"],
  ["a PDF with a million objects", aPdf("1 0 obj<<>>endobj\n".repeat(1_000_000).slice(0, 10_000_000)), "application/pdf"],
  ...["heic", "heix", "heim", "heis"].map((brand): [string, Buffer, ContentType] => [
    `a HEIC of brand ${brand}`,
    aHeic(brand),
    "image/heic",
  ]),
  ["a HEIC whose brand says pictures", aHeic("mif1", ["mif1", "heic"]), "image/heic"],
  ["a HEIC whose brand says sequences", aHeic("msf1", ["msf1", "hevc"]), "image/heic"],
];

const png = aPng();
const refused: readonly [string, Buffer][] = [
  ["nothing", Buffer.alloc(0)],
  ["one byte", Buffer.from("%")],
  ["a program of Windows", Buffer.concat([Buffer.from("MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0", "latin1"), Buffer.alloc(500)])],
  ["a program of Linux", Buffer.concat([Buffer.from("\x7fELF\x02\x01\x01", "latin1"), Buffer.alloc(500)])],
  ["a page", Buffer.from("<!doctype html><html><body>hello</body></html>")],
  ["a drawing", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
  ["a PHP script", Buffer.from("<?php system($_GET['c']); ?>")],
  ["a JavaScript", Buffer.from("alert(1)//".repeat(20))],
  ["a GIF", Buffer.from("GIF89a\x01\0\x01\0\0\0\0;", "latin1")],
  ["a GIF that is a JavaScript too", Buffer.from("GIF89a/*\0\0*/=1;alert(1)//;", "latin1")],
  ["a TIFF", Buffer.concat([Buffer.from("II*\0\x08\0\0\0", "latin1"), Buffer.alloc(100)])],
  ["a WebP", Buffer.from("RIFF\x24\0\0\0WEBPVP8 ", "latin1")],
  ["an archive", aZip()],
  ["the test pattern of scanners", eicar()],
  ["text", Buffer.from("Dear Sir or Madam,\n")],
  ["a PDF behind something else", Buffer.concat([Buffer.from("\n"), aPdf()])],
  ["a PDF without an end", aPdf().subarray(0, -8)],
  ["a PDF's first line alone", Buffer.from("%PDF-1.4\n")],
  [
    "a PDF that points beyond its end",
    Buffer.from(
      aPdf()
        .toString("latin1")
        .replace(/startxref\n\d+/, "startxref\n999999"),
      "latin1",
    ),
  ],
  ["a PDF of no version", Buffer.from(aPdf().toString("latin1").replace("%PDF-1.4", "%PDF-x.4"), "latin1")],
  ["a PDF with an archive behind it", Buffer.concat([aPdf(), aZip(aPdf().length)])],
  ["a PDF with an archive inside", aPdf(aZip(9))],
  ["a PDF with an archive behind it and an end behind that", Buffer.concat([aPdf(), aZip(aPdf().length), aPdf().subarray(-30)])],
  ["a PDF that begins as a page", aPdf("<html><script>alert(1)</script></html>")],
  ["an archive with a PDF inside", Buffer.concat([aZip(), aPdf()])],
  ["a JPEG's first bytes", Buffer.from([0xff, 0xd8, 0xff])],
  ["a JPEG without an end", aJpeg().subarray(0, -2)],
  ["a JPEG without a picture", Buffer.concat([aJpeg().subarray(0, 20), Buffer.from([0xff, 0xd9])])],
  ["a JPEG with a page in its comment", aJpeg({ comment: "<html><body onload=alert(1)>" })],
  ["a JPEG with a PHP script in its comment", aJpeg({ comment: "<?php system('id') ?>" })],
  ["a JPEG with a page behind it", aJpeg({ behind: "<html><script>alert(1)</script></html>" })],
  ["a JPEG with a page behind it and an end behind that", aJpeg({ behind: "<script>alert(1)</script>\xff\xd9" })],
  ["a JPEG with an archive behind it", Buffer.concat([aJpeg(), aZip(aJpeg().length)])],
  ["a JPEG with an archive behind it and an end behind that", Buffer.concat([aJpeg(), aZip(aJpeg().length), Buffer.from([0xff, 0xd9])])],
  ["a PNG's first bytes", png.subarray(0, 8)],
  ["a PNG cut off inside a chunk", png.subarray(0, -16)],
  ["a PNG cut off between chunks", png.subarray(0, -12)],
  ["a PNG with a byte behind it", Buffer.concat([png, Buffer.from("\0")])],
  ["a PNG with a page behind it", Buffer.concat([png, Buffer.from("<html>")])],
  ["a PNG with an archive and an end behind it", Buffer.concat([png, aZip(png.length), png.subarray(-12)])],
  ["a PNG with a script in its text", aPng({ text: "<script>alert(1)</script>" })],
  ["a PNG with an archive in its text", aPng({ text: aZip(49).toString("latin1") })],
  ["a PNG without a header", Buffer.concat([png.subarray(0, 8), png.subarray(33)])],
  ["an AVIF", aHeic("avif", ["avif", "mif1", "miaf"])],
  ["an AVIF that says pictures", aHeic("mif1", ["mif1", "avif"])],
  ["an AVIF that says HEIC as well", aHeic("heic", ["mif1", "heic", "avif"])],
  ["a film", aHeic("isom", ["isom", "iso2", "avc1", "mp41"])],
  ["a film of a phone", aHeic("mp42", ["isom", "mp42"])],
  ["a QuickTime film", aHeic("qt  ", ["qt  "])],
  ["pictures of an unknown codec", aHeic("mif1", ["mif1", "miaf"])],
  ["a HEIC with a page behind it", Buffer.concat([aHeic(), Buffer.from("<html><script>alert(1)</script>")])],
  ["a HEIC cut off", aHeic().subarray(0, -1)],
  ["a HEIC without metadata", aHeic().subarray(0, 24)],
  ["a HEIC with an archive behind it", Buffer.concat([aHeic(), aZip(aHeic().length)])],
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
    fc.uint8Array({ maxLength: 64 }),
    fc.constantFrom(...honest.map(([, bytes]) => new Uint8Array(bytes.subarray(0, 2_000)))),
  );
  fc.assert(
    fc.property(beginnings, fc.nat(40), fc.constantFrom(...honest.map(([, bytes]) => bytes.subarray(0, 2_000))), (start, cut, rest) => {
      const judged = new ContentJudge();
      judged.take(start.subarray(0, cut));
      const wasHopeless = judged.isHopeless;
      judged.take(rest);
      return !wasHopeless || judged.verdict() === null;
    }),
  );
});

test("an honest document is never hopeless on its way, and what is no document soon is", () => {
  for (const [, bytes] of honest) {
    const judged = new ContentJudge();
    for (const byte of bytes.subarray(0, 300)) {
      judged.take(Buffer.from([byte]));
      expect(judged.isHopeless).toBe(false);
    }
  }
  const judged = new ContentJudge();
  judged.take(Buffer.from("<!doctype html>\n"));
  expect(judged.isHopeless).toBe(true);
});

test("bytes of chance are no document, and no bytes make the judge fail", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => judge(Buffer.from(bytes)) === null));
});
