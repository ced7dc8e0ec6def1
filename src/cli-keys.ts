// The commands `keys new`, `keys status` and `keys rotate`: what an operator does about the master key. Exit code 0: all is well;
// 1: keys are left under a master key that this process lacks, or do not open; 2: nobody knows, because it could not run.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { clientKeys } from "#client-profile";
import { type Config, readConfig } from "#platform/config.ts";
import { openDatabaseTarget } from "#platform/database-target.ts";
import { Database } from "#platform/db.ts";
import { Problem } from "#platform/problem.ts";
import type { MasterKeys } from "#platform/sealing.ts";
import { StartupError } from "#platform/startup-error.ts";
import { newMasterKey, openMasterKeys } from "./open-keys.ts";

const EXIT_LEFT = 1;
const EXIT_UNKNOWN = 2;

/** Adds `keys` to the program. `environment` is read when a command runs. */
export function registerKeysCommand(program: Command, environment: () => NodeJS.ProcessEnv): void {
  const keys = program.command("keys").description("the master key, under which the keys of clients' data are wrapped");
  const write = (text: string): void => program.configureOutput().writeOut?.(text);
  const say = (line: string): void => program.configureOutput().writeErr?.(`${line}\n`);
  const add = (name: string, description: string, run: () => Promise<boolean>): void => {
    keys
      .command(name)
      .description(description)
      .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_UNKNOWN))
      .action(async (_options: unknown, command: Command) => {
        try {
          if (!(await run())) process.exitCode = EXIT_LEFT;
        } catch (error) {
          command.error(explain(error), { exitCode: EXIT_UNKNOWN });
        }
      });
  };

  add("new", "print a new master key", async () => {
    write(newMasterKey());
    return true;
  });
  add("status", "which master keys wrap how many clients' keys: JSON, exit code 0 (all can be opened) or 1", async () => {
    const status = await withDatabase(readConfig(environment()), say, (db, masterKeys) => clientKeys.describe(db, masterKeys));
    write(`${JSON.stringify(status, null, 2)}\n`);
    return [...status.clients, ...(status.searchKey === null ? [] : [status.searchKey])].every(({ isGiven }) => isGiven);
  });
  add("rotate", "wrap all keys anew under the first MASTER_KEY: JSON, exit code 0 (done) or 1 (some are left)", async () => {
    const onProgress = (rotated: number): void => say(`${rotated} keys are wrapped anew.`);
    const end = await withDatabase(readConfig(environment()), say, (db, masterKeys) => clientKeys.rotate(db, masterKeys, onProgress));
    write(`${JSON.stringify(end, null, 2)}\n`);
    return end.status.toRotate === 0;
  });
}

/** As the running product connects: what a rotation does needs no right of the owner. */
async function withDatabase<T>(
  config: Config,
  say: (line: string) => void,
  work: (db: Database, masterKeys: MasterKeys) => Promise<T>,
): Promise<T> {
  if (config.databaseUrl === null && !existsSync(join(config.dataDir, "postgres", "cluster"))) {
    throw new StartupError(`There is no database in ${config.dataDir}: start the server first, or set DATABASE_URL.`);
  }
  const masterKeys = await openMasterKeys(config);
  const target = await openDatabaseTarget(config, say, { ephemeral: false });
  const db = new Database({ url: target.appUrl, role: target.appRole, poolSize: 2, name: "finlego-keys" });
  try {
    return await work(db, masterKeys);
  } finally {
    await db.close();
    await target.stop();
  }
}

function explain(error: unknown): string {
  if (error instanceof StartupError) return error.message;
  if (error instanceof Problem) return `The database is busy or away: ${error.message}. What was done so far stays; run it again.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
