// Operation 9: a document of a client is stored.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aPdf, aPdfOf, aHeic, aJpeg, aPng, aZip, eicar } from "../setup/document-files.ts";
import { aDocumentsClient, type Document, type DocumentsBank, openDocumentsBank, uploadForm } from "../setup/documents.ts";
import type { aForm } from "../setup/forms.ts";
import { standAs } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const MIB = 1024 * 1024;

let bank: DocumentsBank;
let clientId: string;
beforeAll(async () => {
  bank = await openDocumentsBank();
  clientId = await aDocumentsClient(bank);
});
afterAll(() => bank.close());

const codeOf = ({ status, body }: { status: number; body: Readonly<Record<string, unknown>> }) => `${status} ${String(body["code"])}`;
const file = { name: "file", fileName: "a.pdf", body: aPdf() };
const type = { name: "type", body: "other" };

/** Fails when the call leaves bytes or a row. */
async function expectNothingStored(call: () => Promise<unknown>): Promise<void> {
  const before = [bank.store.objects.size, await countRows()];
  await call();
  expect([bank.store.objects.size, await countRows()]).toEqual(before);
}

async function countRows(): Promise<number> {
  const { rows } = await bank.owner.query<{ count: number }>("select count(*)::int as count from client_profile.document");
  return rows[0]?.count ?? 0;
}

describe("an accepted document", () => {
  test("is answered as it was stored, and reads back the same", async () => {
    const answer = await bank.upload(clientId, { description: "Passport,\nfirst page" });
    expect(answer.body).toEqual({
      documentId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      clientId,
      relatedIndividualId: null,
      type: "passport",
      fileName: "passport.pdf",
      contentType: "application/pdf",
      size: aPdf().length,
      description: "Passport,\nfirst page",
      uploadedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      uploadedBy: "officer-7",
      scanStatus: "notScanned",
    });
    const read = await bank.staff.get(`/internal/Clients/${clientId}/Documents/${String(answer.body["documentId"])}`);
    expect(read.body).toEqual(answer.body);
  });

  test("may be of every documented type", async () => {
    const types =
      "passport driverLicense idCard residencePermit selfie proofOfAddress sourceOfFunds companyRegistration articlesOfAssociation shareholderRegister directorRegister powerOfAttorney bankStatement contract other";
    for (const each of types.split(" ")) expect((await bank.aDocument(clientId, { type: each })).type).toBe(each);
  });

  test("is what its bytes are, whatever its name and its media type say", async () => {
    const kinds: readonly [Buffer, string][] = [
      [aPdf(), "application/pdf"],
      [aJpeg(), "image/jpeg"],
      [aPng(), "image/png"],
      [aHeic(), "image/heic"],
    ];
    for (const [body, contentType] of kinds) {
      const answer = await bank.aDocument(clientId, { body, contentType: "text/html", fileName: "page.html" });
      expect(answer.contentType).toBe(contentType);
      expect(answer.fileName).toMatch(/^page\.html\.(pdf|jpg|png|heic)$/);
    }
  });

  test("may come with its parts in any order, without a media type and without a description", async () => {
    const parts = [type, { name: "description", body: "x" }, file];
    for (const order of [parts, parts.toReversed(), [file, type], [type, file]]) {
      expect(await bank.aDocument(clientId, { parts: order })).toMatchObject({ type: "other", fileName: "a.pdf" });
    }
    expect((await bank.aDocument(clientId, { parts: [file, type, { name: "description", body: "" }] })).description).toBeNull();
  });

  test("lies in the store encrypted, and tells of itself in audit and event without a word about a person", async () => {
    const canary = "Kanarienvogel";
    const { documentId } = await bank.aDocument(clientId, { body: aPdf(canary), fileName: `${canary}.pdf`, description: canary });
    const stored = bank.store.objects.get(documentId)?.body;
    expect(stored?.includes(canary)).toBe(false);
    expect(stored?.includes("%PDF")).toBe(false);
    const told = { clientId, type: "passport", scanStatus: "notScanned" };
    const subject = `document:${documentId}`;
    expect(await bank.events("client.documentUploaded")).toContainEqual({ subject, tenant: "default", data: { documentId, ...told } });
    const size = aPdf(canary).length;
    expect(await bank.auditOf("client.documentUploaded")).toContainEqual({
      subject,
      detail: { ...told, contentType: "application/pdf", sizeBytes: size },
    });
  });

  test("may have 500 characters of description and 10 MiB, and not one more", async () => {
    expect((await bank.aDocument(clientId, { description: "😀".repeat(500) })).description).toBe("😀".repeat(500));
    expect(codeOf(await bank.upload(clientId, { description: "x".repeat(501) }))).toBe("400 validationFailed");
    for (const size of [10 * MIB - 1, 10 * MIB]) expect((await bank.aDocument(clientId, { body: aPdfOf(size) })).size).toBe(size);
    await expectNothingStored(async () => {
      for (const body of [aPdfOf(10 * MIB + 1), aPdfOf(11 * MIB), Buffer.concat([aPng(), Buffer.alloc(10 * MIB)])]) {
        expect(await bank.upload(clientId, { body })).toMatchObject({ status: 413, body: { code: "documentTooLarge" } });
      }
    });
  });

  test("may be cut off or padded, as long as its header is that of its type", async () => {
    const honest: readonly [Buffer, string][] = [
      [Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"), "application/pdf"],
      [Buffer.concat([Buffer.from("%PDF-1.7"), randomBytes(10 * MIB - 8)]), "application/pdf"],
      [Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(10 * MIB - 4)]), "image/jpeg"],
      [Buffer.concat([aJpeg(), aHeic("mp42", ["isom", "mp42"])]), "image/jpeg"],
      [aPng().subarray(0, -12), "image/png"],
      [Buffer.concat([aHeic(), randomBytes(1_000)]), "image/heic"],
    ];
    for (const [body, contentType] of honest) {
      expect(await bank.aDocument(clientId, { body })).toMatchObject({ contentType, size: body.length });
    }
  });

  test("that claims a million megapixels, or holds a million objects, is stored and not decoded", async () => {
    await bank.aDocument(clientId, { body: aPng({ width: 50_000, height: 50_000 }) });
    await bank.aDocument(clientId, { body: aPdf("1 0 obj<<>>endobj\n".repeat(500_000)) });
  });
});

describe("a name", () => {
  test("is shown without what a file name may not hold", async () => {
    const names: readonly [string, string][] = [
      ["../../etc/passwd", "passwd.pdf"],
      ["..\\\\..\\\\boot.ini", "boot.ini.pdf"],
      ["/etc/x.pdf", "x.pdf"],
      ["a\u202Efdp.exe", "afdp.exe.pdf"],
      ["con.pdf", "_con.pdf"],
      [`${"n".repeat(300)}.pdf`, `${"n".repeat(251)}.pdf`],
      ["договор №5.pdf", "договор No5.pdf"],
      ["a;b=c'd.pdf", "a;b=c'd.pdf"],
      ["", "document.pdf"],
    ];
    for (const [sent, shown] of names) expect((await bank.aDocument(clientId, { fileName: sent })).fileName).toBe(shown);
  });
});

describe("what is no document is refused with 415 and leaves nothing", () => {
  const zoo: readonly [string, Buffer, string, string][] = [
    ["a page named as a PDF", Buffer.from("<html><script>alert(1)</script></html>"), "a.pdf", "application/pdf"],
    ["a program", Buffer.concat([Buffer.from("MZ\x90\0", "latin1"), Buffer.alloc(100)]), "a.exe", "application/x-msdownload"],
    ["a script", Buffer.from("<?php phpinfo();"), "a.png", "image/png"],
    ["a PDF with an archive behind it", Buffer.concat([aPdf(), aZip(aPdf().length)]), "a.pdf", "application/pdf"],
    [
      "a PDF with a page behind it",
      Buffer.concat([aPdfOf(200_000), Buffer.from("<html><script>alert(1)</script>")]),
      "a.pdf",
      "application/pdf",
    ],
    ["a GIF that is a script too", Buffer.from("GIF89a/*\0\0*/=1;alert(1)//;"), "a.png", "image/png"],
    ["a picture with a page in it", aJpeg({ comment: "<script>alert(1)</script>" }), "a.jpg", "image/jpeg"],
    ["an AVIF", aHeic("avif", ["avif"]), "a.heic", "image/heic"],
    ["nothing", Buffer.alloc(0), "a.pdf", "application/pdf"],
    ["one byte", Buffer.from("%"), "a.pdf", "application/pdf"],
    ["the test pattern of scanners", eicar(), "a.pdf", "application/pdf"],
  ];
  for (const [name, body, fileName, contentType] of zoo) {
    test(`such as ${name}`, () =>
      expectNothingStored(async () => {
        const answer = await bank.upload(clientId, { body, fileName, contentType });
        expect(answer).toMatchObject({ status: 415, body: { code: "unsupportedDocumentType" } });
        expect(answer.body["errors"]).toEqual({ file: ["The file must be a PDF, JPEG, PNG or HEIC by its content."] });
      }));
  }
});

describe("a form is refused with 400, by the name of its part, and leaves nothing", () => {
  const forms: readonly [string, Parameters<typeof aForm>[0], string][] = [
    ["without a file", [type], "file"],
    ["without a type", [file], "type"],
    ["with a type that is not known", [file, { name: "type", body: "Passport" }], "type"],
    ["with two types", [file, type, type], "type"],
    ["with two files", [file, file, type], "file"],
    ["with a text as its file", [{ name: "file", body: "x" }, type], "file"],
    ["with a file as its type", [file, { name: "type", fileName: "x", body: "other" }], "type"],
    ["with a part that is not known", [file, type, { name: "clientId", body: NOBODY }], "clientId"],
    ["with a part named __proto__", [file, type, { name: "__proto__", body: "x" }], "__proto__"],
    ["with controls in its description", [file, type, { name: "description", body: "a\u0007b" }], "description"],
    ["with a turned description", [file, type, { name: "description", body: "a\u202Eb" }], "description"],
    ["with U+0000 in its description", [file, type, { name: "description", body: "a\0b" }], "description"],
  ];
  for (const [name, parts, field] of forms) {
    test(`when it is sent ${name}`, () =>
      expectNothingStored(async () => {
        const answer = await bank.upload(clientId, { parts });
        expect(codeOf(answer)).toBe("400 validationFailed");
        expect(Object.keys(answer.body["errors"] as object)).toEqual([field]);
      }));
  }

  test("that is cut off, or no form at all", () =>
    expectNothingStored(async () => {
      const { body, headers } = uploadForm({});
      const path = `/internal/Clients/${clientId}/Documents/upload`;
      for (const cut of [10, body.length >> 1, body.length - 10]) {
        expect(codeOf(await bank.staff.post(path, body.subarray(0, cut), headers))).toBe("400 malformedRequest");
      }
      expect(codeOf(await bank.staff.post(path, body, { "content-type": "application/pdf" }))).toBe("415 unsupportedMediaType");
      expect(codeOf(await bank.staff.post(path, { type: "other" }))).toBe("415 unsupportedMediaType");
    }));
});

describe("another tenant's client, and one that never was", () => {
  test("are the same 404, before the file is read", async () => {
    const north = await aDocumentsClient(bank, "north");
    const form = uploadForm({});
    const refusal = async (tenant: string, id: string) => {
      const { status, body } = await bank.staffOf(tenant).post(`/internal/Clients/${id}/Documents/upload`, form.body, form.headers);
      return { status, code: body["code"], detail: body["detail"], title: body["title"] };
    };
    await expectNothingStored(async () => {
      expect(await refusal("south", north)).toEqual(await refusal("south", NOBODY));
      expect((await refusal("south", north)).status).toBe(404);
    });
    const own = await bank.staffOf("north").post(`/internal/Clients/${north}/Documents/upload`, form.body, form.headers);
    expect(own.status).toBe(200);
  });

  test("a token without documents.write is refused with 403, and a client's own with 403", async () => {
    const form = uploadForm({});
    const path = `/internal/Clients/${clientId}/Documents/upload`;
    const reader = bank.callAs({ kind: "system", scopes: ["documents.read", "clients.write"] });
    expect((await reader.post(path, form.body, form.headers)).status).toBe(403);
    expect((await bank.callAs({ kind: "client", clientId }).post(path, form.body, form.headers)).status).toBe(403);
  });
});

describe("an Idempotency-Key", () => {
  const keyed = (key: string, upload: Parameters<DocumentsBank["upload"]>[1] = {}) =>
    bank.upload(clientId, upload, { "idempotency-key": key });

  test("with the same content gives the same document again, byte by byte, and stores nothing more", async () => {
    const first = await keyed("k-1", { description: "Kanarienvogel" });
    await expectNothingStored(async () => {
      const second = await keyed("k-1", { description: "Kanarienvogel" });
      expect(second.text).toBe(first.text);
      expect(second.headers["idempotency-replayed"]).toBe("true");
    });
    const { rows } = await bank.owner.query<{ answer: string }>("select answer from platform.idempotency_key where answer is not null");
    expect(rows.every(({ answer }) => !answer.includes("Kanarienvogel") && !answer.includes("passport.pdf"))).toBe(true);
  });

  test("with another file, name, type or description is refused with 422, and leaves nothing", async () => {
    expect((await keyed("k-2")).status).toBe(200);
    await expectNothingStored(async () => {
      for (const change of [{ body: aPdf("other") }, { fileName: "b.pdf" }, { type: "other" }, { description: "x" }]) {
        expect(codeOf(await keyed("k-2", change))).toBe("422 idempotencyKeyReused");
      }
    });
  });

  test("of twins at once is one document", async () => {
    const before = bank.store.objects.size;
    const answers = await Promise.all(Array.from({ length: 8 }, () => keyed("k-3")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(bank.store.objects.size).toBe(before + 1);
  });

  test("without one the same file twice is two documents", async () => {
    expect((await bank.aDocument(clientId)).documentId).not.toBe((await bank.aDocument(clientId)).documentId);
  });
});

describe("a client that takes no more documents", () => {
  const setClient = (id: string, set: string) => bank.owner.query(`update client_profile.client set ${set} where id = $1`, [id]);

  test("because it is closed, rejected or asked to be forgotten is refused with 409 invalidState, and leaves nothing", async () => {
    for (const end of [
      (id: string) => standAs(bank, id, "closed"),
      (id: string) => standAs(bank, id, "rejected"),
      (id: string) => setClient(id, "restricted_at = now()"),
    ]) {
      const id = await aDocumentsClient(bank);
      const kept = await bank.upload(id, {}, { "idempotency-key": `kept-${id}` });
      await end(id);
      await expectNothingStored(async () => {
        expect(codeOf(await bank.upload(id))).toBe("409 invalidState");
        expect(codeOf(await bank.upload(id, {}, { "idempotency-key": `new-${id}` }))).toBe("409 invalidState");
        const repeat = await bank.upload(id, {}, { "idempotency-key": `kept-${id}` });
        expect(repeat.text).toBe(kept.text);
      });
    }
  });

  test("while it is blocked takes them", async () => {
    const id = await aDocumentsClient(bank);
    await setClient(id, "status = 'blocked', blocked_at = now()");
    await bank.aDocument(id);
  });
});

describe("a store that is away", () => {
  test("is 503, leaves no row, and the same key stores it later", async () => {
    const key = { "idempotency-key": "store-away" };
    bank.store.fault = new Error("ENOSPC");
    try {
      await expectNothingStored(async () => {
        const answer = await bank.upload(clientId, {}, key);
        expect(codeOf(answer)).toBe("503 busy");
        expect(answer.headers["retry-after"]).toBeDefined();
        expect(answer.text).not.toContain("ENOSPC");
      });
    } finally {
      bank.store.fault = null;
    }
    expect((await bank.upload(clientId, {}, key)).status).toBe(200);
  });
});

test("two documents never share a key: the same file twice lies there as other bytes", async () => {
  const [one, two]: Document[] = [await bank.aDocument(clientId), await bank.aDocument(clientId)];
  const bytes = [one, two].map((each) => bank.store.objects.get(each?.documentId ?? "")?.body ?? Buffer.alloc(0));
  expect(bytes[0]?.equals(bytes[1] ?? Buffer.alloc(0))).toBe(false);
});
