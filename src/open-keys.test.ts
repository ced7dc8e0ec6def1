// Where a process has its master keys from, and how the file looks that development makes.

import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "#platform/config.ts";
import { developmentMasterKeys, readMasterKeys } from "#platform/sealing.ts";
import { StartupError } from "#platform/startup-error.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newMasterKey, openMasterKeys } from "./open-keys.ts";

let dataDir: string;
let file: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "finlego-keys-test-"));
  file = join(dataDir, "master.key");
});
afterEach(() => rm(dataDir, { recursive: true }));

const open = (env: Record<string, string> = {}) => openMasterKeys(readConfig({ FINLEGO_DATA: dataDir, ...env }));
const fileMode = async (): Promise<number> => (await stat(file)).mode & 0o777;

test("a new key is read back as a master key, and is another one each time", () => {
  const keys = Array.from({ length: 100 }, newMasterKey);
  expect(new Set(keys.map((key) => readMasterKeys(key)?.current)).size).toBe(100);
  for (const key of keys) expect(readConfig({ MASTER_KEY: key }).masterKeys?.current).toMatch(/^[0-9a-f]{16}$/);
});

test("the embedded database gets a key of its own, which its owner alone can read and which stays", async () => {
  const first = await open();
  expect(await fileMode()).toBe(0o600);
  expect((await open()).current).toBe(first.current);
  expect(first.has(developmentMasterKeys().current)).toBe(false);
});

test("processes that open it at once make one key", async () => {
  const opened = await Promise.all(Array.from({ length: 20 }, () => open()));
  expect(new Set(opened.map(({ current }) => current)).size).toBe(1);
});

test("MASTER_KEY comes first, and no file is made", async () => {
  const key = newMasterKey();
  expect((await open({ MASTER_KEY: key })).current).toBe(readMasterKeys(key)?.current);
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test("development on a database of its own takes the published key, which every instance has", async () => {
  expect((await open({ DATABASE_URL: "postgresql://db/finlego" })).current).toBe(developmentMasterKeys().current);
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test("a file that others can read, that is a link, or that holds no key keeps the process from starting, and is not repeated", async () => {
  const { current } = await open();
  const key = await readFile(file, "utf8");

  await chmod(file, 0o644);
  await expect(open()).rejects.toThrow(new StartupError(`Other users can read the file of the master key: run chmod 600 ${file}.`));
  await chmod(file, 0o600);
  expect((await open()).current).toBe(current);

  await writeFile(file, `${key.slice(0, 20)}\n`);
  await expect(open()).rejects.toThrow(/holds no master key of 256 bits\. Put the right file back/);
  await expect(open()).rejects.not.toThrow(key.slice(0, 20));
  await writeFile(file, "");
  await expect(open()).rejects.toThrow(StartupError);

  await rm(file);
  await writeFile(join(dataDir, "elsewhere"), key, { mode: 0o600 });
  await symlink(join(dataDir, "elsewhere"), file);
  await expect(open()).rejects.toThrow(`The master key cannot be read: ${file}.`);
});

test("a key that was changed by hand to something weak is no key", async () => {
  await writeFile(file, `${"0".repeat(64)}\n`, { mode: 0o600 });
  await expect(open()).rejects.toThrow(/holds no master key/);
});
