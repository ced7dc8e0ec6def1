// Bodies that are no JSON, sound and broken, for requests made from an API description: forms with files, and files of their own.

import fc from "fast-check";
import { aForm, type TestPart } from "./setup/forms.ts";
import type { Schema } from "./described-schema.ts";

export type StreamedBody = { readonly contentType: string; readonly body: Buffer };

/** From what may stand in it: a form's parts by name, or the whole text. */
export function streamedBody(mediaType: string, schema: Schema, content: fc.Arbitrary<unknown>): fc.Arbitrary<StreamedBody> {
  if (mediaType !== "multipart/form-data") {
    return fc.tuple(content, damage).map(([text, harm]) => ({ contentType: mediaType, body: harm(toBytes(text)) }));
  }
  return fc.tuple(content, fc.option(partFault, { freq: 3 }), damage, fileName).map(([members, fault, harm, name]) => {
    const parts = partsOf(members as Readonly<Record<string, unknown>>, schema, name);
    const { body, headers } = aForm(fault === null ? parts : fault(parts));
    return { contentType: headers["content-type"], body: harm(body) };
  });
}

const fileName = fc.constantFrom("a.pdf", "../../etc/passwd", "x".repeat(300), "CON", "\u202efdp.exe", "", "a\\b;c");

function partsOf(members: Readonly<Record<string, unknown>>, { properties = {} }: Schema, name: string): TestPart[] {
  return Object.entries(members).flatMap(([member, given]) => {
    const schema = properties[member];
    const isFile = schema?.format === "binary" || schema?.items?.format === "binary";
    const values: unknown[] = Array.isArray(given) ? given : [given];
    return values.map((value) => ({
      name: member,
      body: toBytes(value),
      ...(isFile ? { fileName: name, contentType: "application/pdf" } : {}),
    }));
  });
}

function toBytes(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}

const partFault: fc.Arbitrary<(parts: TestPart[]) => TestPart[]> = fc.constantFrom(
  (parts: TestPart[]) => parts.slice(1),
  (parts: TestPart[]) => [...parts, ...parts.slice(0, 1)],
  (parts: TestPart[]) => parts.toReversed(),
  (parts: TestPart[]) => [...parts, { name: "unknown", body: "1" }],
  (parts: TestPart[]) => [...parts, { name: "__proto__", body: "1" }],
  (parts: TestPart[]) => [...parts, { name: "constructor", fileName: "a", body: "1" }],
  (parts: TestPart[]) => [{ head: ["Content-Type: text/plain"], body: "no name" }, ...parts],
  (parts: TestPart[]) => [{ head: [], body: "no head" }, ...parts],
  (parts: TestPart[]) => [{ head: [`x: ${"y".repeat(70_000)}`], body: "a long head" }, ...parts],
  (parts: TestPart[]) => parts.map(({ name = "", ...part }) => ({ ...part, name: name.toUpperCase() })),
  () => [],
);

/** Mostly none. */
const damage: fc.Arbitrary<(bytes: Buffer) => Buffer> = fc.oneof(
  { weight: 9, arbitrary: fc.constant((bytes: Buffer) => bytes) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(), fc.constantFrom("cut", "flip", "double", "junk")).map(([at, how]) => (bytes: Buffer) => {
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      if (how === "cut") return bytes.subarray(0, place);
      if (how === "double") return Buffer.concat([bytes, bytes]);
      if (how === "junk") return Buffer.concat([bytes.subarray(0, place), Buffer.from([0, 0xff, 0x0d, 0x0a]), bytes.subarray(place)]);
      const copy = Buffer.from(bytes);
      if (place < copy.length) copy[place] = (copy[place] ?? 0) ^ 0x55;
      return copy;
    }),
  },
);
