// Operations 9 to 12 and those of the newer edition (contract 5.3 and 5.16): documents of clients and of the persons of companies.

import { type Caller, callerTenant } from "#platform/access.ts";
import type { Actor } from "#platform/db.ts";
import { type Call, type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import type { StreamBody } from "#platform/http/request-body.ts";
import { EmptyBody, strictObject, Type, type TSchema, Uuid } from "#platform/schema.ts";
import { BulkUploadForm, ClientDocument, DocumentFile, DocumentsQuery, REQUEST_BYTES_MAX, UploadForm } from "./contract.ts";
import { deleteDocument, downloadDocument, getDocument, listDocuments } from "./documents.ts";
import { documentProblems } from "./problems.ts";
import { readBulkForm, readUploadForm } from "./upload-form.ts";
import { upload, type UploadCall, type UploadKit, type UploadPlace } from "./uploads.ts";

const TAGS = ["ClientProfile - System / Documents"];
const PERSON = "/internal/Clients/{clientId}/related-individuals/{relatedIndividualId}/documents";
const OfClient = strictObject({ clientId: Uuid });
const OfPerson = strictObject({ clientId: Uuid, relatedIndividualId: Uuid });
const OneDocument = strictObject({ clientId: Uuid, documentId: Uuid });
const OneOfPerson = strictObject({ clientId: Uuid, relatedIndividualId: Uuid, documentId: Uuid });

const CONTENT =
  "A PDF, JPEG, PNG or HEIC by its content: what the name or the media type of the part says does not matter, and what is something else as well (a page, an archive) is refused with 415. " +
  "At most 10 MiB (413). 409 invalidState for a closed, rejected or restricted client, 409 limitExceeded at DOCUMENT_QUOTA. Under an Idempotency-Key the same content gives the same document again. ";

const form = (schema: TSchema): StreamBody => ({
  kind: "stream",
  mediaTypes: ["multipart/form-data"],
  limit: REQUEST_BYTES_MAX,
  mayTakeLong: true,
  schema,
});

const system = { tags: TAGS, audience: "system" } as const;

/** The operations on documents. */
export function documentEndpoints(kit: UploadKit): readonly Endpoint[] {
  return [
    uploadDocument(kit),
    uploadDocuments(kit),
    uploadPersonDocument(kit),
    listClientDocuments(kit),
    listPersonDocuments(kit),
    getOneDocument(kit),
    downloadClientDocument(kit),
    downloadPersonDocument(kit),
    deleteOneDocument(),
  ];
}

const uploadDocument = (kit: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "uploadDocument",
    method: "POST",
    path: "/internal/Clients/{clientId}/Documents/upload",
    summary: "Store a document of a client",
    description: `${CONTENT}With a scanner (CLAMD_ADDRESS) \`scanStatus\` tells whether it was found clean; it is \`pending\` where the scanner did not answer in time.`,
    scope: "documents.write",
    params: OfClient,
    requestBody: form(UploadForm),
    reply: ClientDocument,
    problems: documentProblems,
    work: "own",
    answerTellsOf: ({ params }) => params.clientId,
    handle: (call) => upload(kit, placeOf(call), uploadOf(call), readUploadForm, onlyOne),
  });

const uploadDocuments = (kit: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "uploadDocuments",
    method: "POST",
    path: "/internal/Clients/{clientId}/Documents/upload/bulk",
    summary: "Store several documents of a client",
    description: `${CONTENT}Up to 10 files in parts named \`files\` (or \`files[]\`), and as many \`types\` (or \`types[]\`): the first file is of the first type, and so on; the order of files among types does not matter. All are stored or none; the answer has them in the order of the files.`,
    scope: "documents.write",
    params: OfClient,
    requestBody: form(BulkUploadForm),
    reply: Type.Array(ClientDocument),
    problems: documentProblems,
    work: "own",
    answerTellsOf: ({ params }) => params.clientId,
    handle: (call) => upload(kit, placeOf(call), uploadOf(call), readBulkForm, (documents) => [...documents]),
  });

const uploadPersonDocument = (kit: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "uploadRelatedIndividualDocument",
    method: "POST",
    path: `${PERSON}/upload`,
    summary: "Store a document of a person of a company",
    description: CONTENT,
    scope: "documents.write",
    params: OfPerson,
    requestBody: form(UploadForm),
    reply: ClientDocument,
    problems: documentProblems,
    work: "own",
    answerTellsOf: ({ params }) => params.clientId,
    handle: (call) => upload(kit, placeOf(call), uploadOf(call), readUploadForm, onlyOne),
  });

const listClientDocuments = ({ vault }: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "listDocuments",
    method: "GET",
    path: "/internal/Clients/{clientId}/Documents",
    summary: "Documents of a client, newest first",
    description: "Those of the client itself; those of a company's persons are listed with the person.",
    scope: "documents.read",
    params: OfClient,
    query: DocumentsQuery,
    reply: Type.Array(ClientDocument),
    work: "read",
    handle: (tx, { params, query, caller }) =>
      listDocuments(tx, vault, { clientId: params.clientId, personId: null }, caller.tenant, query.types),
  });

const listPersonDocuments = ({ vault }: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "listRelatedIndividualDocuments",
    method: "GET",
    path: PERSON,
    summary: "Documents of a person of a company, newest first",
    scope: "documents.read",
    params: OfPerson,
    query: DocumentsQuery,
    reply: Type.Array(ClientDocument),
    work: "read",
    handle: (tx, { params, query, caller }) =>
      listDocuments(tx, vault, { clientId: params.clientId, personId: params.relatedIndividualId }, caller.tenant, query.types),
  });

const getOneDocument = ({ vault }: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "getDocument",
    method: "GET",
    path: "/internal/Clients/{clientId}/Documents/{documentId}",
    summary: "What is known of one document",
    description: "Of the client or of a person of the company.",
    scope: "documents.read",
    params: OneDocument,
    reply: ClientDocument,
    work: "read",
    handle: (tx, { params, caller }) => getDocument(tx, vault, { ...params, personId: null }, caller.tenant),
  });

const DOWNLOAD =
  "Always an attachment, under the cleaned name. 409 invalidState while it is not scanned (`Retry-After`) and when malware was found in it. A document that does not open as it was stored breaks off with the connection.";

const downloadClientDocument = (kit: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "downloadDocument",
    method: "GET",
    path: "/internal/Clients/{clientId}/Documents/{documentId}/download",
    summary: "The bytes of a document",
    description: DOWNLOAD,
    scope: "documents.read",
    params: OneDocument,
    reply: DocumentFile,
    problems: { invalidState: documentProblems.invalidState },
    work: "file",
    handle: ({ params, caller, traceId, isHead }) =>
      downloadDocument(kit, actorOf(caller, traceId), { ...params, personId: null }, { tenant: caller.tenant, isHead }),
  });

const downloadPersonDocument = (kit: UploadKit): Endpoint =>
  endpoint({
    ...system,
    id: "downloadRelatedIndividualDocument",
    method: "GET",
    path: `${PERSON}/{documentId}/download`,
    summary: "The bytes of a document of a person of a company",
    description: DOWNLOAD,
    scope: "documents.read",
    params: OneOfPerson,
    reply: DocumentFile,
    problems: { invalidState: documentProblems.invalidState },
    work: "file",
    handle: ({ params: { clientId, documentId, relatedIndividualId }, caller, traceId, isHead }) =>
      downloadDocument(
        kit,
        actorOf(caller, traceId),
        { clientId, documentId, personId: relatedIndividualId },
        { tenant: caller.tenant, isHead },
      ),
  });

const deleteOneDocument = (): Endpoint =>
  endpoint({
    ...system,
    id: "deleteDocument",
    method: "DELETE",
    path: "/internal/Clients/{clientId}/Documents/{documentId}",
    summary: "Delete a document",
    description:
      "Of the client or of a person of the company. Nobody sees it any more; its bytes are kept, encrypted, until the client is erased.",
    scope: "documents.write",
    params: OneDocument,
    reply: EmptyBody,
    work: "write",
    async handle(tx, { params, caller }) {
      await deleteDocument(tx, { ...params, personId: null }, caller.tenant);
      return null;
    },
  });

type FormCall = Call<{ clientId: string; relatedIndividualId?: string }, unknown, unknown, StreamBody>;

function placeOf({ params: { clientId, relatedIndividualId }, caller }: FormCall): UploadPlace {
  return { clientId, personId: relatedIndividualId ?? null, visibleTo: caller.tenant };
}

function uploadOf({ caller, traceId, stream, settle, key }: FormCall): UploadCall {
  return { actor: actorOf(caller, traceId), stream, settle, hasKey: key !== null };
}

function onlyOne(documents: readonly ClientDocument[]): ClientDocument {
  const [document] = documents;
  if (document === undefined) throw new Error("an upload without a document");
  return document;
}

function actorOf(caller: Caller, traceId: string): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId };
}
