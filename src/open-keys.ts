// Under which master keys clients' data stand: the settings say so. Where they leave it open the embedded database gets a key of its own
// beside it, and development on another database the published key, which every instance on that database has.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Config } from "#platform/config.ts";
import { developmentMasterKeys, KEY_BYTES, type MasterKeys, readMasterKeys } from "#platform/sealing.ts";
import { openSecretFile } from "#platform/secret-file.ts";
import { StartupError } from "#platform/startup-error.ts";

const KEY_FILE = "master.key";

/** @throws StartupError when the key's file cannot be used. */
export async function openMasterKeys({
  masterKeys,
  databaseUrl,
  dataDir,
}: Pick<Config, "masterKeys" | "databaseUrl" | "dataDir">): Promise<MasterKeys> {
  if (masterKeys !== null) return masterKeys;
  if (databaseUrl !== null) return developmentMasterKeys();
  const path = join(dataDir, KEY_FILE);
  const text = await openSecretFile(path, "The master key", newMasterKey);
  const keys = readMasterKeys(text);
  if (keys === null)
    throw new StartupError(`${path} holds no master key of 256 bits. Put the right file back: without it clients' data are lost.`);
  return keys;
}

/** A key as MASTER_KEY takes it. */
export function newMasterKey(): string {
  return `${randomBytes(KEY_BYTES).toString("base64")}\n`;
}
