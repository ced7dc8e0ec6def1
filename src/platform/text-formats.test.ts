import { expect, test } from "vitest";
import { isEmail, isUtcTime, textFormats } from "./text-formats.ts";
import { processorMs } from "../../test/setup/processor-time.ts";

test.each([
  "user@example.com",
  "a@b.co",
  "first.last+tag@sub.example-bank.co.uk",
  "x!#$%&'*+/=?^_`{|}~-y@example.com",
  `${"a".repeat(64)}@example.com`,
  "u@xn--bcher-kva.example",
  "1@2.com",
])("%s is an e-mail address", (text) => {
  expect(isEmail(text)).toBe(true);
});

test.each([
  "",
  "user",
  "@example.com",
  "user@",
  "user@example",
  "user@@example.com",
  "us@er@example.com",
  ".user@example.com",
  "user.@example.com",
  "us..er@example.com",
  "user@.example.com",
  "user@example..com",
  "user@example.com.",
  "user@-example.com",
  "user@example-.com",
  "user@exa_mple.com",
  "user@127.0.0.1",
  "user@[127.0.0.1]",
  '"us er"@example.com',
  "user name@example.com",
  "user@example.com ",
  " user@example.com",
  "user@example.com\n",
  "user@example.com\r\nBcc: all@example.com",
  "user\r\n@example.com",
  "user@example.com,other@example.com",
  "User <user@example.com>",
  "üser@example.com",
  "user@exämple.com",
  `${"a".repeat(65)}@example.com`,
  `user@${"a".repeat(64)}.com`,
  `user@${"a.".repeat(130)}com`,
])("%j is no e-mail address", (text) => {
  expect(isEmail(text)).toBe(false);
});

test.each([
  "2026-11-23T09:45:00Z",
  "2026-11-23T09:45:00.1Z",
  "2026-11-23T23:59:59.123456789Z",
  "2026-11-23T09:45:00+00:00",
  "0001-01-01T00:00:00Z",
])("%s is an instant in UTC", (text) => {
  expect(isUtcTime(text)).toBe(true);
});

test.each([
  "2026-11-23",
  "2026-11-23T09:45Z",
  "2026-11-23 09:45:00Z",
  "2026-11-23T09:45:00",
  "2026-11-23T09:45:00z",
  "2026-11-23T09:45:00+02:00",
  "2026-11-23T24:00:00Z",
  "2026-11-23T09:60:00Z",
  "2026-12-31T23:59:60Z",
  "2026-02-29T00:00:00Z",
  "0000-01-01T00:00:00Z",
  "2026-11-23T09:45:00.Z",
  "2026-11-23T09:45:00.1234567890Z",
  "2026-11-23T09:45:00Z\n",
])("%j is no instant in UTC", (text) => {
  expect(isUtcTime(text)).toBe(false);
});

test("every format judges a megabyte of anything in a moment", () => {
  const hostile = ["a", "1", "-", "@", ".", "a@", "a.", "1-", "\u00e9"].map((unit) => unit.repeat(1_000_000 / unit.length));
  const started = processorMs();
  for (const format of textFormats.values()) for (const text of hostile) format.accepts(text);
  expect(processorMs() - started).toBeLessThan(500);
});
