import { buffer } from "node:stream/consumers";
import { DataKey } from "#platform/sealing.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BrokenContent, contentKey, openContent, sealContent } from "./sealed-content.ts";

const CHUNK = 64 * 1024;
const SEALED = CHUNK + 28;
const clientKey = new DataKey(Buffer.alloc(32, 1));
const owner = { clientId: "client-1", documentId: "document-1" };
const key = contentKey(clientKey, owner);

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const whole = (parts: AsyncIterable<Uint8Array>): Promise<Buffer> => buffer(parts);
const sealed = (plain: Uint8Array, of = owner): Promise<Buffer> => whole(sealContent(contentKey(clientKey, of), of, pieces(plain, 10_000)));
const opened = (bytes: Uint8Array, of = owner, under = contentKey(clientKey, of)): Promise<Buffer> =>
  whole(openContent(under, of, pieces(bytes, 10_000)));

/** Bytes that tell their place, so that moved ones are seen. */
const counting = (size: number): Buffer =>
  Buffer.from(Uint32Array.from({ length: Math.ceil(size / 4) }, (_, at) => at).buffer).subarray(0, size);

/** What came out before reading failed. */
async function untilBroken(bytes: Uint8Array): Promise<Buffer> {
  const out: Buffer[] = [];
  await expect(async () => {
    for await (const part of openContent(key, owner, pieces(bytes, 10_000))) out.push(part);
  }).rejects.toThrow(BrokenContent);
  return Buffer.concat(out);
}

test("what was sealed opens again, whatever its size and its pieces", async () => {
  for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7]) {
    const plain = counting(size);
    expect((await opened(await sealed(plain))).equals(plain)).toBe(true);
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(200_000), fc.integer({ min: 1, max: 100_000 }), async (size, piece) => {
      const plain = counting(size);
      const bytes = await whole(sealContent(key, owner, pieces(plain, piece)));
      return (await whole(openContent(key, owner, pieces(bytes, piece)))).equals(plain);
    }),
    { numRuns: 30 },
  );
});

test("nothing of the plain bytes can be seen, and sealing twice gives other bytes", async () => {
  const plain = Buffer.from("canary ".repeat(20_000));
  const [one, two] = [await sealed(plain), await sealed(plain)];
  expect(one.includes("canary")).toBe(false);
  expect(one.equals(two)).toBe(false);
  expect(one.subarray(0, 12).equals(one.subarray(SEALED, SEALED + 12))).toBe(false);
});

test("another document, another client and another key open nothing", async () => {
  const bytes = await sealed(counting(100));
  await expect(opened(bytes, { ...owner, documentId: "document-2" }, key)).rejects.toThrow(BrokenContent);
  await expect(opened(bytes, { ...owner, clientId: "client-2" }, key)).rejects.toThrow(BrokenContent);
  await expect(opened(bytes, owner, contentKey(new DataKey(Buffer.alloc(32, 2)), owner))).rejects.toThrow(BrokenContent);
  await expect(opened(bytes, owner, clientKey)).rejects.toThrow(BrokenContent);
});

describe("before a wrong byte goes out, reading fails", () => {
  const plain = counting(3 * CHUNK + 100);
  const chunk = (bytes: Buffer, number: number): Buffer => bytes.subarray(number * SEALED, (number + 1) * SEALED);
  const damages: readonly [string, (bytes: Buffer, other: Buffer) => Buffer][] = [
    ["cut off inside a chunk", (bytes) => bytes.subarray(0, 2 * SEALED + 500)],
    ["cut off between chunks", (bytes) => bytes.subarray(0, 2 * SEALED)],
    ["without its last chunk", (bytes) => bytes.subarray(0, 3 * SEALED)],
    ["without its first chunk", (bytes) => bytes.subarray(SEALED)],
    ["without a chunk in the middle", (bytes) => Buffer.concat([chunk(bytes, 0), bytes.subarray(2 * SEALED)])],
    ["with two chunks exchanged", (bytes) => Buffer.concat([chunk(bytes, 1), chunk(bytes, 0), bytes.subarray(2 * SEALED)])],
    ["with a chunk doubled", (bytes) => Buffer.concat([chunk(bytes, 0), bytes])],
    ["with another document's chunk", (bytes, other) => Buffer.concat([chunk(other, 0), bytes.subarray(SEALED)])],
    [
      "with an older chunk of another document at the end",
      (bytes, other) => Buffer.concat([bytes.subarray(0, 3 * SEALED), other.subarray(3 * SEALED)]),
    ],
    ["with bytes behind it", (bytes) => Buffer.concat([bytes, Buffer.from("x")])],
    ["with its own end twice", (bytes) => Buffer.concat([bytes, bytes.subarray(3 * SEALED)])],
    ["empty", () => Buffer.alloc(0)],
  ];
  for (const [name, damage] of damages) {
    test(`when they are ${name}`, async () => {
      const out = await untilBroken(damage(await sealed(plain), await sealed(plain, { ...owner, documentId: "document-2" })));
      expect(out.equals(plain.subarray(0, out.length))).toBe(true);
      expect(out.length).toBeLessThan(plain.length);
    });
  }

  test("when any one bit is turned", async () => {
    const bytes = await sealed(plain);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const out = await untilBroken(damaged);
        return out.equals(plain.subarray(0, out.length)) && out.length <= Math.floor((bit >> 3) / SEALED) * CHUNK;
      }),
      { numRuns: 40 },
    );
  });
});
