import { expect, test } from "vitest";
import { destinationFor, maskDestination } from "./destination.ts";

const REACHABLE = { email: "jane@example.com", phoneNumber: "+37061234578", phoneIsE164: true };
const BY_MAIL = { ...REACHABLE, phoneNumber: "0612 34578", phoneIsE164: false };

test.each([
  [REACHABLE, null, { channel: "sms", address: "+37061234578" }],
  [REACHABLE, "email", { channel: "email", address: "jane@example.com" }],
  [BY_MAIL, null, { channel: "email", address: "jane@example.com" }],
  [BY_MAIL, "sms", null],
] as const)("the phone comes first, and only an E.164 number is one: %o wishing %s", (contact, wanted, expected) => {
  expect(destinationFor(contact, wanted)).toEqual(expected);
});

test.each([
  ["sms", "+37061234578", "+370******78"],
  ["sms", "+4915123456789", "+491********89"],
  ["sms", "+2901234", "+290**34"],
  ["email", "jane@example.com", "j***@example.com"],
  ["email", "jo@example.com", "j***@example.com"],
  ["email", "j@example.com", "***@example.com"],
  ["email", "𝒿ane@example.com", "𝒿***@example.com"],
  ["email", '"a@b"@example.com', '"***@example.com'],
] as const)("%s %s is shown as %s", (channel, address, shown) => {
  expect(maskDestination({ channel, address })).toBe(shown);
});
