import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DocumentStore } from "../client-profile/ports.ts";
import { diskStore } from "./disk-store.ts";

const ONE = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e0a";
const TWO = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e0b";
const THREE = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0eff";

let folder: string;
let store: DocumentStore;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "finlego-store-")), "documents");
  store = diskStore(folder);
});
afterEach(async () => {
  await rm(join(folder, ".."), { recursive: true, force: true });
});

async function* bytes(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function read(id: string): Promise<string | null> {
  const content = await store.get(id);
  return content === null ? null : (await buffer(content)).toString();
}

const filesIn = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((each) => each.isFile()).map(({ name }) => name);

async function listAll(): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<DocumentStore["list"]>> = await store.list(cursor);
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== null);
  return ids;
}

test("what was put is got back until it is deleted", async () => {
  await store.put(ONE, bytes("one ", "two"));
  expect(await read(ONE)).toBe("one two");
  expect(await read(TWO)).toBeNull();
  await store.delete(ONE);
  await store.delete(ONE);
  expect(await read(ONE)).toBeNull();
  expect(await filesIn()).toEqual([]);
});

test("folders and files belong to their owner alone", async () => {
  await store.put(ONE, bytes("one"));
  const modes = await Promise.all(
    [folder, join(folder, "0a"), join(folder, "0a", ONE)].map(async (path) => (await stat(path)).mode & 0o777),
  );
  expect(modes).toEqual([0o700, 0o700, 0o600]);
});

test("a content that fails, or a call that is given up, leaves nothing behind", async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("half");
    throw new Error("the other side went away");
  }
  await expect(store.put(ONE, failing())).rejects.toThrow("went away");
  await expect(store.put(ONE, bytes("a", "b"), AbortSignal.abort(new Error("given up")))).rejects.toThrow("given up");
  expect(await filesIn()).toEqual([]);
  expect(await read(ONE)).toBeNull();
});

test("nobody sees a document before it is whole", async () => {
  const seen: (string | null)[] = [];
  async function* watched(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("half");
    seen.push(await read(ONE), (await listAll()).join());
    yield Buffer.from("whole");
  }
  await store.put(ONE, watched());
  expect(seen).toEqual([null, ""]);
  expect(await read(ONE)).toBe("halfwhole");
});

test("all that is stored is listed in the order of its places, and nothing else that lies there", async () => {
  for (const id of [THREE, TWO, ONE]) await store.put(id, bytes("x"));
  await mkdir(join(folder, "0c"));
  await writeFile(join(folder, "0c", ".draft-x"), "half");
  await writeFile(join(folder, "0c", "notes.txt"), "not ours");
  expect(await listAll()).toEqual([ONE, TWO, THREE]);
});

test("drafts that a killed process left are removed once they are old, and younger ones are not", async () => {
  await store.put(ONE, bytes("one"));
  const [old, young] = [".draft-old", ".draft-young"].map((name) => join(folder, "0a", name));
  for (const path of [old, young]) await writeFile(path ?? "", "half");
  await utimes(old ?? "", new Date(0), new Date(0));
  await store.dropUnfinished(new Date(Date.now() - 3_600_000));
  expect((await filesIn()).sort()).toEqual([".draft-young", ONE]);
});

test("only an id becomes part of a path", async () => {
  for (const id of ["../../etc/passwd", "..", "", `${ONE}/..`, `${ONE.slice(0, -1)}/`]) {
    await expect(store.put(id, bytes("x"))).rejects.toThrow(RangeError);
    await expect(store.get(id)).rejects.toThrow(RangeError);
    await expect(store.delete(id)).rejects.toThrow(RangeError);
  }
});

test("a folder that cannot be made is told at start", async () => {
  await writeFile(join(folder, "..", "file"), "");
  expect(() => diskStore(join(folder, "..", "file", "documents"))).toThrow("FINLEGO_DATA");
});

test("bytes are on the disk as they were given", async () => {
  await store.put(ONE, bytes("sealed"));
  expect(await readFile(join(folder, "0a", ONE), "utf8")).toBe("sealed");
  await chmod(folder, 0o700);
});
