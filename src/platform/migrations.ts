// Forward-only migrations: numbered plain SQL files, each in its own transaction, each recorded with its hash.
// Any number of instances may start at once: an advisory lock lets one of them work while the others wait.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { runMigrations as runJobQueueMigrations } from "graphile-worker";
import pg from "pg";
import { StartupError } from "./startup-error.ts";
import * as store from "./migrations.store.ts";

export const MIGRATIONS_DIR = new URL("../../db/migrations/", import.meta.url);

/** Brings the database to the newest schema. Refuses (StartupError) when it was migrated by a newer or a changed release. */
export async function migrate(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: "finlego-migrate" });
  await client.connect();
  try {
    await store.takeMigrationLock(client);
    await store.prepare(client);
    await runJobQueueMigrations({ connectionString: ownerUrl });
    const applied = await store.appliedMigrations(client);
    const files = (await readdir(MIGRATIONS_DIR)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).sort();
    refuseUnknown(applied, files);
    for (const name of files) {
      const text = await readFile(new URL(name, MIGRATIONS_DIR), "utf8");
      const hash = createHash("sha256").update(text).digest("hex");
      const before = applied.get(name);
      if (before === undefined) await store.apply(client, name, hash, text);
      else if (before !== hash)
        throw new StartupError(
          `Migration ${name} was changed after it had been applied. Restore the file; corrections are new migrations.`,
        );
    }
  } finally {
    await client.end();
  }
}

function refuseUnknown(applied: ReadonlyMap<string, string>, files: readonly string[]): void {
  const unknown = [...applied.keys()].filter((name) => !files.includes(name));
  if (unknown.length > 0)
    throw new StartupError(
      `The database was migrated by a newer release (${unknown.join(", ")}). Start that release, or restore a backup.`,
    );
}
