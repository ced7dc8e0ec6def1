// Documents of the persons of a company (contract 5.16).

import { afterAll, beforeAll, expect, test } from "vitest";
import { aPdf } from "../setup/document-files.ts";
import { type Document, type DocumentsBank, openDocumentsBank, uploadForm } from "../setup/documents.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: DocumentsBank;
let company: Awaited<ReturnType<DocumentsBank["aCompany"]>>;
let other: typeof company;
beforeAll(async () => {
  bank = await openDocumentsBank();
  company = await bank.aCompany();
  other = await bank.aCompany();
});
afterAll(() => bank.close());

const pathOf = (person: string, clientId = company.clientId): string =>
  `/internal/Clients/${clientId}/related-individuals/${person}/documents`;
const upload = (person: string, clientId?: string) => {
  const form = uploadForm({ fileName: "id.pdf", type: "idCard", body: aPdf("of a person") });
  return bank.staff.post(`${pathOf(person, clientId)}/upload`, form.body, form.headers);
};
const list = async (person: string, query = ""): Promise<Document[]> =>
  JSON.parse((await bank.staff.get(`${pathOf(person)}${query}`)).text) as Document[];

test("a document of a person is stored, listed with that person alone, and given back", async () => {
  const [person, second] = company.persons;
  const answer = await upload(person);
  expect(answer).toMatchObject({ status: 200, body: { clientId: company.clientId, relatedIndividualId: person, type: "idCard" } });
  const document = answer.body as unknown as Document;
  expect(await list(person)).toEqual([document]);
  expect(await list(person, "?types=passport")).toEqual([]);
  expect(await list(second)).toEqual([]);
  const { status, bytes } = await bank.download(`${pathOf(person)}/${document.documentId}/download`);
  expect([status, bytes.equals(aPdf("of a person"))]).toEqual([200, true]);
});

test("as a document of its company it can be looked at, given back and deleted by its id", async () => {
  const [person] = company.persons;
  const document = (await upload(person)).body as unknown as Document;
  const path = `/internal/Clients/${company.clientId}/Documents/${document.documentId}`;
  expect((await bank.staff.get(path)).body).toEqual(document);
  expect((await bank.download(`${path}/download`)).status).toBe(200);
  expect((await bank.staff.send("DELETE", path)).status).toBe(200);
  expect((await list(person)).map(({ documentId }) => documentId)).not.toContain(document.documentId);
  expect((await bank.staff.get(`${pathOf(person)}/${document.documentId}/download`)).status).toBe(404);
});

test("of another company, another person and nobody all is the same 404", async () => {
  const [person, second] = company.persons;
  const document = (await upload(person)).body as unknown as Document;
  const own = await bank.aDocument(company.clientId);
  for (const path of [
    pathOf(other.persons[0]),
    pathOf(person, other.clientId),
    pathOf(NOBODY),
    `${pathOf(second)}/${document.documentId}/download`,
    `${pathOf(person, other.clientId)}/${document.documentId}/download`,
    `${pathOf(person)}/${own.documentId}/download`,
    `${pathOf(person)}/${NOBODY}/download`,
  ]) {
    expect((await bank.staff.get(path)).status).toBe(404);
  }
  const before = bank.store.objects.size;
  expect((await upload(other.persons[0])).status).toBe(404);
  expect((await upload(person, other.clientId)).status).toBe(404);
  expect((await upload(NOBODY)).status).toBe(404);
  expect(bank.store.objects.size).toBe(before);
  expect((await bank.staffOf("south").get(pathOf(person))).status).toBe(404);
});

test("a person whom the company names no more takes no documents; those it has stay the company's", async () => {
  const [, person] = other.persons;
  const form = uploadForm({});
  const document = (await bank.staff.post(`${pathOf(person, other.clientId)}/upload`, form.body, form.headers)).body as unknown as Document;
  await bank.owner.query("update client_profile.related_individual set removed_at = now() where id = $1", [person]);
  expect((await bank.staff.post(`${pathOf(person, other.clientId)}/upload`, form.body, form.headers)).status).toBe(404);
  expect((await bank.staff.get(pathOf(person, other.clientId))).status).toBe(404);
  expect((await bank.staff.get(`/internal/Clients/${other.clientId}/Documents/${document.documentId}`)).body).toEqual(document);
});

test("the database itself keeps documents with persons of their own client", async () => {
  const insert = bank.owner.query(
    `insert into client_profile.document (id, client_id, related_individual_id, type, content_type, size_bytes, sealed_details, scan_status, uploaded_at, uploaded_by)
     values (gen_random_uuid(), $1, $2, 'other', 'application/pdf', 1, '\\x00', 'notScanned', now(), 'test')`,
    [company.clientId, other.persons[0]],
  );
  await expect(insert).rejects.toThrow("person of another client");
});
