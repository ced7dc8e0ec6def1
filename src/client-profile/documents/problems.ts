// What operations on documents refuse.

import { type Catalogue, refuser } from "#platform/problem.ts";

/** Refusals of uploads and downloads. */
export const documentProblems = {
  invalidState: { status: 409, title: "The present state does not allow this.", retry: "no" },
  limitExceeded: { status: 409, title: "A limit would be exceeded.", retry: "no" },
  documentTooLarge: { status: 413, title: "The document is too large.", retry: "no" },
  unsupportedDocumentType: { status: 415, title: "The document is of a type that is not accepted.", retry: "no" },
} as const satisfies Catalogue;

export const refuseDocument = refuser(documentProblems);
