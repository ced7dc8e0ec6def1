// What client profiles refuse.

import { type Catalogue, refuser } from "#platform/problem.ts";

/** Refusals of this module, for the endpoints that may answer them. */
export const clientProfileProblems = {
  duplicateExternalId: { status: 409, title: "The externalId is in use.", retry: "no" },
  duplicateEmail: { status: 409, title: "The e-mail address is in use.", retry: "no" },
} as const satisfies Catalogue;

/** Refusals of changes to a client's standing. */
export const standingProblems = {
  invalidState: { status: 409, title: "The present state does not allow this.", retry: "no" },
  clientProhibited: { status: 409, title: "The client may not have accounts.", retry: "no" },
} as const satisfies Catalogue;

export const refuse = refuser({ ...clientProfileProblems, ...standingProblems });
