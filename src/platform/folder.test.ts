import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeFolder } from "./folder.ts";

const root = mkdtempSync(join(tmpdir(), "finlego-folder-"));
afterAll(() => rmSync(root, { recursive: true }));

test("every missing part of a path is made, and a folder that exists is left as it is", () => {
  makeFolder(join(root, "a", "b"), 0o700);
  makeFolder(join(root, "a", "b"), 0o755);
  expect(statSync(join(root, "a", "b")).mode & 0o777).toBe(0o700);
});

test("a parent that takes no folders is an error and not an endless attempt", { timeout: 5_000 }, () => {
  expect(() => makeFolder("/proc/finlego/data", 0o700)).toThrow("ENOENT");
});

test("a file in the way is an error", () => {
  writeFileSync(join(root, "file"), "");
  expect(() => makeFolder(join(root, "file", "data"), 0o700)).toThrow("ENOTDIR");
});
