// The ledger's refusals, as contract 3.4 and decision 25 name them.

import { type Catalogue, refuser } from "#platform/problem.ts";

/** The refusals of this module, by code: status, title, and whether to try again later. */
export const generalLedgerProblems = {
  duplicateExternalId: { status: 409, title: "The externalId is in use.", retry: "no" },
  duplicateAccountNumber: { status: 409, title: "The account number is in use.", retry: "no" },
  clientNotActive: { status: 409, title: "The client is not active.", retry: "later" },
  clientProhibited: { status: 409, title: "The client may not have accounts.", retry: "no" },
  currencyNotAvailable: { status: 409, title: "Accounts are not offered in this currency.", retry: "no" },
  accountNotActive: { status: 409, title: "The account is not active yet.", retry: "later" },
  accountClosed: { status: 409, title: "The account is closed.", retry: "no" },
  invalidState: { status: 409, title: "The present state does not allow this.", retry: "no" },
  accountNotEmpty: { status: 409, title: "The account is not empty.", retry: "later" },
  otpRequired: { status: 409, title: "A one-time code must confirm this.", retry: "no" },
  accountBlocked: { status: 409, title: "The account is blocked.", retry: "later" },
  currencyMismatch: { status: 409, title: "The currency is not the account's.", retry: "no" },
  limitExceeded: { status: 409, title: "A limit would be exceeded.", retry: "no" },
  clientBlocked: { status: 409, title: "The client is blocked.", retry: "later" },
  insufficientFunds: { status: 409, title: "The available balance is too low.", retry: "later" },
} as const satisfies Catalogue;

/** What has another status for the client itself than for systems (contract decision 22). */
export const frontOfficeProblems = {
  clientBlocked: { status: 403, title: "The client is blocked.", retry: "later" },
} as const satisfies Catalogue;

export const refuseClient = refuser(frontOfficeProblems);

export const refuse = refuser(generalLedgerProblems);
