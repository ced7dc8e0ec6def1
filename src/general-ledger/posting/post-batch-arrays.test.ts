import fc from "fast-check";
import { expect, test } from "vitest";
import { hashes, plain, rare, rareTexts, rareUuids, texts, uuids } from "./post-batch-arrays.ts";

/** Reads the server's binary array of elements of one size back. */
function read(bytes: Buffer): { type: number; values: (string | null)[] } {
  expect([bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(16)]).toEqual([1, 1, 1]);
  const values: (string | null)[] = [];
  let at = 20;
  for (let left = bytes.readInt32BE(12); left > 0; left--) {
    const size = bytes.readInt32BE(at);
    at += 4;
    values.push(size === -1 ? null : bytes.toString("hex", at, at + size));
    at += Math.max(size, 0);
  }
  expect(at).toBe(bytes.length);
  return { type: bytes.readInt32BE(8), values };
}

test("ids come as their sixteen bytes, in whatever letter case they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.uuid()), { minLength: 1 }), fc.boolean(), (ids, isUpper) => {
      const written = ids.map((id) => (isUpper ? (id?.toUpperCase() ?? null) : id));
      expect(read(uuids(written))).toEqual({ type: 2950, values: ids.map((id) => id?.replaceAll("-", "") ?? null) });
    }),
  );
});

test("hashes come as their thirty-two bytes", () => {
  const hash = "0123456789abcdef".repeat(4);
  expect(read(hashes([hash, null]))).toEqual({ type: 17, values: [hash, null] });
});

test.each([
  ["a letter that is no digit", "g0000000-0000-0000-0000-000000000000"],
  ["a character beyond ASCII", "é0000000-0000-0000-0000-000000000000"],
  ["half a byte", "00000000-0000-0000-0000-00000000000"],
  ["too few digits", "00000000-0000-0000-0000-0000000000"],
  ["too many digits", "00000000-0000-0000-0000-0000000000000000"],
])("an id with %s is refused", (_, id) => {
  expect(() => uuids([id, null])).toThrow("an id or hash that is none");
});

test("texts keep their quotes, backslashes, braces and commas", () => {
  expect(texts(['a "b"', "c\\d", "{e,f}", null, "NULL"])).toBe('{"a \\"b\\"","c\\\\d","{e,f}",NULL,"NULL"}');
  expect(plain([1, 2n, null, "x"])).toBe("{1,2,NULL,x}");
});

test("a list in which nobody says anything is nothing", () => {
  expect([rare([null, null]), rareTexts([null]), rareUuids([])]).toEqual([null, null, null]);
  expect(rare([null, 0])).toBe("{NULL,0}");
});
