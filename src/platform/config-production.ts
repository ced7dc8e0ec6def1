// What a production needs beyond settings that can be read: no example passwords, no published keys, no secret in two places, nothing
// that goes over the network in the clear.

import type { ReadConfig } from "./config-types.ts";
import { developmentMasterKeys } from "./sealing.ts";
import { isDistant, type SettingsReader } from "./setting-readers.ts";
import { DEVELOPMENT_ISSUER, SETTINGS, type SettingName } from "./settings.ts";

// Passwords that stand in examples and images; a database behind one of them is open.
const EXAMPLE_PASSWORDS = [
  "postgres",
  "password",
  "passwd",
  "changeme",
  "change-me",
  "secret",
  "example",
  "finlego",
  "admin",
  "root",
  "test",
];

/** Secrets of which each protects something else. */
const SECRETS = ["MASTER_KEY", "OTP_KEY", "SUMSUB_SECRET_KEY", "SUMSUB_WEBHOOK_SECRET", "S3_SECRET_ACCESS_KEY"] as const;
const SHARED_SECRET_LEAST = 16;
const RETENTION_YEARS_BY_LAW = 5;

/** Adds what keeps a production from starting to the reader's problems. */
export function checkProduction(config: ReadConfig, read: SettingsReader): void {
  checkDatabase(config, read);
  for (const name of ["AUTH_ISSUER", "AUTH_JWKS_URL", "EVENTS_SINK_URL", "CODE_SENDER_URL", "SUMSUB_URL", "S3_ENDPOINT"] as const) {
    const url = read.text(name);
    if (url !== null && URL.canParse(url) && new URL(url).protocol === "http:" && isDistant(url)) {
      read.problems.push(`${name} must begin with https:// (http:// only for this machine).`);
    }
  }
  if ((config.codes.deliveryUrl === null) !== (config.codes.secret === null)) {
    read.problems.push("CODE_SENDER_URL and OTP_KEY must be given together: codes are sent with both, or not at all.");
  }
  if (config.auth.issuer === DEVELOPMENT_ISSUER)
    read.problems.push("AUTH_ISSUER names the development issuer, which production does not have.");
  checkSecrets(config, read);
}

function checkDatabase({ databaseUrl, databaseMigrationUrl }: ReadConfig, read: SettingsReader): void {
  if (databaseUrl === null && !read.flag("FINLEGO_EMBEDDED")) {
    read.problems.push(
      "DATABASE_URL is missing: production needs a PostgreSQL server of your own (FINLEGO_EMBEDDED=1 allows the embedded one for a trial).",
    );
  }
  for (const [name, url] of [
    ["DATABASE_URL", databaseUrl],
    ["DATABASE_MIGRATION_URL", databaseMigrationUrl],
  ] as const) {
    if (url !== null && EXAMPLE_PASSWORDS.includes(new URL(url).password.toLowerCase())) {
      read.problems.push(`${name} holds an example password: choose one of your own.`);
    }
  }
}

function checkSecrets(config: ReadConfig, read: SettingsReader): void {
  if (config.masterKeys === null && config.databaseUrl !== null) {
    read.problems.push("MASTER_KEY is missing: clients' data are encrypted under it. Make one with: npm run --silent cli -- keys new");
  }
  if (config.masterKeys?.has(developmentMasterKeys().current) === true) {
    read.problems.push("MASTER_KEY is the key of development, which is published: choose one of your own.");
  }
  for (const name of ["SUMSUB_SECRET_KEY", "SUMSUB_WEBHOOK_SECRET", "S3_SECRET_ACCESS_KEY"] as const) {
    if (partsOf(read, name).some((secret) => secret.length < SHARED_SECRET_LEAST)) {
      read.problems.push(`${name} must have ${SHARED_SECRET_LEAST} characters or more.`);
    }
  }
  const owners = new Map<string, SettingName>();
  for (const name of SECRETS) {
    for (const secret of partsOf(read, name)) {
      const owner = owners.get(secret);
      if (owner !== undefined)
        read.problems.push(`${owner === name ? `${name} holds one secret twice` : `${owner} and ${name} are one secret`}: make another.`);
      owners.set(secret, name);
    }
  }
}

function partsOf(read: SettingsReader, name: SettingName): readonly string[] {
  return (read.text(name) ?? "").split(/[\s,]+/).filter((part) => part !== "");
}

const FICTITIOUS: readonly SettingName[] = ["BANK_CODE_EUR", "BANK_CODE_GBP", "BANK_SORT_CODE", "BANK_BIC"];

/** Sentences for the log: what is allowed but probably not meant. */
export function findWarnings(config: ReadConfig, env: NodeJS.ProcessEnv, read: SettingsReader): string[] {
  const known = new Set<string>(SETTINGS.map(({ name }) => name));
  const unknown = Object.keys(env).filter((name) => name.startsWith("FINLEGO_") && !known.has(name));
  const warnings = unknown.sort().map((name) => `${name} is no setting and means nothing.`);
  if (config.mode === "development") return warnings;
  const fictitious = FICTITIOUS.filter((name) => !read.isGiven(name));
  if (fictitious.length > 0)
    warnings.push(`${fictitious.join(", ")}: the default stands for no bank; account numbers cannot be used outside.`);
  if (config.demo) warnings.push("FINLEGO_DEMO=1 puts the demo bank into a production database.");
  if (config.codes.deliveryUrl === null)
    warnings.push("CODE_SENDER_URL and OTP_KEY are not set: no one-time codes are sent, and what needs one is refused.");
  if (config.documents.clamd === null) warnings.push("CLAMD_ADDRESS is not set: uploaded documents are not scanned for malware.");
  if (config.sumsub.appToken === null) warnings.push("SUMSUB_APP_TOKEN is not set: nobody can be verified here.");
  if (config.sumsub.appToken?.startsWith("sbx:") === true)
    warnings.push("SUMSUB_APP_TOKEN is of the sandbox, whose events are not applied in production: nobody can be verified here.");
  if (config.retentionYears < RETENTION_YEARS_BY_LAW)
    warnings.push(`RETENTION_YEARS=${config.retentionYears}: most laws on money laundering ask for ${RETENTION_YEARS_BY_LAW} or more.`);
  if (config.databaseUrl === null) warnings.push("The embedded PostgreSQL has neither replica nor backup.");
  return warnings;
}
