import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openS3Simulator, type S3Simulator } from "../../test/setup/s3-simulator.ts";
import type { DocumentStore } from "../client-profile/ports.ts";
import { s3Store } from "./s3-store.ts";

const ONE = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e0a";
const TWO = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e0b";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region: "eu-central-1" };

let s3: S3Simulator;
let spool: string;
let store: DocumentStore;
const open = (changes: Partial<Parameters<typeof s3Store>[0]> = {}): DocumentStore =>
  s3Store({ ...credentials, spool, endpoint: s3.url, bucket: "bank", prefix: "documents/live", timeoutMs: 500, ...changes });
beforeEach(async () => {
  spool = join(await mkdtemp(join(tmpdir(), "finlego-spool-")), "spool");
  s3 = await openS3Simulator("bank", credentials);
  store = open();
});
afterEach(async () => {
  await s3.close();
  // Whatever became of a document, nothing of it waits any more.
  const waiting = await readdir(spool);
  if (waiting.length > 0) throw new Error(`documents still wait: ${waiting.join()}`);
  await rm(join(spool, ".."), { recursive: true });
});

async function* bytes(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part as Uint8Array);
}

async function read(id: string, from = store): Promise<Buffer | null> {
  const content = await from.get(id);
  return content === null ? null : await buffer(content);
}

test("what was put is got back until it is deleted, by requests that the service finds signed", async () => {
  const large = randomBytes(3_000_000);
  await store.put(ONE, bytes(large.subarray(0, 1_000_000), large.subarray(1_000_000)));
  expect([...s3.objects.keys()]).toEqual([`documents/live/0a/${ONE}`]);
  expect((await read(ONE))?.equals(large)).toBe(true);
  expect(await read(TWO)).toBeNull();
  await store.delete(ONE);
  await store.delete(ONE);
  expect(await read(ONE)).toBeNull();
  expect(s3.refused).toEqual([]);
});

test("a store without a prefix begins at the bucket", async () => {
  await open({ prefix: "" }).put(ONE, bytes("x"));
  expect([...s3.objects.keys()]).toEqual([`0a/${ONE}`]);
  expect((await open({ prefix: "" }).list(null)).items.map(({ id }) => id)).toEqual([ONE]);
});

test("a wrong secret, key or region is refused by the service and told without its words", async () => {
  for (const wrong of [{ secretAccessKey: "wrong" }, { accessKeyId: "other" }, { region: "us-east-1" }]) {
    const failure: unknown = await open(wrong)
      .put(ONE, bytes("x"))
      .catch((error: unknown) => error);
    expect(String(failure)).toContain("403 SignatureDoesNotMatch");
    expect(String(failure)).not.toContain("secret words");
  }
  expect(s3.refused).toHaveLength(3);
  expect(s3.objects.size).toBe(0);
});

test("all that is stored is listed page by page, in the order of its places", async () => {
  const hex = (value: number): string => value.toString(16).padStart(4, "0");
  const ids = Array.from({ length: 2_500 }, (_, at) => `0197b0a4-4b1c-7cc0-8000-3d3b2a1f${hex(at * 7)}`);
  for (const id of ids) s3.objects.set(`documents/live/${id.slice(-2)}/${id}`, { body: Buffer.from("x"), at: new Date(1_000) });
  s3.objects.set("documents/live/zz/notes & more.txt", { body: Buffer.from("x"), at: new Date() });
  s3.objects.set(`documents/other/0a/${ONE}`, { body: Buffer.from("x"), at: new Date() });
  const listed: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<DocumentStore["list"]>> = await store.list(cursor);
    listed.push(...page.items.map(({ id }) => id));
    for (const { storedAt } of page.items) expect(storedAt).toEqual(new Date(1_000));
    cursor = page.next;
  } while (cursor !== null);
  const place = (id: string): string => id.slice(-2) + id;
  expect(listed).toEqual(ids.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)));
  expect(s3.requests).toHaveLength(3);
});

describe("a service that misbehaves", () => {
  for (const once of ["error", "drop", "slow", "wrongTag"] as const) {
    test(`once (${once}) is asked again`, async () => {
      s3.misbehave(once);
      await store.put(ONE, bytes("hello"));
      expect((await read(ONE))?.toString()).toBe("hello");
    });

    test(`again and again (${once}) has stored nothing that we would count on`, async () => {
      s3.misbehave(once, once, once);
      await expect(store.put(ONE, bytes("hello"))).rejects.toThrow("the S3 store did not take PUT");
      expect(s3.requests).toHaveLength(3);
    });
  }

  test("that sends a part of a file is noticed while it is read", async () => {
    await store.put(ONE, bytes(randomBytes(500_000)));
    s3.misbehave("truncate");
    await expect(read(ONE)).rejects.toThrow("terminated");
  });

  test("that stops in the middle of a file is noticed; a reader that takes its time is not", async () => {
    await store.put(ONE, bytes(randomBytes(3_000_000)));
    s3.misbehave("stall");
    await expect(read(ONE)).rejects.toThrow("breaks off");
    const content = await open({ timeoutMs: 300 }).get(ONE);
    let size = 0;
    for await (const piece of content ?? []) {
      size += piece.length;
      if (size < 200_000) await new Promise((resolve) => setTimeout(resolve, 400));
    }
    expect(size).toBe(3_000_000);
  });

  test("that sends somewhere else is not followed", async () => {
    s3.misbehave("redirect");
    await expect(store.put(ONE, bytes("x"))).rejects.toThrow("307");
    expect(s3.requests).toHaveLength(1);
  });

  test("that is not there is told", async () => {
    await s3.close();
    await expect(store.get(ONE)).rejects.toThrow("no answer");
  });

  test("a bucket that is not there is not the same as a document that is not there", async () => {
    const elsewhere = open({ bucket: "gone" });
    await expect(elsewhere.get(ONE)).rejects.toThrow("NoSuchBucket");
    await expect(elsewhere.put(ONE, bytes("x"))).rejects.toThrow("NoSuchBucket");
    await expect(elsewhere.delete(ONE)).rejects.toThrow("NoSuchBucket");
    await expect(elsewhere.list(null)).rejects.toThrow("NoSuchBucket");
  });
});

test("where a key service encrypts, the tag is no hash and is not judged", async () => {
  s3.encryption = "aws:kms";
  s3.misbehave("wrongTag");
  await store.put(ONE, bytes("hello"));
  expect(s3.requests).toHaveLength(1);
});

test("a content that fails never reaches the service, and only an id becomes part of a key", async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("half");
    throw new Error("the other side went away");
  }
  await expect(store.put(ONE, failing())).rejects.toThrow("went away");
  await expect(store.put("../x", bytes("x"))).rejects.toThrow(RangeError);
  expect(s3.requests).toEqual([]);
});

test("a document waits in a file that belongs to its owner alone; what a killed process left there is removed once it is old", async () => {
  async function* watched(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("one");
    const [name = ""] = await readdir(spool);
    expect((await stat(join(spool, name))).mode & 0o777).toBe(0o600);
    expect((await stat(spool)).mode & 0o777).toBe(0o700);
    yield Buffer.from("two");
  }
  await store.put(ONE, watched());
  expect((await read(ONE))?.toString()).toBe("onetwo");
  for (const name of ["old", "young"]) await writeFile(join(spool, name), "half");
  await utimes(join(spool, "old"), new Date(0), new Date(0));
  await store.dropUnfinished(new Date(Date.now() - 3_600_000));
  expect(await readdir(spool)).toEqual(["young"]);
  await rm(join(spool, "young"));
});

test("many documents at once wait for their turn and all arrive", async () => {
  const ids = Array.from({ length: 30 }, (_, at) => `0197b0a4-4b1c-7cc0-8000-3d3b2a1f00${at.toString(16).padStart(2, "0")}`);
  await Promise.all(ids.map((id) => store.put(id, bytes(id))));
  expect(s3.objects.size).toBe(30);
});
