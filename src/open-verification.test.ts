import { expect, test } from "vitest";
import { readConfig } from "#platform/config.ts";
import { openVerificationProvision } from "./open-verification.ts";

const SUMSUB = {
  SUMSUB_APP_TOKEN: "sbx:token",
  SUMSUB_SECRET_KEY: "secret-key",
  SUMSUB_WEBHOOK_SECRET: "one-webhook-secret,other-webhook-secret",
};
const open = (mode: "development" | "production", env: Record<string, string> = {}) =>
  openVerificationProvision({ sumsub: readConfig({ ...env }).sumsub, mode });
const order = {
  externalUserId: "client",
  levelName: "level",
  email: "sample@example.com",
  phoneNumber: "+4915123456789",
  address: { streetLine1: "1", city: "c", zip: "z", country: "DE" },
  individual: { firstName: "S", lastName: "P", dateOfBirth: "1990-01-01", citizenshipCountry: "DE", residenceCountry: "DE" },
  company: null,
};

test("development without a provider has a simulator, under keys of its own", async () => {
  const provision = await open("development");
  expect(provision.simulatorUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(provision.keys.secrets).toHaveLength(1);
  const applicant = await provision.provider?.createApplicant(order, new AbortController().signal);
  expect(applicant?.applicantId).toMatch(/^[0-9a-f]{24}$/);
  const other = await open("development");
  expect(other.keys.secrets).not.toEqual(provision.keys.secrets);
  await Promise.all([provision.close(), other.close()]);
});

test("production without a provider verifies nobody, and takes no webhook", async () => {
  expect(await open("production")).toMatchObject({ provider: null, simulatorUrl: null, keys: { secrets: [] } });
});

test.each(["development", "production"] as const)("%s with a provider speaks to it, and has no simulator", async (mode) => {
  const provision = await open(mode, SUMSUB);
  expect(provision).toMatchObject({
    simulatorUrl: null,
    keys: { secrets: ["one-webhook-secret", "other-webhook-secret"], algorithms: ["HMAC_SHA256_HEX", "HMAC_SHA512_HEX"] },
  });
  expect(provision.provider).not.toBeNull();
});
