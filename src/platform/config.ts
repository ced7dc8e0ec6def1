// The settings of one process, read once at start and checked as a whole: whoever gets a Config can rely on it, and whoever wrote the
// environment hears of all mistakes at once. What each setting means stands in settings.ts.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { developmentMasterKeys, type MasterKeys, readMasterKeys } from "./sealing.ts";
import { isDistant, readSettings, type SettingsReader } from "./setting-readers.ts";
import { DEVELOPMENT_ISSUER, type Mode, SETTINGS, type SettingName } from "./settings.ts";
import { StartupError } from "./startup-error.ts";

export { type Mode, SETTINGS } from "./settings.ts";

export type Config = {
  readonly mode: Mode;
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly demo: boolean;
  /** Null: the embedded PostgreSQL below dataDir. Holds a password; never print it. */
  readonly databaseUrl: string | null;
  readonly databaseMigrationUrl: string | null;
  readonly databasePoolSize: number;
  readonly writerLanes: number;
  /** `jwksUrl` null: the development issuer, whose key lies below dataDir. Never null in production. */
  readonly auth: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string | null };
  /** Null: no limit. */
  readonly rateLimitPerMinute: number | null;
  readonly trustProxyHops: number;
  readonly logLevel: LogLevel;
  readonly bankTimeZone: string;
  readonly iban: {
    readonly countryEur: string;
    readonly codeEur: string;
    readonly bankCodeGbp: string;
    readonly sortCode: string;
    readonly bic: string;
  };
  /** Keys that clients' data are encrypted under. Null: development makes or takes its own. Never print them. */
  readonly masterKeys: MasterKeys | null;
  /** Whole years for which the data of a closed client are kept before they may be erased. */
  readonly retentionYears: number;
  readonly documents: DocumentSettings;
  readonly sumsub: SumsubSettings;
  readonly importStatus: "active" | "pending";
  readonly accountCurrencies: readonly string[];
  readonly eventsSinkUrl: string | null;
  /** Where one-time codes are handed over, and the secret they are stored under. Never print the secret. */
  readonly codes: { readonly deliveryUrl: string | null; readonly secret: string | null };
  /** Sentences for the log: settings that are allowed but probably not meant. */
  readonly warnings: readonly string[];
};

export type DocumentSettings = {
  /** Null: files below dataDir. */
  readonly s3: {
    readonly bucket: string;
    readonly prefix: string;
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  } | null;
  /** `host:port` or the path of a socket; null: documents are not scanned. */
  readonly clamd: string | null;
  /** Documents of one client at most. */
  readonly quota: number;
};

/** Secrets null: no provider is set; development brings a simulator, production verifies nobody. */
export type SumsubSettings = {
  readonly url: string;
  readonly appToken: string | null;
  readonly secretKey: string | null;
  /** Keys of the webhook's digest: one, or two while they are changed. */
  readonly webhookSecrets: readonly string[];
  readonly webhookAlgorithms: readonly string[];
  readonly levelIndividual: string;
  readonly levelCompany: string;
};

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

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
  } satisfies Omit<Config, "warnings">;
  checkTogether(config, read);
  if (mode === "production") checkProduction(config, read);
  if (read.problems.length > 0) {
    throw new StartupError(`The settings are not right:\n${read.problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
  return { ...config, warnings: findWarnings(config, env, read) };
}

type Read = Omit<Config, "warnings">;

function readCodeSecret(read: SettingsReader): string | null {
  if (!read.isGiven("OTP_KEY")) return null;
  return read.matching("OTP_KEY", /^[A-Za-z0-9+/_=-]{43,200}$/, "43 to 200 characters of base64 or hex");
}

function readMasterKey(read: SettingsReader): MasterKeys | null {
  if (!read.isGiven("MASTER_KEY")) return null;
  const keys = readMasterKeys(read.text("MASTER_KEY") ?? "");
  if (keys === null) read.problems.push("MASTER_KEY must be one or more keys of 256 bits in base64 or hex, separated by commas.");
  return keys;
}

function readDocumentSettings(read: SettingsReader): DocumentSettings {
  const [, bucket, prefix = ""] = /^s3:\/\/([a-z0-9.-]{3,63})(?:\/([\w./-]*))?$/.exec(read.text("DOCUMENT_STORE") ?? "") ?? [];
  const quota = read.integer("DOCUMENT_QUOTA", 1, 100_000);
  const clamd = read.text("CLAMD_ADDRESS");
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

function checkTogether(config: Read, read: SettingsReader): void {
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

function checkProduction(config: Read, read: SettingsReader): void {
  const embedded = read.flag("FINLEGO_EMBEDDED");
  if (config.databaseUrl === null && !embedded) {
    read.problems.push(
      "DATABASE_URL is missing: production needs a PostgreSQL server of your own (FINLEGO_EMBEDDED=1 allows the embedded one for a trial).",
    );
  }
  for (const name of ["DATABASE_URL", "DATABASE_MIGRATION_URL"] as const) {
    const url = name === "DATABASE_URL" ? config.databaseUrl : config.databaseMigrationUrl;
    if (url !== null && EXAMPLE_PASSWORDS.includes(new URL(url).password.toLowerCase())) {
      read.problems.push(`${name} holds an example password: choose one of your own.`);
    }
  }
  for (const name of ["AUTH_ISSUER", "AUTH_JWKS_URL", "EVENTS_SINK_URL", "CODE_SENDER_URL", "SUMSUB_URL", "S3_ENDPOINT"] as const) {
    const url = read.text(name);
    if (url !== null && URL.canParse(url) && new URL(url).protocol === "http:" && isDistant(url)) {
      read.problems.push(`${name} must begin with https:// (http:// only for this machine).`);
    }
  }
  if ((config.codes.deliveryUrl === null) !== (config.codes.secret === null)) {
    read.problems.push("CODE_SENDER_URL and OTP_KEY must be given together: codes are sent with both, or not at all.");
  }
  if (config.masterKeys === null && config.databaseUrl !== null) {
    read.problems.push("MASTER_KEY is missing: clients' data are encrypted under it. Make one with: npm run --silent cli -- keys new");
  }
  if (config.masterKeys?.has(developmentMasterKeys().current) === true) {
    read.problems.push("MASTER_KEY is the key of development, which is published: choose one of your own.");
  }
  if (config.auth.issuer === DEVELOPMENT_ISSUER)
    read.problems.push("AUTH_ISSUER names the development issuer, which production does not have.");
}

const FICTITIOUS: readonly SettingName[] = ["BANK_CODE_EUR", "BANK_CODE_GBP", "BANK_SORT_CODE", "BANK_BIC"];

function findWarnings(config: Read, env: NodeJS.ProcessEnv, read: SettingsReader): string[] {
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
  if (config.databaseUrl === null) warnings.push("The embedded PostgreSQL has neither replica nor backup.");
  return warnings;
}
