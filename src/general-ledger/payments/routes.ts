// The operations of payments.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { platformProblems, refusePlatform } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import { generalLedgerProblems as problems } from "../problems.ts";
import { BatchDto, CreateBatch, CreateTransfer, PaymentDto } from "./contract.ts";
import { createBatch } from "./payment-batch.ts";
import { findPayments } from "./payment.store.ts";
import { paymentListEndpoints } from "./list-routes.ts";
import { createTransfer, type PaymentDeps } from "./payments.ts";
import { toPaymentDto } from "./views.ts";

const PAYMENTS = "GeneralLedger - System (1) / Payments";
const { accountNotActive, accountClosed, accountBlocked, currencyMismatch, limitExceeded, insufficientFunds, duplicateExternalId } =
  problems;
const postingProblems = {
  accountNotActive,
  accountClosed,
  accountBlocked,
  currencyMismatch,
  limitExceeded,
  insufficientFunds,
  duplicateExternalId,
};

/** All operations of payments. */
export function paymentEndpoints(deps: PaymentDeps): Endpoint[] {
  return [...newPayments(deps), ...payments(), ...paymentListEndpoints()];
}

function newPayments(deps: PaymentDeps): Endpoint[] {
  return [
    endpoint({
      id: "createTransferPayment",
      method: "POST",
      path: "/v2/internal/Payments/transfer",
      tags: [PAYMENTS, "GeneralLedger - System (2) / Payments"],
      summary: "Create a payment and transfer the money between accounts in one step",
      description:
        "The same externalId with the same content answers the existing payment again. Several lines are booked together or not at all.",
      audience: "system",
      scope: "ledger.write",
      body: CreateTransfer,
      reply: PaymentDto,
      problems: { notFound: platformProblems.notFound, ...postingProblems },
      work: "own",
      handle: (call) => createTransfer(deps, call),
    }),
    endpoint({
      id: "createPaymentBatch",
      method: "POST",
      path: "/v2/internal/Payments/batch",
      tags: [PAYMENTS],
      summary: "Create up to 1000 payments in one call",
      description:
        "Not atomic: every item is accepted or refused by itself, in order. Atomic: all, or the first refusal with its `index` and nothing done.",
      audience: "system",
      scope: "ledger.write",
      bodyLimit: 16 * 1024 * 1024,
      body: CreateBatch,
      reply: BatchDto,
      problems: { notFound: platformProblems.notFound, ...postingProblems },
      work: "own",
      handle: (call) => createBatch(deps, call),
    }),
  ];
}

function payments(): Endpoint[] {
  return [
    endpoint({
      id: "getPayment",
      method: "GET",
      path: "/v2/internal/Payments/{paymentId}",
      tags: [PAYMENTS],
      summary: "A payment",
      audience: "system",
      scope: "ledger.read",
      params: strictObject({ paymentId: Uuid }),
      reply: PaymentDto,
      work: "read",
      async handle(tx, { params, caller }) {
        const [payment] = await findPayments(tx, [params.paymentId], caller.tenant);
        return toPaymentDto(payment ?? refusePlatform("notFound"));
      },
    }),
  ];
}
