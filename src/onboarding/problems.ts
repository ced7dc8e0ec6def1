// What onboarding refuses.

import { type Catalogue, refuser } from "#platform/problem.ts";

export const onboardingProblems = {
  importInProgress: { status: 409, title: "The import is being sent by another call.", retry: "later" },
  importContentDiffers: { status: 409, title: "The import began with other content.", retry: "no" },
} as const satisfies Catalogue;

export const refuse = refuser(onboardingProblems);
