// Pure: the certificate of an erasure. It is one line of JSON with its members in a fixed order, and the SHA-256 of that line, so that whoever
// holds a certificate can prove that nobody changed it. It names the client by its id alone.

import { createHash } from "node:crypto";
import type { ErasureCertificate, ErasureReason } from "./contract.ts";

/** What a certificate says. */
export type Erasure = {
  readonly certificateId: string;
  readonly clientId: string;
  readonly erasedAt: Date;
  /** Until when the law wanted the data kept. */
  readonly retainedUntil: Date;
  readonly reason: ErasureReason;
  /** How many of each kind were destroyed. */
  readonly erased: Readonly<Record<string, number>>;
};

/** The certificate as it is stored. */
export type SignedText = { readonly text: string; readonly sha256: Buffer };

const LEGAL_BASIS: Record<ErasureReason, string> = {
  clientRequest: "Regulation (EU) 2016/679 art. 17(1); retention of Directive (EU) 2015/849 art. 40(1) is over",
  retentionEnded: "Directive (EU) 2015/849 art. 40(1): personal data are deleted when their retention is over",
  authorityOrder: "Regulation (EU) 2016/679 art. 58(2)(g); retention of Directive (EU) 2015/849 art. 40(1) is over",
};

export function writeCertificate({ certificateId, clientId, erasedAt, retainedUntil, reason, erased }: Erasure): SignedText {
  const text = JSON.stringify({
    certificateId,
    clientId,
    erasedAt: erasedAt.toISOString(),
    retainedUntil: retainedUntil.toISOString(),
    reason,
    legalBasis: LEGAL_BASIS[reason],
    erased: Object.fromEntries(Object.entries(erased).sort(([a], [b]) => (a < b ? -1 : 1))),
  });
  return { text, sha256: hash(text) };
}

/** @throws when the text is not what was hashed. */
export function readCertificate({ text, sha256 }: SignedText): ErasureCertificate {
  if (!hash(text).equals(sha256)) throw new Error("a certificate of erasure is not what was hashed");
  return { ...(JSON.parse(text) as Omit<ErasureCertificate, "sha256" | "text">), sha256: sha256.toString("hex"), text };
}

/** One line of the erasure list, without its end. */
export function toLine({ text, sha256 }: SignedText): string {
  return JSON.stringify({ sha256: sha256.toString("hex"), certificate: text });
}

/** Null: the line is no certificate, or not the one that was written. */
export function readLine(line: string): (SignedText & { readonly certificate: ErasureCertificate }) | null {
  try {
    const { sha256, certificate } = JSON.parse(line) as { readonly sha256?: unknown; readonly certificate?: unknown };
    if (typeof sha256 !== "string" || typeof certificate !== "string") return null;
    const signed = { text: certificate, sha256: Buffer.from(sha256, "hex") };
    return { ...signed, certificate: readCertificate(signed) };
  } catch {
    return null;
  }
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
