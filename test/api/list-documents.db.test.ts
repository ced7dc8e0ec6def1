// Operation 11: the documents of a client.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aDocumentsClient, type Document, type DocumentsBank, openDocumentsBank, uploadForm } from "../setup/documents.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: DocumentsBank;
beforeAll(async () => {
  bank = await openDocumentsBank();
});
afterAll(() => bank.close());

const list = async (clientId: string, query = ""): Promise<Document[]> => {
  const answer = await bank.staff.get(`/internal/Clients/${clientId}/Documents${query}`);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text) as Document[];
};

test("all that were stored, newest first, each as its upload answered it", async () => {
  const clientId = await aDocumentsClient(bank);
  expect(await list(clientId)).toEqual([]);
  const stored: Document[] = [];
  for (const type of ["passport", "selfie", "other"]) stored.unshift(await bank.aDocument(clientId, { type, description: type }));
  expect(await list(clientId)).toEqual(stored);
});

test("only those of the types that were asked for", async () => {
  const clientId = await aDocumentsClient(bank);
  for (const type of ["passport", "selfie", "passport", "other"]) await bank.aDocument(clientId, { type });
  expect((await list(clientId, "?types=passport")).map(({ type }) => type)).toEqual(["passport", "passport"]);
  expect((await list(clientId, "?types=selfie&types=other")).map(({ type }) => type)).toEqual(["other", "selfie"]);
  expect(await list(clientId, "?types=contract")).toEqual([]);
});

test("a type that is not known, and a parameter that is not, are refused by name", async () => {
  const clientId = await aDocumentsClient(bank);
  for (const [query, field] of [
    ["types=Passport", "types.0"],
    ["type=passport", "type"],
  ] as const) {
    const answer = await bank.staff.get(`/internal/Clients/${clientId}/Documents?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: "validationFailed" } });
    expect(Object.keys(answer.body["errors"] as object)).toEqual([field]);
  }
});

test("neither another client's nor deleted ones, nor those of a company's persons", async () => {
  const { clientId, persons } = await bank.aCompany();
  const other = await aDocumentsClient(bank);
  await bank.aDocument(other);
  const [kept, deleted] = [await bank.aDocument(clientId), await bank.aDocument(clientId)];
  await bank.staff.send("DELETE", `/internal/Clients/${clientId}/Documents/${deleted.documentId}`);
  const form = uploadForm({});
  await bank.staff.post(`/internal/Clients/${clientId}/related-individuals/${persons[0]}/documents/upload`, form.body, form.headers);
  expect(await list(clientId)).toEqual([kept]);
});

test("another tenant's client and one that never was are the same 404, and the scope is documents.read", async () => {
  const north = await aDocumentsClient(bank, "north");
  const seen = async (tenant: string, id: string) => {
    const { status, body } = await bank.staffOf(tenant).get(`/internal/Clients/${id}/Documents`);
    return { status, code: body["code"], detail: body["detail"] };
  };
  expect(await seen("south", north)).toEqual({ status: 404, code: "notFound", detail: null });
  expect(await seen("south", NOBODY)).toEqual(await seen("south", north));
  expect((await bank.staffOf("north").get(`/internal/Clients/${north}/Documents`)).status).toBe(200);
  const writer = bank.callAs({ kind: "system", scopes: ["documents.write", "clients.read"] });
  expect((await writer.get(`/internal/Clients/${north}/Documents`)).status).toBe(403);
});
