// What verification refuses.

import { type Catalogue, refuser } from "#platform/problem.ts";

export const verificationProblems = {
  invalidState: { status: 409, title: "The present state does not allow this.", retry: "no" },
  verificationRefused: { status: 409, title: "The verification provider refuses this.", retry: "no" },
  verificationUnavailable: { status: 503, title: "The verification provider cannot be reached.", retry: "later" },
} as const satisfies Catalogue;

export const refuse = refuser(verificationProblems);
