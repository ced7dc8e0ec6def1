// Forward-only migrations: numbered plain SQL files, each in its own transaction, each recorded with its hash.
// Any number of instances may start at once: an advisory lock lets one of them work while the others wait.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { runMigrations as runJobQueueMigrations } from "graphile-worker";
import pg from "pg";
import { StartupError } from "./startup-error.ts";
import * as store from "./migrations.store.ts";

export const MIGRATIONS_DIR = new URL("../../db/migrations/", import.meta.url);

type Migration = { readonly name: string; readonly text: string; readonly hash: string };

/**
 * Brings the database to the newest schema. Refuses (StartupError) a database that a newer or a changed release has migrated, before
 * anything is touched. `folder` ends with a slash.
 */
export async function migrate(ownerUrl: string, folder: URL = MIGRATIONS_DIR): Promise<void> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({ connectionString: ownerUrl, application_name: "finlego-migrate" });
  // A connection that breaks is told by the statement that runs on it.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await store.takeMigrationLock(client);
    await store.prepare(client);
    const applied = await store.appliedMigrations(client);
    refuseOthers(applied, migrations);
    await runJobQueueMigrations({ connectionString: ownerUrl });
    for (const { name, hash, text } of migrations) if (!applied.has(name)) await store.apply(client, name, hash, text);
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), "utf8");
      return { name, text, hash: createHash("sha256").update(text).digest("hex") };
    }),
  );
}

function refuseOthers(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const hashes = new Map(migrations.map(({ name, hash }) => [name, hash]));
  const unknown = [...applied.keys()].filter((name) => !hashes.has(name));
  if (unknown.length > 0) {
    throw new StartupError(
      `The database was migrated by a newer release (${unknown.join(", ")}). Start that release, or restore a backup.`,
    );
  }
  const changed = [...applied].filter(([name, hash]) => hashes.get(name) !== hash).map(([name]) => name);
  if (changed.length > 0) {
    throw new StartupError(
      `Migration ${changed.join(", ")} was changed after it had been applied. Restore the file; corrections are new migrations.`,
    );
  }
}
