import { appendFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { erasureList, readErasureList } from "./erasure-list.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finlego-erasures-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the list is made with its folder, for its owner alone, and grows by a line each time", async () => {
  const path = join(folder, "new", "erasures.ndjson");
  const add = erasureList(path);
  await add("one");
  await add("two");
  expect(await readFile(path, "utf8")).toBe("one\ntwo\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readErasureList(path)).toEqual(["one", "two"]);
});

test("half a line that a crash has left does not spoil the next one", async () => {
  const path = join(folder, "cut.ndjson");
  await appendFile(path, '{"whole":1}\n{"ha');
  await erasureList(path)('{"next":2}');
  expect(await readErasureList(path)).toEqual(['{"whole":1}', '{"ha', '{"next":2}']);
});

test("many at once lose nothing", async () => {
  const path = join(folder, "many.ndjson");
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index} ${"x".repeat(1_000)}`);
  await Promise.all(lines.map((line) => erasureList(path)(line)));
  expect((await readErasureList(path)).toSorted()).toEqual(lines.toSorted());
});

test("a list that cannot be written fails the erasure that asked for it", async () => {
  const path = join(folder, "new", "erasures.ndjson", "below-a-file");
  await expect(erasureList(path)("one")).rejects.toThrow(/ENOTDIR|EEXIST/);
  await expect(readErasureList(join(folder, "none"))).rejects.toThrow("ENOENT");
});
