import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Config, readConfig, readEnvironment, SETTINGS } from "./config.ts";
import { StartupError } from "./startup-error.ts";

const PRODUCTION = {
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://bank:a-real-one@db.bank.example/finlego",
  AUTH_ISSUER: "https://id.bank.example",
  AUTH_AUDIENCE: "core",
  AUTH_JWKS_URL: "https://id.bank.example/keys",
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

  test.each(["DATABASE_URL", "AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS_URL"])("does not start without %s", (name) => {
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

  test.each(["AUTH_JWKS_URL", "AUTH_ISSUER", "EVENTS_SINK_URL"])("takes %s over plain http from this machine only", (name) => {
    expect(complaint({ ...PRODUCTION, [name]: "http://keys.bank.example/" })).toContain(`${name} must begin with https://`);
    expect(complaint({ ...PRODUCTION, [name]: "http://127.0.0.1:9000/" })).toBe("");
    expect(complaint({ ...PRODUCTION, [name]: "http://[::1]:9000/" })).toBe("");
    expect(complaint({ ...PRODUCTION, [name]: "http://127.0.0.1.bank.example/" })).not.toBe("");
  });
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
