// The wire words of documents (contract 4.2, 4.3 and 5.3). A document's media type is what its bytes are; what was said of them is not kept.

import { DateTimeText, enumOf, fileReply, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";
import { CONTENT_TYPES } from "./content/header.ts";

/** Bytes of one document (contract 5.3, operation 9). */
export const DOCUMENT_BYTES_MAX = 10 * 1024 * 1024;
/** Documents of one bulk upload. */
export const BULK_FILES_MAX = 10;
/** Bytes of a whole request. Wider than its files may be: which of them is too large is told, not only that something is. */
export const REQUEST_BYTES_MAX = (BULK_FILES_MAX + 1) * DOCUMENT_BYTES_MAX;
export const DESCRIPTION_LENGTH_MAX = 500;

export const DOCUMENT_TYPES = [
  "passport",
  "driverLicense",
  "idCard",
  "residencePermit",
  "selfie",
  "proofOfAddress",
  "sourceOfFunds",
  "companyRegistration",
  "articlesOfAssociation",
  "shareholderRegister",
  "directorRegister",
  "powerOfAttorney",
  "bankStatement",
  "contract",
  "other",
] as const;

/** What a document is about (contract 4.2). */
export const ClientDocumentType = enumOf(DOCUMENT_TYPES, { title: "ClientDocumentType" });
export type ClientDocumentType = Static<typeof ClientDocumentType>;

/** What is known of malware in it. Only `clean` and `notScanned` ones can be downloaded. */
export const ScanStatus = enumOf(["notScanned", "pending", "clean", "infected"], {
  title: "DocumentScanStatus",
  description:
    "`notScanned`: no scanner was there; `pending`: not scanned yet, cannot be downloaded; `clean`; `infected`: quarantined, cannot be downloaded.",
});
export type ScanStatus = Static<typeof ScanStatus>;

/** ClientDocumentDto (contract 4.3), with the person it is about and what a scan has found. */
export const ClientDocument = strictObject(
  {
    documentId: Uuid,
    clientId: Uuid,
    relatedIndividualId: Nullable(Uuid, { description: "The person of the company whom it is about; null: the client itself." }),
    type: ClientDocumentType,
    fileName: Type.String({ maxLength: 255, description: "The name as it was sent, without what a file name may not hold." }),
    contentType: enumOf(CONTENT_TYPES, { description: "What the bytes are, judged by themselves." }),
    size: Type.Integer({ minimum: 1, maximum: DOCUMENT_BYTES_MAX, description: "Bytes." }),
    description: Nullable(Type.String({ maxLength: DESCRIPTION_LENGTH_MAX })),
    uploadedAt: DateTimeText,
    uploadedBy: Type.String({ description: "Subject of the token that brought it." }),
    scanStatus: ScanStatus,
  },
  { title: "ClientDocumentDto" },
);
export type ClientDocument = Static<typeof ClientDocument>;

const File = Type.String({ format: "binary", description: "A PDF, JPEG, PNG or HEIC of at most 10 MiB." });

/** The form of one document. Its parts may come in any order. */
export const UploadForm = strictObject({
  file: File,
  type: ClientDocumentType,
  description: Type.Optional(Type.String({ maxLength: DESCRIPTION_LENGTH_MAX })),
});

/** The form of several: the first file is of the first type, and so on. */
export const BulkUploadForm = strictObject({
  files: Type.Array(File, { minItems: 1, maxItems: BULK_FILES_MAX }),
  types: Type.Array(ClientDocumentType, { minItems: 1, maxItems: BULK_FILES_MAX }),
});

export const DocumentsQuery = strictObject({
  types: Type.Optional(
    Type.Array(ClientDocumentType, { maxItems: DOCUMENT_TYPES.length, description: "Only of these types. May be repeated." }),
  ),
});

const bytes = Type.String({ format: "binary" });

/** The bytes of a document, always as an attachment. */
export const DocumentFile = fileReply(Object.fromEntries(CONTENT_TYPES.map((type) => [type, bytes])));
