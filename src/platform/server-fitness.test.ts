import { expect, test } from "vitest";
import type { ServerFacts } from "./server-facts.store.ts";
import { judgeServer } from "./server-fitness.ts";

const GOOD: ServerFacts = {
  major: 18,
  readOnly: false,
  encrypted: true,
  settings: {
    fsync: "on",
    full_page_writes: "on",
    synchronous_commit: "on",
    data_checksums: "on",
    password_encryption: "scram-sha-256",
    log_parameter_max_length: "0",
    log_statement: "none",
    log_min_duration_statement: "-1",
  },
};

function withSettings(settings: Record<string, string>): ServerFacts {
  return { ...GOOD, settings: { ...GOOD.settings, ...settings } };
}

test("a sound server gets neither refusal nor warning", () => {
  expect(judgeServer(GOOD, "production", true)).toEqual({ refusals: [], warnings: [] });
});

test("PostgreSQL 15 is the oldest that is taken", () => {
  expect(judgeServer({ ...GOOD, major: 15 }, "development", false).refusals).toEqual([]);
  expect(judgeServer({ ...GOOD, major: 14 }, "development", false).refusals).toEqual([
    "It is PostgreSQL 14; version 15 or newer is needed.",
  ]);
});

test("a standby is refused in every mode", () => {
  for (const mode of ["development", "production"] as const) {
    expect(judgeServer({ ...GOOD, readOnly: true }, mode, false).refusals).toHaveLength(1);
  }
});

test.each(["fsync", "full_page_writes", "synchronous_commit"])("%s off is refused in production and warned of in development", (name) => {
  const facts = withSettings({ [name]: "off" });
  expect(judgeServer(facts, "production", false).refusals.join()).toContain(`${name} is off`);
  expect(judgeServer(facts, "development", false).refusals).toEqual([]);
  expect(judgeServer(facts, "development", false).warnings.join()).toContain(`${name} is off`);
});

test("a weaker but safe synchronous_commit is the operator's choice", () => {
  expect(judgeServer(withSettings({ synchronous_commit: "local" }), "production", false).refusals).toEqual([]);
});

test("logged parameters are warned of only where statements are logged at all", () => {
  const warnings = (settings: Record<string, string>) => judgeServer(withSettings(settings), "production", false).warnings;
  expect(warnings({ log_parameter_max_length: "-1" })).toEqual([]);
  expect(warnings({ log_parameter_max_length: "-1", log_min_duration_statement: "200" })).toHaveLength(1);
  expect(warnings({ log_parameter_max_length: "-1", log_statement: "mod" })).toHaveLength(1);
});

test("an open connection is warned of where it leaves the machine of a production system", () => {
  const open = { ...GOOD, encrypted: false };
  expect(judgeServer(open, "production", true).warnings).toHaveLength(1);
  expect(judgeServer(open, "production", false).warnings).toEqual([]);
  expect(judgeServer(open, "development", true).warnings).toEqual([]);
});

test("missing checksums and old password hashes are warned of", () => {
  expect(judgeServer(withSettings({ data_checksums: "off", password_encryption: "md5" }), "production", true).warnings).toHaveLength(2);
});
