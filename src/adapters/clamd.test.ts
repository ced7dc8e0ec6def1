import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ClamdSimulator, openClamdSimulator } from "../../test/setup/clamd-simulator.ts";
import { eicar } from "../../test/setup/document-files.ts";
import { clamdScan } from "./clamd.ts";

const FINDINGS = { "Eicar-Test-Signature": eicar().toString("latin1") };
const forever = new AbortController().signal;

let clamd: ClamdSimulator;
beforeEach(async () => {
  clamd = await openClamdSimulator(FINDINGS);
});
afterEach(async () => {
  await clamd.close();
});

async function* bytes(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

const scan = (content: Uint8Array, timeoutMs = 2_000) => clamdScan({ address: clamd.address, timeoutMs })(bytes(content), forever);

test("bytes without malware are clean, and clamd sees every one of them", async () => {
  const large = randomBytes(5_000_000);
  const parts = [large.subarray(0, 1), Buffer.alloc(0), large.subarray(1, 3_000_000), large.subarray(3_000_000)];
  await expect(clamdScan({ address: clamd.address })(bytes(...parts), forever)).resolves.toEqual({ status: "clean" });
  expect(clamd.scanned[0]?.equals(large)).toBe(true);
});

test("malware is found and named, wherever the bytes are cut", async () => {
  const pattern = eicar();
  const parts = [Buffer.from("%PDF-1.4 "), pattern.subarray(0, 30), pattern.subarray(30)];
  await expect(clamdScan({ address: clamd.address })(bytes(...parts), forever)).resolves.toEqual({
    status: "infected",
    finding: "Eicar-Test-Signature",
  });
});

test("a clamd behind a socket's path is asked as well", async () => {
  const folder = await mkdtemp(join(tmpdir(), "finlego-clamd-"));
  const local = await openClamdSimulator(FINDINGS, join(folder, "clamd.ctl"));
  try {
    await expect(clamdScan({ address: local.address })(bytes(eicar()), forever)).resolves.toMatchObject({ status: "infected" });
  } finally {
    await local.close();
    await rm(folder, { recursive: true });
  }
});

describe("there is no verdict, and so no permission, from a clamd that", () => {
  for (const mood of ["garbage", "cut", "half", "endless", "limit", "error"] as const) {
    test(`is ${mood}`, async () => {
      clamd.mood = mood;
      await expect(scan(randomBytes(300_000))).rejects.toThrow(/clamd|ECONNRESET|EPIPE/);
    });
  }

  test("is slow", async () => {
    clamd.mood = "slow";
    await expect(scan(Buffer.from("x"), 100)).rejects.toThrow("clamd took too long");
  });

  test("is not asked any more", async () => {
    clamd.mood = "slow";
    const asked = clamdScan({ address: clamd.address })(bytes(Buffer.from("x")), AbortSignal.timeout(50));
    await expect(asked).rejects.toThrow("clamd took too long");
  });

  test("is away", async () => {
    await clamd.close();
    await expect(scan(Buffer.from("x"))).rejects.toThrow("clamd");
  });
});

test("bytes that cannot be read any more are no verdict", async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("half");
    throw new Error("they do not open");
  }
  await expect(clamdScan({ address: clamd.address })(failing(), forever)).rejects.toThrow("they do not open");
  expect(clamd.scanned).toEqual([]);
});

test("an address that cannot be one is told at start", () => {
  for (const address of [
    "localhost",
    "localhost:",
    "localhost:0",
    "localhost:99999",
    ":3310",
    "run/clamd.ctl",
    "http://localhost:3310",
    "a b:1",
  ]) {
    expect(() => clamdScan({ address })).toThrow("CLAMD_ADDRESS");
  }
  for (const address of ["localhost:3310", "[::1]:3310", "/run/clamav/clamd.ctl"]) clamdScan({ address });
});
