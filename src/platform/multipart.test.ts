// Forms as browsers and programs send them, and as nobody should: what is taken, what is refused by name, and that nothing is left behind.

import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aForm, type TestPart } from "../../test/setup/forms.ts";
import { type FormRules, readMultipart } from "./multipart.ts";
import { Problem } from "./problem.ts";

const RULES: FormRules = { fields: ["type", "tags[]"], files: ["file", "files[]"], fieldBytesMax: 100, filesMax: 3, fileBytesMax: 50_000 };

type Got = { readonly name: string; readonly text?: string; readonly fileName?: string; readonly contentType?: string };

/** The form's bytes in pieces of some size, as a network would bring them. */
function streamOf(bytes: Buffer, size = 1_000): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
  return Readable.from(pieces, { objectMode: false });
}

const boundaryOf = ({ "content-type": type }: { readonly "content-type": string }) => type.split("boundary=")[1] ?? "";

/** Everything of a form, its files as text. The stream is never left as it is. */
async function read(
  parts: readonly TestPart[] | Buffer,
  { rules = RULES, boundary, size }: { rules?: FormRules; boundary?: string; size?: number } = {},
): Promise<Got[]> {
  const form = Buffer.isBuffer(parts) ? { body: parts, headers: { "content-type": "boundary=x" } } : aForm(parts);
  const body = streamOf(form.body, size);
  const got: Got[] = [];
  try {
    for await (const part of readMultipart({ parameters: { boundary: boundary ?? boundaryOf(form.headers) }, body }, rules)) {
      if (part.kind === "field") got.push({ name: part.name, text: part.value });
      else {
        const { name, fileName, contentType } = part;
        got.push({ name, fileName, contentType, text: (await buffer(part.body)).toString("latin1") });
      }
    }
  } finally {
    expect(body.destroyed).toBe(true);
  }
  return got;
}

/** How a form is refused. */
async function refusalOf(...args: Parameters<typeof read>): Promise<unknown> {
  try {
    return await read(...args);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { code, status, extras } = error;
    return { status, code, ...(extras.errors === undefined ? {} : { errors: { ...extras.errors } }) };
  }
}

const FILE: TestPart = { name: "file", fileName: "a.pdf", contentType: "application/pdf", body: "%PDF" };
const malformed = { status: 400, code: "malformedRequest" };
const invalid = (name: string) => ({ status: 400, code: "validationFailed", errors: { [name]: [expect.any(String)] } });

describe("a form", () => {
  test("is its parts in their order", async () => {
    const got = await read([{ name: "type", body: "Паспорт" }, FILE, { name: "tags[]", body: "a" }, { name: "tags[]", body: "" }]);
    expect(got).toEqual([
      { name: "type", text: "Паспорт" },
      { name: "file", fileName: "a.pdf", contentType: "application/pdf", text: "%PDF" },
      { name: "tags[]", text: "a" },
      { name: "tags[]", text: "" },
    ]);
  });

  test("is the same wherever its bytes are cut, and whatever its files hold", async () => {
    const text = fc.string({ unit: "binary-ascii", maxLength: 40 }).map((value) => value.replaceAll("\0", ""));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value)),
      // What looks like the end of a part, and is none.
      fc
        .array(fc.constantFrom("\r\n", "\r", "--", "\r\n--x", "\r\n--boundar", "--boundary", "\n--boundary"), { maxLength: 8 })
        .map((all) => all.join(""))
        // A sender chooses a boundary that is not in what it sends.
        .filter((all) => !`\r\n${all}`.includes("\r\n--boundary"))
        .map((all) => Buffer.from(all)),
    );
    const part: fc.Arbitrary<TestPart> = fc.oneof(
      fc.record({ name: fc.constant("tags[]"), body: text }),
      fc.record({ name: fc.constant("files[]"), fileName: fc.constantFrom("a", "b.pdf"), body: bytes }),
    );
    const rules = { ...RULES, filesMax: 10, fieldBytesMax: 1_000 };
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), fc.integer({ min: 1, max: 90 }), async (parts, size) => {
        const { body } = aForm(parts, "boundary");
        const got = await read(body, { rules, boundary: "boundary", size });
        expect(got.map(({ name, text: value }) => [name, value])).toEqual(
          parts.map(({ name, fileName, body: sent = "" }) => [
            name,
            Buffer.from(sent).toString(fileName === undefined ? "utf8" : "latin1"),
          ]),
        );
      }),
      { numRuns: 200 },
    );
  });

  test("may have nothing in it, and something around it", async () => {
    expect(await read(Buffer.from("--x--\r\n"))).toEqual([]);
    const { body } = aForm([{ name: "type", body: "1" }], "x");
    const around = Buffer.concat([Buffer.from("a preamble\r\n"), body, Buffer.from("an epilogue\r\n--x\r\nno part")]);
    expect(await read(around)).toEqual([{ name: "type", text: "1" }]);
  });

  test("may be skipped: what is not read of a file does not hinder the rest", async () => {
    const { body, headers } = aForm([
      { ...FILE, body: randomBytes(40_000) },
      { name: "type", body: "1" },
    ]);
    const stream = streamOf(body);
    const names: string[] = [];
    for await (const part of readMultipart({ parameters: { boundary: boundaryOf(headers) }, body: stream }, RULES)) names.push(part.name);
    expect([names, stream.destroyed]).toEqual([["file", "type"], true]);
  });

  test("may be left in the middle, of a file too", async () => {
    const { body, headers } = aForm([
      { ...FILE, body: randomBytes(40_000) },
      { name: "type", body: "1" },
    ]);
    const stream = streamOf(body);
    for await (const part of readMultipart({ parameters: { boundary: boundaryOf(headers) }, body: stream }, RULES)) {
      if (part.kind === "file") for await (const piece of part.body) if (piece) break;
      break;
    }
    expect(stream.destroyed).toBe(true);
  });
});

describe("the name of a file is what the sender wrote, and nothing is done with it", () => {
  test.each([
    ['filename="../../etc/passwd"', "../../etc/passwd"],
    ['filename="C:/a b/ü.pdf"', "C:/a b/ü.pdf"],
    ['filename="a\\"b.pdf"', 'a"b.pdf'],
    ['filename=""', ""],
    ['filename="a;name=b"', "a;name=b"],
    ["filename=a.pdf", "a.pdf"],
    ["filename*=UTF-8''na%C3%AFve%20%2F..%2F.pdf", "naïve /../.pdf"],
    [`filename="plain"; filename*=utf-8'en'%E2%82%AC`, "€"],
    [`filename="${"x".repeat(300)}"`, "x".repeat(300)],
  ])("%s", async (written, fileName) => {
    expect(await read([{ head: [`Content-Disposition: form-data; name="file"; ${written}`], body: "1" }])).toMatchObject([{ fileName }]);
  });

  test.each(["filename*=UTF-8''%ff", "filename*=iso-8859-1''a", "filename*=a", "filename*=UTF-8''"])(
    "%s cannot be read",
    async (written) => {
      const part = { head: [`Content-Disposition: form-data; name="file"; ${written}`], body: "1" };
      expect(await refusalOf([part])).toEqual(invalid("file"));
    },
  );
});

describe("a part that is not asked for is refused by its name", () => {
  const cases: Record<string, readonly [TestPart[], string]> = {
    "a field nobody knows": [[{ name: "surprise", body: "1" }], "surprise"],
    "a file nobody knows": [[{ ...FILE, name: "surprise" }], "surprise"],
    "the door to all objects": [[{ name: "__proto__", body: "1" }], "__proto__"],
    "a name of all objects": [[{ name: "constructor", body: "1" }], "constructor"],
    "another name of them": [[{ ...FILE, name: "toString" }], "toString"],
    "another case": [[{ name: "TYPE", body: "1" }], "TYPE"],
    "a long name": [[{ name: "n".repeat(5_000), body: "1" }], "n".repeat(100)],
    "a field twice": [
      [
        { name: "type", body: "1" },
        { name: "type", body: "1" },
      ],
      "type",
    ],
    "a list too long": [Array.from({ length: 4 }, () => ({ name: "tags[]", body: "1" })), "tags[]"],
    "too many files": [Array.from({ length: 4 }, () => FILE), "file"],
    "too many files of two names": [[...Array.from({ length: 3 }, () => FILE), { ...FILE, name: "files[]" }], "files[]"],
    "many empty files": [Array.from({ length: 1_000 }, () => ({ ...FILE, body: "" })), "file"],
    "a file for a field": [[{ ...FILE, name: "type" }], "type"],
    "a field for a file": [[{ name: "file", body: "1" }], "file"],
    "a field too long": [[{ name: "type", body: "x".repeat(101) }], "type"],
    "a field that is no UTF-8": [[{ name: "type", body: Buffer.from([0xff]) }], "type"],
    "a field with a NUL": [[{ name: "type", body: "a\0b" }], "type"],
    "a form in a form": [[{ name: "type", contentType: "multipart/mixed; boundary=y", body: "--y\r\n\r\n1\r\n--y--" }], "type"],
    "a form as a file": [[{ ...FILE, contentType: "Multipart/Mixed; boundary=y" }], "file"],
    "an encoding": [[{ head: ['Content-Disposition: form-data; name="type"', "Content-Transfer-Encoding: base64"], body: "MQ==" }], "type"],
    "a media type that is none": [[{ name: "type", contentType: "text; plain; ;" }], "type"],
  };

  test.each(Object.keys(cases))("%s", async (name) => {
    const [parts, part] = cases[name]!;
    expect(await refusalOf(parts)).toEqual(invalid(part));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("what is no form is refused as that", () => {
  const whole = aForm([{ name: "type", body: "1" }, FILE], "x").body;
  const head = (...lines: string[]) => aForm([{ head: lines, body: "1" }], "x").body;
  const cases: Record<string, Buffer> = {
    nothing: Buffer.alloc(0),
    "no boundary in it": Buffer.from("type=1&file=2"),
    "another boundary": aForm([FILE], "y").body,
    "no end": whole.subarray(0, -6),
    "an end in the middle of a part": whole.subarray(0, 90),
    "an end in the head of a part": whole.subarray(0, 30),
    "a part without a head": head(),
    "a part that ends in its head": Buffer.from('--x\r\nContent-Disposition: form-data; name="type"\r\n\r\n--x\r\n\r\n--x--\r\n'),
    "a part without a head, and a good one": Buffer.concat([Buffer.from("--x\r\nX: 1\r\n"), whole]),
    "a part without a name": head("Content-Disposition: form-data"),
    "a part with an empty name": head('Content-Disposition: form-data; name=""'),
    "a part that is an attachment": head('Content-Disposition: attachment; name="type"'),
    "a part with two names": head('Content-Disposition: form-data; name="type"; name="file"'),
    "a part with two dispositions": head('Content-Disposition: form-data; name="type"', 'Content-Disposition: form-data; name="file"'),
    "a name that does not end": head('Content-Disposition: form-data; name="type'),
    "a head that is none": head("hello"),
    "a head of 70 kB": head(`X: ${"y".repeat(70_000)}`, 'Content-Disposition: form-data; name="type"'),
    "a head of a thousand lines": head(
      ...Array.from({ length: 1_000 }, (_, index) => `X-${index}: 1`),
      'Content-Disposition: form-data; name="type"',
    ),
    "a bare line feed in a head": head('Content-Disposition: form-data; name="ty\npe"'),
  };

  test.each(Object.keys(cases))("%s", async (name) => {
    expect(await refusalOf(cases[name]!)).toEqual(malformed);
    expect(await refusalOf(cases[name]!, { size: 1 + (name.length % 7) })).toEqual(malformed);
  });

  test.each(["", "x".repeat(71), "a\r\nb", 'a"b', "a ", "ü"])("the boundary %o", async (boundary) => {
    expect(await refusalOf(aForm([FILE], boundary).body, { boundary })).toEqual(malformed);
  });

  test("a hundred thousand fields, at once", async () => {
    const one = Buffer.from('--x\r\nContent-Disposition: form-data; name="type"\r\n\r\n1\r\n');
    const many = Buffer.concat([...Array.from({ length: 100_000 }, () => one), Buffer.from("--x--\r\n")]);
    const stream = streamOf(many, 64 * 1024);
    let taken = 0;
    stream.on("data", (piece: Buffer) => (taken += piece.length));
    stream.pause();
    const refusal = (async () => {
      for await (const part of readMultipart({ parameters: { boundary: "x" }, body: stream }, RULES)) expect(part.name).toBe("type");
    })();
    await expect(refusal).rejects.toMatchObject({ status: 400 });
    // Nobody reads on once it is clear.
    expect(taken).toBeLessThan(1_000_000);
  });
});

describe("the size of a file", () => {
  test.each([
    [RULES.fileBytesMax - 1, null],
    [RULES.fileBytesMax, null],
    [RULES.fileBytesMax + 1, { status: 413, code: "payloadTooLarge" }],
  ])("%i bytes", async (bytes, refusal) => {
    const outcome = await refusalOf([{ ...FILE, body: "x".repeat(bytes) }]);
    if (refusal === null) expect(outcome).toMatchObject([{ text: "x".repeat(bytes) }]);
    else expect(outcome).toEqual(refusal);
  });

  test("one that is too large fails for its reader, and for nobody who does not read it", async () => {
    const rules = { ...RULES, fileBytesMax: 10 };
    const { body, headers } = aForm([
      { ...FILE, body: "x".repeat(1_000) },
      { name: "type", body: "1" },
    ]);
    const got: unknown[] = [];
    for await (const part of readMultipart({ parameters: { boundary: boundaryOf(headers) }, body: streamOf(body, 100) }, rules)) {
      got.push(part.kind === "file" ? await buffer(part.body).catch((error: unknown) => error) : part.value);
    }
    expect(got).toEqual([expect.objectContaining({ code: "payloadTooLarge" }), "1"]);
  });
});

test("a stream that fails fails the form, also while a file of it is being read", async () => {
  const { body, headers } = aForm([{ ...FILE, body: "x".repeat(10_000) }]);
  const failing = Readable.from(
    (async function* () {
      yield body.subarray(0, 5_000);
      await new Promise((resolve) => setImmediate(resolve));
      throw new TypeError("the wire broke");
    })(),
    { objectMode: false },
  );
  const outcomes: unknown[] = [];
  const form = (async () => {
    for await (const part of readMultipart({ parameters: { boundary: boundaryOf(headers) }, body: failing }, RULES)) {
      if (part.kind === "file") await buffer(part.body).catch((error: unknown) => outcomes.push(error));
    }
  })();
  await expect(form).rejects.toThrow("the wire broke");
  expect(outcomes).toEqual([expect.objectContaining({ message: "the wire broke" })]);
  expect(failing.destroyed).toBe(true);
});

test("who destroys a file is done at once, while its sender lets everybody wait", async () => {
  const { body, headers } = aForm([{ ...FILE, body: "x".repeat(10_000) }]);
  const stalled = new Readable({ read() {} });
  stalled.push(body.subarray(0, 1_000));
  const form = readMultipart({ parameters: { boundary: boundaryOf(headers) }, body: stalled }, RULES);
  const { value: part } = await form.next();
  if (part?.kind !== "file") throw new Error("no file came");
  part.body.resume();
  part.body.destroy();
  await new Promise((resolve) => part.body.once("close", resolve));
  await form.return();
  expect(stalled.destroyed).toBe(true);
});
