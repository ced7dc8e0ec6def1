// Several documents in one upload (contract 5.16): all are stored, or none.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aJpeg, aPdf, aPdfOf, aPng } from "../setup/document-files.ts";
import { aDocumentsClient, type Document, type DocumentsBank, openDocumentsBank } from "../setup/documents.ts";
import { aForm, type TestPart } from "../setup/forms.ts";

let bank: DocumentsBank;
let clientId: string;
beforeAll(async () => {
  bank = await openDocumentsBank({ documents: { quota: 200 } });
  clientId = await aDocumentsClient(bank);
});
afterAll(() => bank.close());

const upload = async (parts: readonly TestPart[], headers: Readonly<Record<string, string>> = {}, id = clientId) => {
  const form = aForm(parts);
  return await bank.staff.post(`/internal/Clients/${id}/Documents/upload/bulk`, form.body, { ...form.headers, ...headers });
};
const file = (fileName: string, body = aPdf(), name = "files"): TestPart => ({ name, fileName, body });
const type = (body: string, name = "types"): TestPart => ({ name, body });
const documentsOf = (answer: { text: string }): Document[] => JSON.parse(answer.text) as Document[];
const countRows = async (): Promise<number> =>
  (await bank.owner.query<{ count: number }>("select count(*)::int as count from client_profile.document")).rows[0]?.count ?? 0;

test("files are paired with types in their order, however the two are mixed, with brackets or without", async () => {
  const [one, two, three] = [file("one.pdf"), file("two.jpg", aJpeg()), file("three.png", aPng())];
  const [a, b, c] = [type("passport"), type("selfie"), type("other")];
  for (const parts of [
    [one, two, three, a, b, c],
    [a, b, c, one, two, three],
    [one, a, two, b, three, c],
    [a, one, two, b, c, three],
    [one, two, three, a, b, c].map((part) => ({ ...part, name: `${part.name}[]` })),
  ]) {
    const answer = await upload(parts);
    expect(answer.status).toBe(200);
    expect(documentsOf(answer).map((each) => [each.fileName, each.type, each.contentType])).toEqual([
      ["one.pdf", "passport", "application/pdf"],
      ["two.jpg", "selfie", "image/jpeg"],
      ["three.png", "other", "image/png"],
    ]);
  }
});

test("each reads back as it was answered", async () => {
  const documents = documentsOf(await upload([file("a.pdf"), type("passport"), file("b.pdf"), type("selfie")]));
  for (const each of documents) {
    expect((await bank.staff.get(`/internal/Clients/${clientId}/Documents/${each.documentId}`)).body).toEqual(each);
  }
});

describe("nothing is stored", () => {
  const good = [file("a.pdf"), type("passport")];
  const cases: readonly [string, readonly TestPart[], string][] = [
    [
      "when one file is no document",
      [...good, file("b.pdf", Buffer.from("<html>".repeat(10))), type("other")],
      "415 unsupportedDocumentType",
    ],
    ["one file is too large", [...good, file("b.pdf", aPdfOf(10 * 1024 * 1024 + 1)), type("other")], "413 documentTooLarge"],
    ["a type is missing", [...good, file("b.pdf")], "400 validationFailed"],
    ["a file is missing", [...good, type("other")], "400 validationFailed"],
    ["a type is not known", [...good, file("b.pdf"), type("Other")], "400 validationFailed"],
    ["there is nothing", [type("other")], "400 validationFailed"],
    ["a part is not known", [...good, { name: "description", body: "x" }], "400 validationFailed"],
    ["there are eleven files", Array.from({ length: 11 }, () => good).flat(), "400 validationFailed"],
  ];
  for (const [name, parts, refusal] of cases) {
    test(`when ${name}`, async () => {
      const before = [bank.store.objects.size, await countRows()];
      const answer = await upload(parts);
      expect(`${answer.status} ${String(answer.body["code"])}`).toBe(refusal);
      expect([bank.store.objects.size, await countRows()]).toEqual(before);
    });
  }
});

test("ten files are stored in one call", async () => {
  const answer = await upload(Array.from({ length: 10 }, (_, at) => [file(`${at}.pdf`), type("other")]).flat());
  expect(documentsOf(answer)).toHaveLength(10);
});

test("a key answers the same documents again; with the files in another order it is 422", async () => {
  const parts = [file("a.pdf"), type("passport"), file("b.pdf", aPdf("b")), type("selfie")];
  const key = { "idempotency-key": "bulk-1" };
  const first = await upload(parts, key);
  const before = bank.store.objects.size;
  expect((await upload(parts, key)).text).toBe(first.text);
  const turned = await upload([file("b.pdf", aPdf("b")), type("selfie"), file("a.pdf"), type("passport")], key);
  expect(turned.body["code"]).toBe("idempotencyKeyReused");
  expect(bank.store.objects.size).toBe(before);
});

test("at the quota all are refused, not those beyond it", async () => {
  const id = await aDocumentsClient(bank);
  for (let count = 0; count < 195; count += 5) {
    const parts = Array.from({ length: 5 }, () => [file("x.pdf"), type("other")]).flat();
    expect((await upload(parts, {}, id)).status).toBe(200);
  }
  const six = Array.from({ length: 6 }, () => [file("x.pdf"), type("other")]).flat();
  const refused = await upload(six, {}, id);
  expect(refused).toMatchObject({ status: 409, body: { code: "limitExceeded", limit: 200 } });
  expect(await bank.documents(id)).toHaveLength(195);
  expect((await upload(six.slice(2), {}, id)).status).toBe(200);
});
