import { expect, test } from "vitest";
import { type Binding, CodeKeys, newCode } from "./code-keys.ts";

const SECRET = "test-secret-of-one-time-codes-0123456789abcdef";
const BINDING: Binding = {
  challengeId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00",
  clientId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e01",
  purpose: "closeAccount",
  subject: '{"accountId":null}',
};
const keys = new CodeKeys(SECRET);
const UNREADABLE = /unable to authenticate data/;

const OTHERS: readonly Binding[] = [
  { ...BINDING, challengeId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e02" },
  { ...BINDING, clientId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e02" },
  { ...BINDING, purpose: "openAccount" },
  { ...BINDING, subject: '{"accountId":"x"}' },
  // The parts joined are the same text.
  { ...BINDING, purpose: `${BINDING.purpose}{`, subject: BINDING.subject.slice(1) },
];

test("a hundred thousand codes have six digits, each digit as often as any other, and repeat no more than chance has them do", () => {
  const codes = Array.from({ length: 100_000 }, newCode);
  expect(codes.every((code) => /^\d{6}$/.test(code))).toBe(true);
  for (let place = 0; place < 6; place++) {
    const counts = Array.from({ length: 10 }, (_, digit) => codes.filter((code) => Number(code[place]) === digit).length);
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // Nine degrees of freedom: chance passes 39.3 once in a hundred thousand times.
    expect(chiSquare, `place ${place + 1}: ${counts.join(" ")}`).toBeLessThan(39.3);
  }
  // Expected 95 163 different ones, standard deviation below 70.
  const different = new Set(codes).size;
  expect(different).toBeGreaterThan(94_700);
  expect(different).toBeLessThan(95_600);
});

test("a code's hash is bound to challenge, client, purpose, subject, code and key", () => {
  const hash = keys.hashCode(BINDING, "123456");
  expect(new CodeKeys(SECRET).hashCode({ ...BINDING }, "123456")).toEqual(hash);
  const others = [
    ...OTHERS.map((binding) => keys.hashCode(binding, "123456")),
    keys.hashCode(BINDING, "123457"),
    keys.hashDestination(BINDING, "123456"),
    new CodeKeys(`${SECRET}0`).hashCode(BINDING, "123456"),
  ];
  for (const other of others) expect(other).not.toEqual(hash);
});

test("a sealed message opens for its challenge and key alone, unchanged, and never looks the same twice", () => {
  const text = "123456 is your code to close an account.";
  const sealed = keys.seal(BINDING.challengeId, text);
  expect(keys.unseal(BINDING.challengeId, sealed)).toBe(text);
  expect(keys.seal(BINDING.challengeId, text)).not.toEqual(sealed);
  expect(sealed.toString("latin1")).not.toContain("123456");
  expect(() => keys.unseal(OTHERS[0]?.challengeId ?? "", sealed)).toThrow(UNREADABLE);
  expect(() => new CodeKeys(`${SECRET}0`).unseal(BINDING.challengeId, sealed)).toThrow(UNREADABLE);
  for (let place = 0; place < sealed.length; place++) {
    const changed = Buffer.from(sealed);
    changed[place] = (changed[place] ?? 0) ^ 1;
    expect(() => keys.unseal(BINDING.challengeId, changed)).toThrow(UNREADABLE);
  }
  expect(() => keys.unseal(BINDING.challengeId, Buffer.alloc(0))).toThrow(/initialization vector|authentication tag/i);
});

test("a proof names its challenge to who asks about the same client, purpose and subject", () => {
  const proof = keys.proofOf(BINDING);
  expect(keys.challengeOf(proof, BINDING)).toBe(BINDING.challengeId);
  for (const { challengeId: _, ...about } of OTHERS.slice(1)) expect(keys.challengeOf(proof, about)).toBeNull();
  expect(new CodeKeys(`${SECRET}0`).challengeOf(proof, BINDING)).toBeNull();
  for (const text of ["", "x", `${proof} `, `${proof}=`, proof.slice(1), proof.toLowerCase(), "A".repeat(64), "é".repeat(64)]) {
    expect(keys.challengeOf(text, BINDING), text).toBeNull();
  }
});
