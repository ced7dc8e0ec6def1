// Every setting, once: its name in the environment, its default and its meaning. config.ts reads no name that is not here,
// and docs/operations.md is checked against this table.

export type Mode = "development" | "production";

export type Setting = {
  readonly name: string;
  /** As one would write it; null where there is none. Two values where development (first) and production differ. */
  readonly default: string | null | readonly [development: string | null, production: string | null];
  readonly meaning: string;
  /** Never printed, and also read from the file that <name>_FILE names. */
  readonly secret?: true;
  /** Production does not start without it. */
  readonly required?: "production";
};

/** Contract decision 24. */
const CURRENCIES =
  "AED AUD BHD BRL CAD CHF CNY CZK DKK EUR GBP GEL HKD HUF IDR ILS INR ISK JPY KWD KZT MXN NOK NZD PLN RON SAR SEK SGD THB TRY USD ZAR";

/** The `iss` of the tokens that development makes for itself. */
export const DEVELOPMENT_ISSUER = "https://issuer.finlego.localhost";

export const SETTINGS = [
  {
    name: "NODE_ENV",
    default: "development",
    meaning: "`development` or `production`. Production has no development issuer and no demo bank, and refuses what is unsafe.",
  },
  { name: "PORT", default: "8080", meaning: "TCP port that serves everything; 0 takes any free one." },
  { name: "HOST", default: ["127.0.0.1", "0.0.0.0"], meaning: "Address to listen on." },
  {
    name: "FINLEGO_DATA",
    default: "./.data",
    meaning:
      "Folder of the embedded database, of documents, of the list of erasures (keep it, also with DATABASE_URL), and of the keys that are made where none are given.",
  },
  { name: "FINLEGO_DEMO", default: ["1", "0"], meaning: "`0` starts without the demo bank." },
  {
    name: "FINLEGO_EMBEDDED",
    default: "0",
    meaning: "`1` lets production run on the embedded PostgreSQL. It has neither replica nor backup: for trials on one machine.",
  },
  {
    name: "DATABASE_URL",
    default: null,
    meaning:
      "PostgreSQL 15 or newer, as postgresql://user:password@host:port/database. Development without it uses the embedded one; production needs it.",
    secret: true,
  },
  {
    name: "DATABASE_MIGRATION_URL",
    default: null,
    meaning:
      "The same database as its owner, for migrations. Without it DATABASE_URL does both, and every connection of the application steps down to the role finlego_app.",
    secret: true,
  },
  { name: "DATABASE_POOL_SIZE", default: "10", meaning: "Most connections of one process to the database." },
  { name: "WRITER_LANES", default: "2", meaning: "How many postings of disjoint accounts one process commits side by side." },
  {
    name: "AUTH_ISSUER",
    default: [DEVELOPMENT_ISSUER, null],
    meaning: "The `iss` of accepted tokens.",
    required: "production",
  },
  { name: "AUTH_AUDIENCE", default: ["finlego", null], meaning: "The `aud` of accepted tokens.", required: "production" },
  {
    name: "AUTH_JWKS_URL",
    default: null,
    meaning: "Key set of the issuer; https, or http on this machine. Development without it has an issuer of its own.",
    required: "production",
  },
  { name: "RATE_LIMIT_PER_MINUTE", default: ["0", "6000"], meaning: "Calls per minute and caller; 0 is no limit." },
  {
    name: "TRUST_PROXY_HOPS",
    default: "0",
    meaning: "How many proxies stand before the server; so many entries of X-Forwarded-For are believed.",
  },
  { name: "LOG_LEVEL", default: "info", meaning: "`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`." },
  { name: "BANK_TIME_ZONE", default: "UTC", meaning: "Time zone of the bank's day, an IANA name such as Europe/Vilnius." },
  { name: "BANK_IBAN_COUNTRY_EUR", default: "LT", meaning: "Country of the IBANs of EUR accounts, two letters." },
  {
    name: "BANK_CODE_EUR",
    default: "99999",
    meaning: "Bank code inside these IBANs. The default is no bank's and fits LT only: with another country it must be given.",
  },
  {
    name: "BANK_CODE_GBP",
    default: "FNLG",
    meaning: "Four letters of the bank inside the IBANs of GBP accounts. The default is no bank's.",
  },
  { name: "BANK_SORT_CODE", default: "000000", meaning: "Sort code of GBP accounts, six digits. The default is no bank's." },
  { name: "BANK_BIC", default: "FNLGLT20", meaning: "The bank's BIC. The default is a test BIC: the 0 at its end says so." },
  { name: "ONBOARDING_IMPORT_STATUS", default: "active", meaning: "Status of an imported client: `active` or `pending`." },
  { name: "ACCOUNT_CURRENCIES", default: CURRENCIES, meaning: "Currencies of client accounts, separated by blanks or commas." },
  {
    name: "EVENTS_SINK_URL",
    default: null,
    meaning: "Where events are sent as webhooks; https, in development and on this machine also http.",
  },
  {
    name: "CODE_SENDER_URL",
    default: null,
    meaning:
      "Where one-time codes are handed over for delivery (src/adapters/README.md); https, in development and on this machine also http. Development without it starts a simulator; production without it sends no codes and refuses what needs one.",
  },
  {
    name: "OTP_KEY",
    default: null,
    meaning:
      "Secret under which one-time codes are stored, 43 or more characters of base64 or hex (`openssl rand -base64 32`), the same in all processes. Production needs it with CODE_SENDER_URL; development makes one below FINLEGO_DATA.",
    secret: true,
  },
  {
    name: "MASTER_KEY",
    default: null,
    meaning:
      "Key of 256 bits (base64 or hex) that wraps the keys of clients' data; several, separated by commas, while it is changed: the first one wraps. Production with DATABASE_URL needs it. Without it the embedded database gets a key of its own below FINLEGO_DATA, and development with DATABASE_URL takes a published one that protects nothing.",
    secret: true,
  },
  {
    name: "RETENTION_YEARS",
    default: "5",
    meaning: "Whole years after a client was closed for which its data are kept; before that they cannot be erased.",
  },
  {
    name: "DOCUMENT_STORE",
    default: "disk",
    meaning: "`disk` (below FINLEGO_DATA) or `s3://bucket/prefix`. Documents are encrypted before they are stored, in either.",
  },
  { name: "DOCUMENT_QUOTA", default: "1000", meaning: "Documents of one client at most." },
  { name: "S3_ENDPOINT", default: null, meaning: "With DOCUMENT_STORE=s3://…: address of the S3 service." },
  { name: "S3_REGION", default: "us-east-1", meaning: "With DOCUMENT_STORE=s3://…: region that requests are signed for." },
  { name: "S3_ACCESS_KEY_ID", default: null, meaning: "With DOCUMENT_STORE=s3://…: name of the access key." },
  { name: "S3_SECRET_ACCESS_KEY", default: null, meaning: "With DOCUMENT_STORE=s3://…: secret of the access key.", secret: true },
  {
    name: "CLAMD_ADDRESS",
    default: null,
    meaning:
      "`host:port` or socket path of a clamd. With it a document can be downloaded once it was found clean, and not while clamd is away; without it documents are not scanned.",
  },
  {
    name: "SUMSUB_URL",
    default: "https://api.sumsub.com",
    meaning: "Address of the verification provider's API. Development without SUMSUB_APP_TOKEN starts a simulator of it.",
  },
  { name: "SUMSUB_APP_TOKEN", default: null, meaning: "The provider's app token; `sbx:` at its beginning: sandbox.", secret: true },
  { name: "SUMSUB_SECRET_KEY", default: null, meaning: "The app token's secret: signs our requests.", secret: true },
  {
    name: "SUMSUB_WEBHOOK_SECRET",
    default: null,
    meaning: "Secret of the provider's webhook; two, separated by a comma, while it is changed.",
    secret: true,
  },
  {
    name: "SUMSUB_WEBHOOK_ALGORITHMS",
    default: "HMAC_SHA256_HEX,HMAC_SHA512_HEX",
    meaning: "Digest algorithms that are accepted; HMAC_SHA1_HEX only when it stands here.",
  },
  { name: "SUMSUB_LEVEL_INDIVIDUAL", default: "basic-kyc-level", meaning: "The provider's level by which persons are verified." },
  { name: "SUMSUB_LEVEL_COMPANY", default: "basic-kyb-level", meaning: "The provider's level by which companies are verified." },
] as const satisfies readonly Setting[];

/** A name that the table knows. */
export type SettingName = (typeof SETTINGS)[number]["name"];
