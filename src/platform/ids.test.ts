import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createIdSource, isUuid, PAYMENT_LINES_MAX, parseTransactionId, type Side, toPaymentId, transactionId, uuidV7 } from "./ids.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const side = fc.constantFrom<Side>("debit", "credit");
const lineNo = fc.integer({ min: 1, max: PAYMENT_LINES_MAX });

test("the id of the standard's own example", () => {
  // RFC 9562, appendix A.6: 2022-02-22 19:22:22 UTC, rand_a cc3, rand_b 18c4dc0c0c07398f.
  const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
  expect(uuidV7(0x017f22e279b0, random)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
});

test("an id is a version 7 UUID that keeps its time, whatever the random bytes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), bytes(10), (atMs, random) => {
      const id = uuidV7(atMs, random);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Number.parseInt(id.slice(0, 13).replace("-", ""), 16)).toBe(atMs);
    }),
  );
});

test.each([-1, 1.5, Number.NaN, 2 ** 48])("%d is no time of an id", (atMs) => {
  expect(() => uuidV7(atMs, new Uint8Array(10))).toThrow(RangeError);
});

test("too few random bytes are refused", () => {
  expect(() => uuidV7(0, new Uint8Array(9))).toThrow(RangeError);
});

test("ids of one source only ever rise and never repeat, whatever the clock does", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 2000 }), (times) => {
      let tick = 0;
      const next = createIdSource(() => 1_764_000_000_000 + (times[tick++] ?? 0), randomBytes);
      const ids = times.map(() => next());
      expect(ids).toEqual([...new Set(ids)].sort());
    }),
    { numRuns: 30 },
  );
});

test("a millisecond with more ids than it can count borrows the next", () => {
  const next = createIdSource(() => 1_764_000_000_000, randomBytes);
  const ids = Array.from({ length: 20_000 }, next);
  expect(new Set(ids.map((id) => toPaymentId(id))).size).toBe(20_000);
  expect(ids).toEqual([...ids].sort());
  expect(ids.every(isUuid)).toBe(true);
});

test("two sources with the same clock do not meet", () => {
  const [a, b] = [createIdSource(() => 7, randomBytes), createIdSource(() => 7, randomBytes)];
  const ids = Array.from({ length: 5000 }, () => [toPaymentId(a()), toPaymentId(b())]).flat();
  expect(new Set(ids).size).toBe(10_000);
});

test.each([
  ["0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e9d", true],
  ["0197B0A4-4B1C-7CC0-8000-3D3B2A1F0E9D", true],
  ["00000000-0000-0000-0000-000000000000", true],
  ["0197b0a44b1c7cc080003d3b2a1f0e9d", false],
  ["{0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e9d}", false],
  ["0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e9g", false],
  ["0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e9d\n", false],
  ["0197b0a44-b1c-7cc0-8000-3d3b2a1f0e9d", false],
  ["", false],
])("%j: is a UUID is %s", (text, expected) => {
  expect(isUuid(text)).toBe(expected);
});

test("a transaction's id tells its payment, line and side", () => {
  fc.assert(
    fc.property(bytes(10), lineNo, side, (random, line, ofSide) => {
      const paymentId = toPaymentId(uuidV7(1_764_000_000_000, random));
      const id = transactionId(paymentId, line, ofSide);
      expect(parseTransactionId(id)).toEqual({ paymentId, lineNo: line, side: ofSide });
      expect(parseTransactionId(id.toUpperCase())).toEqual({ paymentId, lineNo: line, side: ofSide });
    }),
  );
});

test("the last byte is twice the line, plus one for credit", () => {
  const paymentId = toPaymentId("0197B0A4-4B1C-7CC0-8000-3D3B2A1F0E9D");
  expect(paymentId).toBe("0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00");
  expect(transactionId(paymentId, 1, "debit")).toBe("0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e02");
  expect(transactionId(paymentId, 50, "credit")).toBe("0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e65");
});

test("an id that no transaction has is told as such", () => {
  for (const last of ["00", "01", "66", "ff"]) expect(parseTransactionId(`0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e${last}`)).toBeNull();
  expect(parseTransactionId("0197b0a4")).toBeNull();
  for (const line of [0, 51, 1.5, Number.NaN])
    expect(() => transactionId("0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00", line, "debit")).toThrow(RangeError);
});
