// The settings of one process, read once at start and checked as a whole: whoever gets a Config can rely on it, and whoever wrote the
// environment hears of all mistakes at once. What each setting means stands in settings.ts.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { checkProduction, findWarnings } from "./config-production.ts";
import { type Config, type DocumentSettings, LOG_LEVELS, type ReadConfig } from "./config-types.ts";
import { type MasterKeys, readMasterKeys } from "./sealing.ts";
import { readSettings, type SettingsReader } from "./setting-readers.ts";
import type { Mode } from "./settings.ts";
import { StartupError } from "./startup-error.ts";

export type { Config } from "./config-types.ts";
export { SETTINGS } from "./settings.ts";

/** The environment of this process, completed (never overridden) by a file .env in `folder`. */
export function readEnvironment(folder: string = process.cwd()): NodeJS.ProcessEnv {
  const file = join(folder, ".env");
  if (!existsSync(file)) return process.env;
  try {
    return { ...parseEnv(readFileSync(file, "utf8")), ...process.env };
  } catch (error) {
    throw new StartupError(`Cannot read ${file}: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
}

/** Reads and checks all settings. @throws StartupError with one line for each wrong one. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const mode: Mode = env.NODE_ENV === "production" ? "production" : "development";
  const read = readSettings(env, mode);
  // Test runners set `test`; it means development.
  if (env.NODE_ENV !== "test") read.oneOf("NODE_ENV", ["development", "production"]);
  const config = {
    mode,
    port: read.integer("PORT", 0, 65_535),
    host: read.matching("HOST", /^\S+$/, "a host name or address"),
    dataDir: resolve(read.text("FINLEGO_DATA") ?? ""),
    demo: read.flag("FINLEGO_DEMO"),
    databaseUrl: read.url("DATABASE_URL", ["postgresql:", "postgres:"]),
    databaseMigrationUrl: read.url("DATABASE_MIGRATION_URL", ["postgresql:", "postgres:"]),
    databasePoolSize: read.integer("DATABASE_POOL_SIZE", 1, 1_000),
    writerLanes: read.integer("WRITER_LANES", 1, 64),
    auth: {
      issuer: read.url("AUTH_ISSUER", ["https:", "http:"]) ?? "",
      audience: read.text("AUTH_AUDIENCE") ?? "",
      jwksUrl: read.url("AUTH_JWKS_URL", ["https:", "http:"]),
    },
    rateLimitPerMinute: read.integer("RATE_LIMIT_PER_MINUTE", 0, 10_000_000) || null,
    trustProxyHops: read.integer("TRUST_PROXY_HOPS", 0, 10),
    logLevel: read.oneOf("LOG_LEVEL", LOG_LEVELS),
    bankTimeZone: read.timeZone("BANK_TIME_ZONE"),
    iban: {
      countryEur: read.matching("BANK_IBAN_COUNTRY_EUR", /^[A-Z]{2}$/, "two capital letters"),
      codeEur: read.matching("BANK_CODE_EUR", /^[A-Z0-9]{2,12}$/, "2 to 12 digits or capital letters"),
      bankCodeGbp: read.matching("BANK_CODE_GBP", /^[A-Z]{4}$/, "four capital letters"),
      sortCode: read.matching("BANK_SORT_CODE", /^\d{6}$/, "six digits"),
      bic: read.matching("BANK_BIC", /^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$/, "a BIC of 8 or 11 characters"),
    },
    masterKeys: readMasterKey(read),
    retentionYears: read.integer("RETENTION_YEARS", 0, 100),
    documents: readDocumentSettings(read),
    sumsub: {
      url: read.url("SUMSUB_URL", ["https:", "http:"]) ?? "",
      appToken: read.text("SUMSUB_APP_TOKEN"),
      secretKey: read.text("SUMSUB_SECRET_KEY"),
      webhookSecrets: words(read.text("SUMSUB_WEBHOOK_SECRET")),
      webhookAlgorithms: words(read.text("SUMSUB_WEBHOOK_ALGORITHMS")),
      levelIndividual: read.text("SUMSUB_LEVEL_INDIVIDUAL") ?? "",
      levelCompany: read.text("SUMSUB_LEVEL_COMPANY") ?? "",
    },
    importStatus: read.oneOf("ONBOARDING_IMPORT_STATUS", ["active", "pending"]),
    accountCurrencies: read.currencies("ACCOUNT_CURRENCIES"),
    eventsSinkUrl: read.url("EVENTS_SINK_URL", ["https:", "http:"]),
    codes: { deliveryUrl: read.url("CODE_SENDER_URL", ["https:", "http:"]), secret: readCodeSecret(read) },
  } satisfies ReadConfig;
  checkTogether(config, read);
  if (mode === "production") checkProduction(config, read);
  if (read.problems.length > 0) {
    throw new StartupError(`The settings are not right:\n${read.problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
  return { ...config, warnings: findWarnings(config, env, read) };
}

function readCodeSecret(read: SettingsReader): string | null {
  if (!read.isGiven("OTP_KEY")) return null;
  return read.matching("OTP_KEY", /^[A-Za-z0-9+/_=-]{43,200}$/, "43 to 200 characters of base64 or hex");
}

function readMasterKey(read: SettingsReader): MasterKeys | null {
  if (!read.isGiven("MASTER_KEY")) return null;
  const keys = readMasterKeys(read.text("MASTER_KEY") ?? "");
  if (keys === null)
    read.problems.push(
      "MASTER_KEY must be one or more keys of 256 random bits in base64 or hex, separated by commas. Make one with: npm run --silent cli -- keys new",
    );
  return keys;
}

const CLAMD_ADDRESS = /^(?:\/\S+|(?:[^\s:/[\]]+|\[[\da-f:.]+\]):\d{1,5})$/i;

function readDocumentSettings(read: SettingsReader): DocumentSettings {
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9.-]{3,63})(?:\/([\w./-]*))?$/.exec(read.text("DOCUMENT_STORE") ?? "") ?? [];
  const quota = read.integer("DOCUMENT_QUOTA", 1, 100_000);
  const clamd = read.isGiven("CLAMD_ADDRESS") ? read.matching("CLAMD_ADDRESS", CLAMD_ADDRESS, "host:port or the path of a socket") : null;
  if (bucket === undefined) {
    if (read.text("DOCUMENT_STORE") !== "disk") read.problems.push("DOCUMENT_STORE must be disk or s3://bucket/prefix.");
    return { s3: null, clamd, quota };
  }
  const s3 = {
    bucket,
    prefix,
    endpoint: read.url("S3_ENDPOINT", ["https:", "http:"]) ?? "",
    region: read.text("S3_REGION") ?? "",
    accessKeyId: read.text("S3_ACCESS_KEY_ID") ?? "",
    secretAccessKey: read.text("S3_SECRET_ACCESS_KEY") ?? "",
  };
  for (const [name, value] of [
    ["S3_ENDPOINT", s3.endpoint],
    ["S3_ACCESS_KEY_ID", s3.accessKeyId],
    ["S3_SECRET_ACCESS_KEY", s3.secretAccessKey],
  ] as const) {
    if (value === "") read.problems.push(`${name} must be given with DOCUMENT_STORE=s3://….`);
  }
  return { s3, clamd, quota };
}

function words(text: string | null): readonly string[] {
  return text === null ? [] : text.split(/[\s,]+/).filter((word) => word !== "");
}

function checkTogether(config: ReadConfig, read: SettingsReader): void {
  if (config.databaseMigrationUrl !== null && config.databaseUrl === null) {
    read.problems.push("DATABASE_MIGRATION_URL is given without DATABASE_URL: give both, or DATABASE_URL alone.");
  }
  const sumsub = [config.sumsub.appToken, config.sumsub.secretKey, config.sumsub.webhookSecrets[0] ?? null];
  if (sumsub.some((each) => each === null) && sumsub.some((each) => each !== null)) {
    read.problems.push("SUMSUB_APP_TOKEN, SUMSUB_SECRET_KEY and SUMSUB_WEBHOOK_SECRET must be given together.");
  }
  const algorithms = ["HMAC_SHA256_HEX", "HMAC_SHA512_HEX", "HMAC_SHA1_HEX"];
  if (config.sumsub.webhookAlgorithms.length === 0 || config.sumsub.webhookAlgorithms.some((each) => !algorithms.includes(each))) {
    read.problems.push(`SUMSUB_WEBHOOK_ALGORITHMS must be one or more of ${algorithms.join(", ")}.`);
  }
  if (config.iban.countryEur !== "LT" && !read.isGiven("BANK_CODE_EUR")) {
    read.problems.push(`BANK_CODE_EUR must be given with BANK_IBAN_COUNTRY_EUR=${config.iban.countryEur}: its default fits LT only.`);
  }
}
