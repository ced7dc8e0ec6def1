// The command `verify`: the report as JSON on standard output, the verdict as exit code: 0 the books are right, 1 they are not,
// 2 nobody knows because it could not run (then one sentence stands on standard error and standard output is empty).

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Verifiable } from "./checks.ts";
import { type Config, readConfig } from "./config.ts";
import { openDatabaseTarget } from "./database-target.ts";
import { StartupError } from "./startup-error.ts";
import { type Report, verify } from "./verify.ts";

export type VerifyCommandDeps = {
  /** Read when the command runs. */
  readonly environment: () => NodeJS.ProcessEnv;
  readonly rooms: readonly Verifiable[];
};

const EXIT_WRONG = 1;
const EXIT_UNKNOWN = 2;

/** Adds `verify` to the program. */
export function registerVerifyCommand(program: Command, { environment, rooms }: VerifyCommandDeps): void {
  program
    .command("verify")
    .description("prove that the books are right: JSON, exit code 0 (right), 1 (wrong) or 2 (could not tell)")
    .option("--database-url <url>", "verify this database instead of the configured one")
    // An option that is misspelt must not look like wrong books.
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_UNKNOWN))
    .action(async ({ databaseUrl }: { readonly databaseUrl?: string }, command: Command) => {
      try {
        const config = readConfig({
          ...environment(),
          ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl, DATABASE_MIGRATION_URL: undefined }),
        });
        const report = await verifyConfigured(config, rooms, (line) => command.configureOutput().writeErr?.(`${line}\n`));
        command.configureOutput().writeOut?.(`${JSON.stringify(report, null, 2)}\n`);
        if (!report.ok) process.exitCode = EXIT_WRONG;
      } catch (error) {
        const text =
          error instanceof StartupError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
        command.error(text, { exitCode: EXIT_UNKNOWN });
      }
    });
}

async function verifyConfigured(config: Config, rooms: readonly Verifiable[], log: (line: string) => void): Promise<Report> {
  const { mode, databaseUrl, databaseMigrationUrl } = config;
  if (databaseUrl !== null) return await verify({ url: databaseMigrationUrl ?? databaseUrl, mode, rooms });
  if (!existsSync(join(config.dataDir, "postgres", "cluster"))) {
    throw new StartupError(`There is no database in ${config.dataDir}: start the server first, or name a database with --database-url.`);
  }
  const target = await openDatabaseTarget(config, log, { ephemeral: false });
  try {
    return await verify({ url: target.ownerUrl, mode, rooms });
  } finally {
    await target.stop();
  }
}
