// What is sealed opens with its own key in its own place, and in no other way.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataKey, developmentMasterKeys, KEY_BYTES, MasterKeys, type Place, readMasterKeys, UnknownMasterKey } from "./sealing.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALS = process.env["FINLEGO_NIGHTLY"] === "1" ? 1_000_000 : 20_000;

const aKey = (fill: number): DataKey => new DataKey(Buffer.alloc(KEY_BYTES, fill));
const masterKeysOf = (...fills: number[]): MasterKeys => new MasterKeys(fills.map((fill) => Buffer.alloc(KEY_BYTES, fill)));
const REFUSED = /unable to authenticate data/;
const HERE: Place = { table: "client_profile.client", column: "sealed_profile", row: "ann" };

const keys = fc.uint8Array({ minLength: KEY_BYTES, maxLength: KEY_BYTES }).map((bytes) => new DataKey(Buffer.from(bytes)));
const places = fc.record({ table: fc.string(), column: fc.string(), row: fc.string() });
const texts = fc.string({ unit: "binary", maxLength: 300 });

describe("what is sealed", () => {
  test("is what comes back, whatever it was and wherever it stands", () => {
    fc.assert(
      fc.property(keys, places, texts, fc.uint8Array({ maxLength: 300 }), (key, place, text, bytes) => {
        expect(key.unsealText(place, key.seal(place, text))).toBe(text);
        expect(key.unseal(place, key.seal(place, bytes)).equals(bytes)).toBe(true);
      }),
    );
  });

  test("opens in no other row, column or table, also where the names run together", () => {
    const sealed = aKey(1).seal(HERE, "Ann");
    const others: Place[] = [
      { ...HERE, row: "bob" },
      { ...HERE, column: "sealed_block_reason" },
      { ...HERE, table: "client_profile.related_individual" },
      { table: HERE.table, column: `${HERE.column}${HERE.row}`, row: "" },
      { table: HERE.column, column: HERE.table, row: HERE.row },
      { ...HERE, row: "" },
    ];
    for (const other of others) expect(() => aKey(1).unseal(other, sealed)).toThrow(REFUSED);
  });

  test("opens at two places only when they are the same", () => {
    fc.assert(
      fc.property(places, places, (one, other) => {
        const same = one.table === other.table && one.column === other.column && one.row === other.row;
        const open = () => aKey(1).unsealText(other, aKey(1).seal(one, "x"));
        if (same) expect(open()).toBe("x");
        else expect(open).toThrow(REFUSED);
      }),
    );
  });

  test("opens with no other key, not even one that differs in a bit", () => {
    const bytes = Buffer.alloc(KEY_BYTES, 1);
    const sealed = new DataKey(bytes).seal(HERE, "Ann");
    for (let bit = 0; bit < KEY_BYTES * 8; bit++) {
      const other = Buffer.from(bytes);
      other[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => new DataKey(other).unseal(HERE, sealed)).toThrow(REFUSED);
    }
  });

  test("with any bit flipped, cut short or made longer does not open", () => {
    const sealed = aKey(1).seal(HERE, "Ann Example");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => aKey(1).unseal(HERE, changed), `bit ${bit}`).toThrow(REFUSED);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => aKey(1).unseal(HERE, sealed.subarray(0, length)), `${length} bytes`).toThrow(/authenticat|initialization vector/i);
    }
    expect(() => aKey(1).unseal(HERE, Buffer.concat([sealed, Buffer.alloc(1)]))).toThrow(REFUSED);
  });

  test("shows nothing of the text but its length", () => {
    const sealed = aKey(1).seal(HERE, "Ann Example");
    expect(sealed).toHaveLength(NONCE_BYTES + TAG_BYTES + "Ann Example".length);
    expect(sealed.includes("Ann")).toBe(false);
  });

  test(`never has the nonce of another: ${SEALS} seals of one text`, { timeout: 300_000 }, () => {
    const key = aKey(1);
    const seen = new Set<string>();
    for (let n = 0; n < SEALS; n++) seen.add(key.seal(HERE, "x").toString("latin1", 0, NONCE_BYTES));
    expect(seen.size).toBe(SEALS);
  });
});

test("a key derived for one use opens nothing of another use, of the key itself or of another owner", () => {
  const sealed = aKey(1).derive("document 1").seal(HERE, "scan");
  expect(aKey(1).derive("document 1").unsealText(HERE, sealed)).toBe("scan");
  for (const other of [aKey(1), aKey(1).derive("document 2"), aKey(2).derive("document 1")]) {
    expect(() => other.unseal(HERE, sealed)).toThrow(REFUSED);
  }
});

test("a mark is the same for the same text of the same kind, and another for any other, also where kind and text run together", () => {
  const mark = aKey(1).mark("email", "ann@example.com");
  expect(aKey(1).mark("email", "ann@example.com").equals(mark)).toBe(true);
  for (const other of [
    aKey(2).mark("email", "ann@example.com"),
    aKey(1).mark("search", "ann@example.com"),
    aKey(1).mark("email", "ann@example.con"),
    aKey(1).mark("emaila", "nn@example.com"),
  ]) {
    expect(other.equals(mark)).toBe(false);
  }
});

describe("master keys", () => {
  test("open what they wrapped, as long as they are given, in whatever order", () => {
    const old = masterKeysOf(1);
    const { key, wrapped } = old.newKey("ann");
    const sealed = key.seal(HERE, "Ann");
    for (const given of [old, masterKeysOf(2, 1), masterKeysOf(1, 2)]) {
      expect(given.unwrap("ann", wrapped).unsealText(HERE, sealed)).toBe("Ann");
    }
  });

  test("wrap under the first of them, and the data stay as they were", () => {
    const { key, wrapped } = masterKeysOf(1).newKey("ann");
    const both = masterKeysOf(2, 1);
    const anew = both.wrap("ann", both.unwrap("ann", wrapped));
    expect(anew.masterKey).toBe(masterKeysOf(2).current);
    expect(masterKeysOf(2).unwrap("ann", anew).unsealText(HERE, key.seal(HERE, "Ann"))).toBe("Ann");
  });

  test("that are not given are named, and nothing of them is", () => {
    const { wrapped } = masterKeysOf(1).newKey("ann");
    const open = () => masterKeysOf(2).unwrap("ann", wrapped);
    expect(open).toThrow(UnknownMasterKey);
    expect(open).toThrow(masterKeysOf(1).current);
    expect(masterKeysOf(1).current).toMatch(/^[0-9a-f]{16}$/);
    expect(masterKeysOf(1).current).not.toContain("0101");
  });

  test("do not open a key that says it is wrapped under another one of them", () => {
    const { wrapped } = masterKeysOf(1).newKey("ann");
    const relabelled = { ...wrapped, masterKey: masterKeysOf(2).current };
    expect(() => masterKeysOf(1, 2).unwrap("ann", relabelled)).toThrow(REFUSED);
  });

  test("do not open a key that was moved to another owner, or changed", () => {
    const { wrapped } = masterKeysOf(1).newKey("ann");
    expect(() => masterKeysOf(1).unwrap("bob", wrapped)).toThrow(REFUSED);
    const changed = Buffer.from(wrapped.wrappedKey);
    changed[changed.length - 1]! ^= 1;
    expect(() => masterKeysOf(1).unwrap("ann", { ...wrapped, wrappedKey: changed })).toThrow(REFUSED);
  });

  test("give every owner a key of its own, wrapped differently each time", () => {
    const given = masterKeysOf(1);
    const made = Array.from({ length: 100 }, () => given.newKey("ann"));
    expect(new Set(made.map(({ wrapped }) => wrapped.wrappedKey.toString("hex"))).size).toBe(100);
    expect(new Set(made.map(({ key }) => key.mark("x", "x").toString("hex"))).size).toBe(100);
  });

  test("are keys of 256 bits, and at least one", () => {
    expect(() => new MasterKeys([])).toThrow(RangeError);
    expect(() => new MasterKeys([Buffer.alloc(31)])).toThrow(RangeError);
    expect(() => new DataKey(Buffer.alloc(33))).toThrow(RangeError);
  });

  test("are read as they are written, base64 in either alphabet and hex", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(255), { minLength: KEY_BYTES, maxLength: KEY_BYTES }), (bytes) => {
        const key = Buffer.from(bytes);
        const { current } = new MasterKeys([key]);
        for (const text of [key.toString("base64"), key.toString("base64url"), key.toString("hex"), key.toString("hex").toUpperCase()]) {
          expect(readMasterKeys(` ${text}\n`)?.current).toBe(current);
        }
      }),
    );
  });

  test("of development are the same everywhere", () => {
    expect(developmentMasterKeys().current).toBe(developmentMasterKeys().current);
  });
});
