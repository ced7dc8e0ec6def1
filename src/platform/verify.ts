// Runs every check of every room on one snapshot, read only, and reports what does not hold. It proves what the tables say of each other;
// it neither mends nor stops anything. The product may go on working meanwhile: the snapshot is one instant of it.

import { readdir, readFile } from "node:fs/promises";
import { Client } from "pg";
import type { Check, Finding, Verifiable } from "./checks.ts";
import { explainConnectError, isRemote } from "./database-target.ts";
import { isServerError } from "./db.ts";
import { foreignKeyCheck, lockChecks } from "./lock-checks.store.ts";
import { MIGRATIONS_DIR } from "./migrations.ts";
import { appliedMigrations } from "./migrations.store.ts";
import { readServerFacts } from "./server-facts.store.ts";
import { judgeServer } from "./server-fitness.ts";
import type { Mode } from "./settings.ts";
import { StartupError } from "./startup-error.ts";
import { beginSnapshot, endSnapshot, type Found, hasSchema, readFigure, runCheck, VERIFY_SESSION_OPTIONS } from "./verify.store.ts";

export type CheckResult = {
  readonly id: string;
  readonly name: string;
  readonly severity: Check["severity"];
  readonly ok: boolean;
  readonly durationMs: number;
  /** Findings in all; at most FINDINGS_MAX of them are listed. */
  readonly total: number;
  readonly findings: readonly Finding[];
};

export type Report = {
  /** No check of severity "error" found anything. */
  readonly ok: boolean;
  /** The instant that was checked, RFC 3339. */
  readonly checkedAt: string;
  readonly durationMs: number;
  readonly checks: readonly CheckResult[];
  readonly [figure: string]: unknown;
};

export type VerifyOptions = {
  /** Whoever may read all tables: the owner, or the app role. */
  readonly url: string;
  readonly mode: Mode;
  readonly rooms: readonly Verifiable[];
};

const FINDINGS_MAX = 20;

/** @throws StartupError when there is nothing to verify: no server, no schema, another release's schema, not allowed to read. */
export async function verify({ url, mode, rooms }: VerifyOptions): Promise<Report> {
  const began = performance.now();
  const client = await connect(url);
  try {
    const server = await judge(client, mode);
    const checkedAt = await beginSnapshot(client);
    const migrations = await readMigrations(client);
    const figures = await readFigures(client, rooms);
    const results: CheckResult[] = [...server];
    const checks = [...rooms.flatMap((room) => room.checks), ...lockChecks(rooms, migrations), await foreignKeyCheck(client, rooms)];
    for (const each of checks) results.push(await run(client, each));
    await endSnapshot(client);
    const ok = results.every((result) => result.ok || result.severity === "warning");
    return { ok, checkedAt: checkedAt.toISOString(), ...figures, durationMs: Math.ceil(performance.now() - began), checks: results };
  } catch (error) {
    throw explain(error);
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: "finlego verify",
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    options: VERIFY_SESSION_OPTIONS,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw new StartupError(`The database ${explainConnectError(error, client.user ?? "").sentence}`, { cause: error });
  }
}

async function run(client: Client, { id, name, severity, ...query }: Check): Promise<CheckResult> {
  const began = performance.now();
  const found = await runCheck(client, { id, name, severity, ...query }, FINDINGS_MAX).catch((error: unknown) => {
    throw new StartupError(`The check ${id} (${name}) could not run: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  });
  return resultOf(id, name, severity, found, began);
}

function resultOf(id: string, name: string, severity: Check["severity"], found: Found, began: number): CheckResult {
  return { id, name, severity, ok: found.total === 0, durationMs: Math.ceil(performance.now() - began), ...found };
}

/** The settings of the server (DB-5). This session is read only, and a standby may be verified too: neither is a fault here. */
async function judge(client: Client, mode: Mode): Promise<CheckResult[]> {
  const began = performance.now();
  const facts = { ...(await readServerFacts(client)), readOnly: false };
  const remote = isRemote(client);
  const { refusals, warnings } = judgeServer(facts, mode, remote);
  return [
    resultOf("DB-5", "the server keeps what it has confirmed", "error", told(refusals), began),
    resultOf("DB-5", "the server is set up as we advise", "warning", told(warnings), began),
  ];
}

function told(sentences: readonly string[]): Found {
  const findings = sentences.map((message) => ({ place: { server: "settings" }, message, expected: null, actual: null }));
  return { total: findings.length, findings };
}

/** The text of all migrations, when they are the ones that made this database. */
async function readMigrations(client: Client): Promise<string> {
  if (!(await hasSchema(client)))
    throw new StartupError("There are no books in that database: it was never migrated. Start the server on it first.");
  const applied = await appliedMigrations(client);
  const names = (await readdir(MIGRATIONS_DIR)).filter((name) => name.endsWith(".sql")).sort();
  const missing = names.filter((name) => !applied.has(name));
  const unknown = [...applied.keys()].filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw new StartupError(
      `The database is of an older release (without ${missing.join(", ")}). Start this release on it first, or verify with that one.`,
    );
  if (unknown.length > 0) throw new StartupError(`The database is of a newer release (${unknown.join(", ")}). Verify with that one.`);
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, MIGRATIONS_DIR), "utf8")));
  return texts.join("\n");
}

async function readFigures(client: Client, rooms: readonly Verifiable[]): Promise<Record<string, number | null>> {
  const figures: Record<string, number | null> = {};
  for (const [name, sql] of rooms.flatMap((room) => Object.entries(room.figures))) {
    const figure = await readFigure(client, sql);
    figures[name] = figure === null ? null : Number(figure);
  }
  return figures;
}

function explain(error: unknown): unknown {
  if (error instanceof StartupError || !isServerError(error)) return error;
  return new StartupError(`The database cannot be verified: ${error.message}.`, { cause: error });
}
