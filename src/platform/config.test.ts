import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Config, readConfig, readEnvironment, SETTINGS } from "./config.ts";
import { StartupError } from "./startup-error.ts";

const MASTER_KEY = "8T6wHO0yWzVV9nH/dyGN6Hzkd2sYH0SPuTHIfbIsl3E=";
const OTHER_KEY = "5b0f3a7d19c84e26b1d07f9a3c52e8641f7bd90c26a5e3784db1906c2fe85a37";

const PRODUCTION = {
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://bank:a-real-one@db.bank.example/finlego",
  AUTH_ISSUER: "https://id.bank.example",
  AUTH_AUDIENCE: "core",
  AUTH_JWKS_URL: "https://id.bank.example/keys",
  MASTER_KEY,
};

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "finlego-config-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function complaint(env: NodeJS.ProcessEnv): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof StartupError) return error.message;
    throw error;
  }
  return "";
}

describe("an empty environment", () => {
  test("is development on this machine only, with the demo bank, an own issuer and no rate limit", () => {
    expect(readConfig({})).toMatchObject({
      mode: "development",
      port: 8080,
      host: "127.0.0.1",
      dataDir: resolve(".data"),
      demo: true,
      databaseUrl: null,
      auth: { issuer: "https://issuer.finlego.localhost", audience: "finlego", jwksUrl: null },
      rateLimitPerMinute: null,
      bankTimeZone: "UTC",
      iban: { countryEur: "LT", codeEur: "99999", bankCodeGbp: "FNLG", sortCode: "000000", bic: "FNLGLT20" },
      importStatus: "active",
      eventsSinkUrl: null,
      codes: { deliveryUrl: null, secret: null },
      masterKeys: null,
      retentionYears: 5,
      documents: { s3: null, clamd: null, quota: 1000 },
      sumsub: { url: "https://api.sumsub.com", appToken: null, secretKey: null, webhookSecrets: [] },
      warnings: [],
    });
  });

  test("opens accounts in the 33 currencies of the contract", () => {
    expect(readConfig({}).accountCurrencies).toHaveLength(33);
  });

  test("is the same when every value is empty", () => {
    expect(readConfig(Object.fromEntries(SETTINGS.map(({ name }) => [name, "  "])))).toEqual(readConfig({}));
  });
});

describe("production", () => {
  test("listens everywhere, without the demo bank, and limits the rate", () => {
    expect(readConfig(PRODUCTION)).toMatchObject({ mode: "production", host: "0.0.0.0", demo: false, rateLimitPerMinute: 6000 });
  });

  test.each(["DATABASE_URL", "AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS_URL", "MASTER_KEY"])("does not start without %s", (name) => {
    expect(complaint({ ...PRODUCTION, [name]: "" })).toContain(`${name} is missing`);
  });

  test("takes the embedded database only when told so, and says what that means", () => {
    const config = readConfig({ ...PRODUCTION, DATABASE_URL: "", FINLEGO_EMBEDDED: "1" });
    expect(config.databaseUrl).toBeNull();
    expect(config.warnings.join(" ")).toContain("neither replica nor backup");
  });

  test("refuses a password that stands in examples, without repeating it", () => {
    const said = complaint({ ...PRODUCTION, DATABASE_URL: "postgresql://bank:changeme@db/finlego" });
    expect(said).toContain("DATABASE_URL holds an example password");
    expect(said).not.toContain("changeme");
  });

  test("refuses the development issuer", () => {
    expect(complaint({ ...PRODUCTION, AUTH_ISSUER: "https://issuer.finlego.localhost" })).toContain(
      "AUTH_ISSUER names the development issuer",
    );
  });

  test.each(["AUTH_JWKS_URL", "AUTH_ISSUER", "EVENTS_SINK_URL", "SUMSUB_URL"])(
    "takes %s over plain http from this machine only",
    (name) => {
      expect(complaint({ ...PRODUCTION, [name]: "http://keys.bank.example/" })).toContain(`${name} must begin with https://`);
      expect(complaint({ ...PRODUCTION, [name]: "http://127.0.0.1:9000/" })).toBe("");
      expect(complaint({ ...PRODUCTION, [name]: "http://[::1]:9000/" })).toBe("");
      expect(complaint({ ...PRODUCTION, [name]: "http://127.0.0.1.bank.example/" })).not.toBe("");
    },
  );
});

describe("one-time codes in production", () => {
  const CODES = { CODE_SENDER_URL: "https://codes.bank.example/send", OTP_KEY: "k".repeat(44) };

  test("need their address and their key, both or neither", () => {
    expect(readConfig({ ...PRODUCTION, ...CODES }).codes).toEqual({ deliveryUrl: CODES.CODE_SENDER_URL, secret: CODES.OTP_KEY });
    for (const name of ["CODE_SENDER_URL", "OTP_KEY"]) {
      expect(complaint({ ...PRODUCTION, ...CODES, [name]: "" })).toContain("CODE_SENDER_URL and OTP_KEY must be given together");
    }
  });

  test("are not sent without them, and the start says so", () => {
    expect(readConfig(PRODUCTION).warnings.join(" ")).toContain("no one-time codes are sent");
    expect(readConfig({ ...PRODUCTION, ...CODES }).warnings.join(" ")).not.toContain("one-time codes");
  });

  test("go over plain http to this machine only, and under a key that is long enough, which is never shown", () => {
    expect(complaint({ ...PRODUCTION, ...CODES, CODE_SENDER_URL: "http://codes.bank.example/" })).toContain("must begin with https://");
    const said = complaint({ ...PRODUCTION, ...CODES, OTP_KEY: "hunter2" });
    expect(said).toContain("OTP_KEY must be");
    expect(said).not.toContain("hunter2");
  });
});

describe("the master key", () => {
  const idsOf = (keys: string) => readConfig({ ...PRODUCTION, MASTER_KEY: keys }).masterKeys;

  test("is one key, or several of which the first one wraps, in base64 or hex", () => {
    const [one, both, hex] = [
      idsOf(MASTER_KEY),
      idsOf(`${OTHER_KEY}, ${MASTER_KEY}`),
      idsOf(Buffer.from(MASTER_KEY, "base64").toString("hex")),
    ];
    expect(hex?.current).toBe(one?.current);
    expect(both?.current).not.toBe(one?.current);
    expect(both?.has(one?.current ?? "")).toBe(true);
    expect(one?.has(both?.current ?? "")).toBe(false);
  });

  test.each([
    ["short", MASTER_KEY.slice(0, 24)],
    ["long", `${OTHER_KEY}00`],
    ["of letters that are no base64", `${MASTER_KEY.slice(0, 20)} !${MASTER_KEY.slice(22)}`],
    ["a password", "correct horse battery staple, correct horse battery"],
    ["nothing but zeros", "0".repeat(64)],
    ["typed by hand", "0123456789abcdef".repeat(4)],
    ["a good one followed by nothing", `${MASTER_KEY},`],
    ["a good one followed by a bad one", `${MASTER_KEY},${MASTER_KEY.slice(2)}`],
  ])("that is %s is refused and not repeated, in development too", (_, key) => {
    for (const env of [PRODUCTION, {}]) {
      const said = complaint({ ...env, MASTER_KEY: key });
      expect(said).toContain("MASTER_KEY must be one or more keys of 256 random bits");
      expect(said).not.toContain(key);
    }
  });

  test("of development is published: production refuses it, also as a second one", () => {
    const published = createHash("sha256").update("finlego development master key").digest("base64");
    for (const keys of [published, `${MASTER_KEY},${published}`]) {
      const said = complaint({ ...PRODUCTION, MASTER_KEY: keys });
      expect(said).toContain("MASTER_KEY is the key of development");
      expect(said).not.toContain(published);
    }
    expect(complaint({ MASTER_KEY: published })).toBe("");
  });

  test("may come from a file", () => {
    const file = join(newFolder(), "master.key");
    writeFileSync(file, `${MASTER_KEY}\n`);
    const config = readConfig({ ...PRODUCTION, MASTER_KEY: "", MASTER_KEY_FILE: file });
    expect(config.masterKeys?.current).toBe(idsOf(MASTER_KEY)?.current);
    expect(complaint({ ...PRODUCTION, MASTER_KEY_FILE: file })).toContain("MASTER_KEY and MASTER_KEY_FILE are both given");
    writeFileSync(file, "\n");
    expect(complaint({ ...PRODUCTION, MASTER_KEY: "", MASTER_KEY_FILE: file })).toContain("MASTER_KEY is missing");
  });

  test("is not asked for where the embedded database brings its own", () => {
    expect(readConfig({ ...PRODUCTION, DATABASE_URL: "", FINLEGO_EMBEDDED: "1", MASTER_KEY: "" }).masterKeys).toBeNull();
  });

  test("is never printed with the settings", () => {
    const config = readConfig(PRODUCTION);
    for (const text of [JSON.stringify(config), inspect(config, { depth: null, showHidden: true })]) {
      expect(text).not.toContain(MASTER_KEY);
      expect(text).not.toContain(Buffer.from(MASTER_KEY, "base64").toString("hex").slice(0, 16));
    }
  });
});

describe("documents", () => {
  const S3 = {
    DOCUMENT_STORE: "s3://bank-documents/core/eu",
    S3_ENDPOINT: "https://s3.bank.example",
    S3_ACCESS_KEY_ID: "core",
    S3_SECRET_ACCESS_KEY: "a-secret-of-the-store",
  };

  test("may stand in S3, below a prefix or not", () => {
    expect(readConfig({ ...PRODUCTION, ...S3 }).documents.s3).toEqual({
      bucket: "bank-documents",
      prefix: "core/eu",
      endpoint: "https://s3.bank.example",
      region: "us-east-1",
      accessKeyId: "core",
      secretAccessKey: "a-secret-of-the-store",
    });
    expect(readConfig({ ...S3, DOCUMENT_STORE: "s3://bank-documents", S3_REGION: "eu-north-1" }).documents.s3).toMatchObject({
      bucket: "bank-documents",
      prefix: "",
      region: "eu-north-1",
    });
  });

  test.each(["S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"])("in S3 need %s", (name) => {
    expect(complaint({ ...S3, [name]: "" })).toContain(`${name} must be given with DOCUMENT_STORE=s3://`);
    expect(complaint({ [name]: S3[name as keyof typeof S3] })).toBe("");
  });

  test("go to S3 over https, or on this machine", () => {
    expect(complaint({ ...PRODUCTION, ...S3, S3_ENDPOINT: "http://s3.bank.example" })).toContain("S3_ENDPOINT must begin with https://");
    expect(complaint({ ...PRODUCTION, ...S3, S3_ENDPOINT: "http://127.0.0.1:9000" })).toBe("");
  });

  test.each(["s3://", "s3:/bucket", "s3://Bucket", "s3://bucket/a b", "https://s3.bank.example/bucket", "disc", "disk:/srv"])(
    "do not go to %s",
    (place) => {
      expect(complaint({ ...S3, DOCUMENT_STORE: place })).toContain("DOCUMENT_STORE must be disk or s3://");
    },
  );

  test.each(["127.0.0.1:3310", "clamd.bank.example:3310", "[::1]:3310", "/run/clamav/clamd.ctl"])(
    "are scanned by a clamd at %s",
    (address) => {
      const { documents, warnings } = readConfig({ ...PRODUCTION, CLAMD_ADDRESS: address });
      expect(documents.clamd).toBe(address);
      expect(warnings.join(" ")).not.toContain("CLAMD_ADDRESS");
    },
  );

  test("that are not scanned in production are told of at the start", () => {
    expect(readConfig(PRODUCTION).warnings.join(" ")).toContain("uploaded documents are not scanned");
  });
});

describe("the verification provider", () => {
  const SUMSUB = {
    SUMSUB_APP_TOKEN: "prd:a-token",
    SUMSUB_SECRET_KEY: "a-key-that-signs-requests",
    SUMSUB_WEBHOOK_SECRET: "the-secret-of-the-webhook",
  };

  test("has its token, its key and its webhook's secret, or none of them", () => {
    expect(readConfig({ ...PRODUCTION, ...SUMSUB }).sumsub).toEqual({
      url: "https://api.sumsub.com",
      appToken: "prd:a-token",
      secretKey: "a-key-that-signs-requests",
      webhookSecrets: ["the-secret-of-the-webhook"],
      webhookAlgorithms: ["HMAC_SHA256_HEX", "HMAC_SHA512_HEX"],
      levelIndividual: "basic-kyc-level",
      levelCompany: "basic-kyb-level",
    });
    for (const name of Object.keys(SUMSUB)) {
      expect(complaint({ ...SUMSUB, [name]: "" })).toContain("must be given together");
    }
  });

  test("may have two webhook secrets while they are changed", () => {
    const secrets = "the-secret-of-the-webhook, its-successor-of-today";
    expect(readConfig({ ...PRODUCTION, ...SUMSUB, SUMSUB_WEBHOOK_SECRET: secrets }).sumsub.webhookSecrets).toEqual([
      "the-secret-of-the-webhook",
      "its-successor-of-today",
    ]);
  });

  test("signs by a digest that we know, SHA-1 only where somebody asks for it", () => {
    expect(readConfig({ SUMSUB_WEBHOOK_ALGORITHMS: "HMAC_SHA1_HEX" }).sumsub.webhookAlgorithms).toEqual(["HMAC_SHA1_HEX"]);
    for (const wrong of ["MD5", "HMAC_SHA256_HEX,none", ","]) {
      expect(complaint({ SUMSUB_WEBHOOK_ALGORITHMS: wrong })).toContain("SUMSUB_WEBHOOK_ALGORITHMS must be one or more of");
    }
  });

  test("is missing from a production that says so", () => {
    expect(readConfig(PRODUCTION).warnings.join(" ")).toContain("nobody can be verified");
    expect(readConfig({ ...PRODUCTION, ...SUMSUB }).warnings.join(" ")).not.toContain("SUMSUB");
  });

  test("of the sandbox verifies nobody in production, which says so", () => {
    expect(readConfig({ ...PRODUCTION, ...SUMSUB, SUMSUB_APP_TOKEN: "sbx:sandbox-token" }).warnings.join(" ")).toContain("of the sandbox");
  });

  test.each(["SUMSUB_SECRET_KEY", "SUMSUB_WEBHOOK_SECRET"])("is not trusted by a short %s", (name) => {
    const said = complaint({ ...PRODUCTION, ...SUMSUB, [name]: "hunter2" });
    expect(said).toContain(`${name} must have 16 characters or more`);
    expect(said).not.toContain("hunter2");
  });
});

test("no secret of a production protects two things", () => {
  const codes = { CODE_SENDER_URL: "https://codes.bank.example/send", OTP_KEY: MASTER_KEY };
  expect(complaint({ ...PRODUCTION, ...codes })).toContain("MASTER_KEY and OTP_KEY are one secret");
  expect(complaint({ ...PRODUCTION, MASTER_KEY: `${MASTER_KEY},${MASTER_KEY}` })).toContain("MASTER_KEY holds one secret twice");
  expect(complaint({ ...PRODUCTION, ...codes, OTP_KEY: OTHER_KEY })).toBe("");
});

test("data are kept for as many whole years as are asked for; fewer than five is worth a warning", () => {
  expect(readConfig({ ...PRODUCTION, RETENTION_YEARS: "10" })).toMatchObject({ retentionYears: 10 });
  expect(readConfig(PRODUCTION).warnings.join(" ")).not.toContain("RETENTION_YEARS");
  expect(readConfig({ ...PRODUCTION, RETENTION_YEARS: "0" }).warnings.join(" ")).toContain("RETENTION_YEARS=0");
});

describe("a wrong setting", () => {
  test.each([
    ["NODE_ENV", "prod"],
    ["PORT", "80a"],
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["HOST", "a b"],
    ["FINLEGO_DEMO", "no"],
    ["DATABASE_URL", "mysql://db/finlego"],
    ["DATABASE_POOL_SIZE", "0"],
    ["WRITER_LANES", "1.5"],
    ["AUTH_JWKS_URL", "ftp://keys"],
    ["RATE_LIMIT_PER_MINUTE", "many"],
    ["TRUST_PROXY_HOPS", "11"],
    ["LOG_LEVEL", "loud"],
    ["BANK_TIME_ZONE", "Mars/Olympus"],
    ["BANK_TIME_ZONE", "+02:00"],
    ["BANK_IBAN_COUNTRY_EUR", "LTU"],
    ["BANK_CODE_EUR", "9 9"],
    ["BANK_CODE_GBP", "FNL1"],
    ["BANK_SORT_CODE", "12-34-56"],
    ["BANK_BIC", "FNLG"],
    ["ONBOARDING_IMPORT_STATUS", "blocked"],
    ["ACCOUNT_CURRENCIES", "EUR EURO"],
    ["ACCOUNT_CURRENCIES", "EUR EUR"],
    ["EVENTS_SINK_URL", "events"],
    ["CODE_SENDER_URL", "ftp://codes"],
    ["OTP_KEY", "short"],
    ["MASTER_KEY", "short"],
    ["RETENTION_YEARS", "-1"],
    ["RETENTION_YEARS", "2.5"],
    ["RETENTION_YEARS", "101"],
    ["DOCUMENT_STORE", "s3:bucket"],
    ["DOCUMENT_QUOTA", "0"],
    ["CLAMD_ADDRESS", "clamd"],
    ["CLAMD_ADDRESS", "clamd:port"],
    ["CLAMD_ADDRESS", "run/clamd.ctl"],
    ["SUMSUB_URL", "api.sumsub.com"],
    ["SUMSUB_WEBHOOK_ALGORITHMS", "HMAC_MD5_HEX"],
  ])("%s=%s keeps the system from starting", (name, value) => {
    expect(complaint({ [name]: value })).toContain(`${name} must be`);
  });

  test("does not hide the next one: all are named at once", () => {
    expect(complaint({ PORT: "x", LOG_LEVEL: "loud", BANK_BIC: "?" }).split("\n")).toHaveLength(4);
  });

  test("never shows the value of a secret", () => {
    expect(complaint({ DATABASE_URL: "mysql://bank:hunter2@db/finlego" })).not.toContain("hunter2");
  });

  test("may lie in two settings together", () => {
    expect(complaint({ DATABASE_MIGRATION_URL: "postgresql://db/finlego" })).toContain("without DATABASE_URL");
    expect(complaint({ BANK_IBAN_COUNTRY_EUR: "DE" })).toContain("BANK_CODE_EUR must be given");
  });
});

test("an unknown FINLEGO_ variable is probably a mistyped one and gets a warning", () => {
  expect(readConfig({ FINLEGO_DATE: "/x", FINLEGO_DATA: "/y" }).warnings).toEqual(["FINLEGO_DATE is no setting and means nothing."]);
});

test("a secret may stand in a file of its own, and only there or in the environment", () => {
  const file = join(newFolder(), "url");
  writeFileSync(file, "postgresql://bank:pw@db/finlego\n");
  expect(readConfig({ DATABASE_URL_FILE: file }).databaseUrl).toBe("postgresql://bank:pw@db/finlego");
  expect(complaint({ DATABASE_URL_FILE: file, DATABASE_URL: "postgresql://db/x" })).toContain("both given");
  expect(complaint({ DATABASE_URL_FILE: `${file}.not` })).toContain("cannot be read");
});

test("a .env file completes the environment and never overrides it", () => {
  const folder = newFolder();
  writeFileSync(join(folder, ".env"), "PATH=/overridden\nFINLEGO_TEST_ONLY=from-file\n");
  const env = readEnvironment(folder);
  expect(env.FINLEGO_TEST_ONLY).toBe("from-file");
  expect(env.PATH).toBe(process.env.PATH);
});

test("the table of settings says nothing that config.ts does not read: each default can be given in words", () => {
  for (const mode of [0, 1] as const) {
    const given: NodeJS.ProcessEnv = mode === 1 ? { ...PRODUCTION } : {};
    const base: Config = readConfig(given);
    for (const { name, default: value } of SETTINGS) {
      const text = Array.isArray(value) ? value[mode] : value;
      if (typeof text === "string" && name !== "NODE_ENV") given[name] = text;
    }
    expect({ ...readConfig(given), warnings: [] }).toEqual({ ...base, warnings: [] });
  }
});
