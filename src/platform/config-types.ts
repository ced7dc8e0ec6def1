// The form of the settings after they were read: what the rest of the house may rely on.

import type { MasterKeys } from "./sealing.ts";
import type { Mode } from "./settings.ts";

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

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The settings before anybody judged whether they are meant. */
export type ReadConfig = Omit<Config, "warnings">;
