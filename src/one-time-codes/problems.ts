// What one-time codes refuse.

import { type Catalogue, refuser } from "#platform/problem.ts";

/** Refusals of this module, for the endpoints that may answer them (contract 3.4). */
export const oneTimeCodesProblems = {
  clientBlocked: { status: 403, title: "The client is blocked.", retry: "later" },
  clientNotActive: { status: 409, title: "The client is not active.", retry: "later" },
  otpInvalid: { status: 409, title: "The code is wrong.", retry: "no" },
  otpExpired: { status: 409, title: "The code is no longer valid.", retry: "no" },
  otpAttemptsExceeded: { status: 409, title: "Too many wrong codes.", retry: "later" },
  otpChannelNotAvailable: { status: 409, title: "The client cannot be reached on this channel.", retry: "no" },
  otpResendTooSoon: { status: 429, title: "The next code can be sent later.", retry: "later" },
  otpNotAvailable: { status: 503, title: "Codes cannot be sent.", retry: "later" },
} as const satisfies Catalogue;

export const refuse = refuser(oneTimeCodesProblems);
