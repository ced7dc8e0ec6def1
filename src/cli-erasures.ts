// The commands `erasures export` and `erasures replay`: so that a restored backup forgets again what was forgotten since it was taken. Exit code
// 0: done; 1: the list has lines that are no certificates, and somebody must look at them; 2: nobody knows, because it could not run.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { clientErasures } from "#client-profile";
import { clientAccounts } from "#general-ledger";
import { type Config, readConfig } from "#platform/config.ts";
import { openDatabaseTarget } from "#platform/database-target.ts";
import { Database } from "#platform/db.ts";
import { Problem } from "#platform/problem.ts";
import { StartupError } from "#platform/startup-error.ts";
import { readErasureList } from "./adapters/erasure-list.ts";
import { ERASURE_LIST, PERSONAL_DATA } from "./personal-data.ts";

const EXIT_DAMAGED = 1;
const EXIT_UNKNOWN = 2;

/** Adds `erasures` to the program. `environment` is read when a command runs. */
export function registerErasuresCommand(program: Command, environment: () => NodeJS.ProcessEnv): void {
  const erasures = program.command("erasures").description("clients that were erased for ever, and backups that do not know it yet");
  const write = (text: string): void => program.configureOutput().writeOut?.(text);
  const say = (line: string): void => program.configureOutput().writeErr?.(`${line}\n`);
  const add = (command: Command, run: (options: { readonly file?: string }) => Promise<boolean>): void => {
    command
      .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_UNKNOWN))
      .action(async (options: { readonly file?: string }) => {
        try {
          if (!(await run(options))) process.exitCode = EXIT_DAMAGED;
        } catch (error) {
          command.error(explain(error), { exitCode: EXIT_UNKNOWN });
        }
      });
  };

  add(erasures.command("export").description("print every erasure of this database, one certificate a line"), async () => {
    await withDatabase(readConfig(environment()), say, async (db) => {
      for await (const line of clientErasures.lines(db)) write(`${line}\n`);
    });
    return true;
  });
  const replay = erasures
    .command("replay")
    .description("erase again, in a restored database, every client of the list: JSON, exit code 0, or 1 when lines are damaged")
    .option("--file <path>", `the list (default: ${ERASURE_LIST} in FINLEGO_DATA)`);
  add(replay, async ({ file }) => {
    const config = readConfig(environment());
    const lines = await readLines(file ?? join(config.dataDir, ERASURE_LIST));
    const report = await withDatabase(config, say, (db) =>
      clientErasures.replay(
        { db, data: PERSONAL_DATA, stopDebits: (tx, clientId) => clientAccounts.setBlocked(tx, clientId, true) },
        lines,
      ),
    );
    write(`${JSON.stringify(report, null, 2)}\n`);
    return report.damagedLines.length === 0;
  });
}

async function readLines(path: string): Promise<string[]> {
  try {
    return await readErasureList(path);
  } catch (error) {
    throw new StartupError(`There is no list of erasures at ${path}: name one with --file.`, { cause: error });
  }
}

/** As the running product connects: an erasure needs no right of the owner, and no master key. */
async function withDatabase<T>(config: Config, say: (line: string) => void, work: (db: Database) => Promise<T>): Promise<T> {
  if (config.databaseUrl === null && !existsSync(join(config.dataDir, "postgres", "cluster"))) {
    throw new StartupError(`There is no database in ${config.dataDir}: start the server first, or set DATABASE_URL.`);
  }
  const target = await openDatabaseTarget(config, say, { ephemeral: false });
  const db = new Database({ url: target.appUrl, role: target.appRole, poolSize: 2, name: "finlego-erasures" });
  try {
    return await work(db);
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
