import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type Erasure, readCertificate, readLine, toLine, writeCertificate } from "./certificate.ts";

const erasure: Erasure = {
  certificateId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00",
  clientId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e01",
  erasedAt: new Date("2031-11-23T10:00:00Z"),
  retainedUntil: new Date("2031-11-23T09:45:00Z"),
  reason: "clientRequest",
  erased: { profiles: 1, documents: 3 },
};

test("a certificate says what it proves, in one line that anybody can hash", () => {
  const certificate = readCertificate(writeCertificate(erasure));
  expect(certificate).toMatchObject({
    certificateId: erasure.certificateId,
    clientId: erasure.clientId,
    erasedAt: "2031-11-23T10:00:00.000Z",
    retainedUntil: "2031-11-23T09:45:00.000Z",
    reason: "clientRequest",
    erased: { documents: 3, profiles: 1 },
  });
  expect(certificate.sha256).toBe(createHash("sha256").update(certificate.text).digest("hex"));
});

test("the order in which kinds were counted makes no other certificate", () => {
  expect(writeCertificate({ ...erasure, erased: { documents: 3, profiles: 1 } })).toEqual(writeCertificate(erasure));
});

test("a certificate that somebody changed is none", () => {
  const { text, sha256 } = writeCertificate(erasure);
  expect(() => readCertificate({ text: text.replace('"documents":3', '"documents":2'), sha256 })).toThrow("not what was hashed");
});

test("a line of the list is read back", () => {
  const signed = writeCertificate(erasure);
  expect(readLine(toLine(signed))).toEqual({ ...signed, certificate: readCertificate(signed) });
});

test.each([
  ["half a line", (line: string) => line.slice(0, line.length / 2)],
  ["a line with another client", (line: string) => line.replace("3d3b2a1f0e01", "3d3b2a1f0e02")],
  ["nothing", () => ""],
  ["other JSON", () => "[1]"],
  ["null", () => "null"],
])("%s is no line of the list", (_what, damage) => {
  expect(readLine(damage(toLine(writeCertificate(erasure))))).toBeNull();
});
