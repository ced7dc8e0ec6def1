// Operation 12: a document is deleted: nobody sees it any more, and the bank keeps it as long as it must.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aDocumentsClient, type DocumentsBank, openDocumentsBank } from "../setup/documents.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: DocumentsBank;
let clientId: string;
beforeAll(async () => {
  bank = await openDocumentsBank();
  clientId = await aDocumentsClient(bank);
});
afterAll(() => bank.close());

const remove = (documentId: string, headers?: Readonly<Record<string, string>>) =>
  bank.staff.send("DELETE", `/internal/Clients/${clientId}/Documents/${documentId}`, undefined, headers);

test("answers 200 with nothing, and nobody sees the document any more; once more is 404", async () => {
  const { documentId } = await bank.aDocument(clientId);
  const answer = await remove(documentId);
  expect([answer.status, answer.text]).toEqual([200, ""]);
  expect((await bank.documents(clientId)).map((each) => each.documentId)).not.toContain(documentId);
  for (const path of ["", "/download"]) {
    expect((await bank.staff.get(`/internal/Clients/${clientId}/Documents/${documentId}${path}`)).status).toBe(404);
  }
  expect((await remove(documentId)).status).toBe(404);
  expect((await remove(NOBODY)).status).toBe(404);
});

test("keeps row and bytes, says who deleted it, and tells of it once", async () => {
  const { documentId } = await bank.aDocument(clientId, { type: "selfie" });
  await remove(documentId);
  expect(bank.store.objects.has(documentId)).toBe(true);
  const { rows } = await bank.owner.query<{ deleted_by: string }>("select deleted_by from client_profile.document where id = $1", [
    documentId,
  ]);
  expect(rows).toEqual([{ deleted_by: "officer-7" }]);
  const subject = `document:${documentId}`;
  const told = { clientId, type: "selfie" };
  expect((await bank.auditOf("client.documentDeleted")).filter((each) => each.subject === subject)).toEqual([{ subject, detail: told }]);
  const events = (await bank.events("client.documentDeleted")).filter((each) => each.subject === subject);
  expect(events).toEqual([{ subject, tenant: "default", data: { documentId, ...told } }]);
});

test("of many at once one deletes and the others find nothing", async () => {
  const { documentId } = await bank.aDocument(clientId);
  const answers = await Promise.all(Array.from({ length: 8 }, () => remove(documentId)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(7);
  expect((await bank.auditOf("client.documentDeleted")).filter(({ subject }) => subject === `document:${documentId}`)).toHaveLength(1);
});

test("needs documents.write", async () => {
  const { documentId } = await bank.aDocument(clientId);
  const reader = bank.callAs({ kind: "system", scopes: ["documents.read", "clients.write"] });
  expect((await reader.send("DELETE", `/internal/Clients/${clientId}/Documents/${documentId}`)).status).toBe(403);
});
