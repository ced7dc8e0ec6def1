// `npm start`: finds or starts a database, migrates it, fills the demo bank, serves, and says what runs where.

import { pino } from "pino";
import { readConfig, readEnvironment } from "#platform/config.ts";
import { openDatabaseTarget } from "#platform/database-target.ts";
import { refuseTakenPort } from "#platform/http/drain.ts";
import { migrate } from "#platform/migrations.ts";
import { StartupError } from "#platform/startup-error.ts";
import { openApp } from "./app.ts";
import { fillDemoBank } from "./demo-bank.ts";
import { greet } from "./greeting.ts";
import { openAccess } from "./open-access.ts";
import { openMasterKeys } from "./open-keys.ts";
import { upgradeClients } from "./upgrade.ts";

const STOP_MAX_MS = 30_000;

async function start(): Promise<void> {
  const config = readConfig(readEnvironment());
  const log = pino({ level: config.logLevel });
  for (const warning of config.warnings) log.warn(warning);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await refuseTakenPort(config.host, config.port);
  const target = await openDatabaseTarget(config, say, { ephemeral: process.argv.includes("--ephemeral") });
  const closers: (() => Promise<void> | void)[] = [() => target.stop()];
  stopOnSignal(closers, say);
  try {
    await migrate(target.ownerUrl);
    await upgradeClients(target.ownerUrl, await openMasterKeys(config), say);
    const access = await openAccess(config, (fault) => log.warn({ fault }, "the key set could not be read"));
    const app = await openApp(config, { url: target.appUrl, role: target.appRole }, access.verify, log);
    closers.unshift(
      () => app.close(),
      () => access.close(),
    );
    const demo = config.demo && access.issuer !== null ? await fillDemoBank(app.http, access.issuer) : null;
    const port = await app.listen();
    await greet(say, {
      config,
      port,
      database: target.describe,
      issuer: access.issuer,
      demo,
      codesUrl: app.codesUrl,
      sumsubUrl: app.sumsubUrl,
    });
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** The first signal stops gracefully; a second one, or half a minute, at once. */
function stopOnSignal(closers: (() => Promise<void> | void)[], say: (line: string) => void): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    say(`${signal}: answering what was accepted, then stopping. Once more to stop at once.`);
    setTimeout(() => process.exit(1), STOP_MAX_MS).unref();
    closeAll(closers).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

async function closeAll(closers: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const close of closers) await close();
}

start().catch((error: unknown) => {
  const text = error instanceof StartupError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`FinLego cannot start.\n${text}\n`);
  process.exit(1);
});
