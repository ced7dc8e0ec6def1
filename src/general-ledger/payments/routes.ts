// The operations of payments.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { platformProblems, refusePlatform } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import { generalLedgerProblems as problems } from "../problems.ts";
import { BatchDto, CreateBatch, CreatePayment, CreateTransfer, DryRun, PaymentDto, PostPayment, ReasonOnly } from "./contract.ts";
import { pendOrCancel, postPayment } from "./payment-changes.ts";
import { createBatch } from "./payment-batch.ts";
import { PaymentTermsLoader } from "./payment-terms.ts";
import { findPayments } from "./payment.store.ts";
import { paymentListEndpoints } from "./list-routes.ts";
import { createPayment, createTransfer, type PaymentDeps, type PaymentShell } from "./payments.ts";
import { toPaymentDto } from "./views.ts";

const PAYMENTS = "GeneralLedger - System (1) / Payments";
const SECOND_EDITION = "GeneralLedger - System (2) / Payments";
const ofPayment = strictObject({ paymentId: Uuid });
const { preconditionFailed, notFound } = platformProblems;
const { accountNotActive, accountClosed, accountBlocked, clientBlocked, currencyMismatch } = problems;
const { limitExceeded, insufficientFunds, invalidState, duplicateExternalId } = problems;
const standingProblems = { accountNotActive, accountClosed, accountBlocked, clientBlocked, currencyMismatch, limitExceeded };
const postingProblems = { notFound, preconditionFailed, ...standingProblems, insufficientFunds, duplicateExternalId, invalidState };

/** All operations of payments. */
export function paymentEndpoints(deps: PaymentDeps): Endpoint[] {
  const shell = { ...deps, terms: new PaymentTermsLoader(deps.db) };
  const documented = [...newPayments(shell), ...changes(shell)];
  return [...documented, ...documented.map(aliasOf), ...batches(deps), ...reads(), ...paymentListEndpoints()];
}

/** The documentation also speaks of payments under the paths of the ledger's accounts. */
function aliasOf(original: Endpoint): Endpoint {
  return {
    ...original,
    id: `${original.id}OfLedger`,
    path: original.path.replace("/v2/internal/", "/v2/ledger/internal/"),
    tags: [SECOND_EDITION],
    description: `The same as ${original.path}.`,
  };
}

function newPayments(deps: PaymentShell): Endpoint[] {
  return [
    endpoint({
      id: "createTransferPayment",
      method: "POST",
      path: "/v2/internal/Payments/transfer",
      tags: [PAYMENTS, SECOND_EDITION],
      summary: "Create a payment and transfer the money between accounts in one step",
      description:
        "The same externalId with the same content answers the existing payment again. Several lines are booked together or not at all.",
      audience: "system",
      scope: "ledger.write",
      query: DryRun,
      body: CreateTransfer,
      reply: PaymentDto,
      problems: postingProblems,
      work: "own",
      handle: (call) => createTransfer(deps, call),
    }),
    endpoint({
      id: "createPayment",
      method: "POST",
      path: "/v2/internal/Payments",
      tags: [PAYMENTS, SECOND_EDITION],
      summary: "Create a payment in state draft, without any transfer of money",
      description:
        "A draft has no effect on any balance: pend holds the money, post books it. With `state: pending` the money is held at once.",
      audience: "system",
      scope: "ledger.write",
      query: DryRun,
      body: CreatePayment,
      reply: PaymentDto,
      problems: postingProblems,
      work: "own",
      handle: (call) => createPayment(deps, call),
    }),
  ];
}

function changes(deps: PaymentShell): Endpoint[] {
  return [
    endpoint({
      id: "pendPayment",
      method: "POST",
      path: "/v2/internal/Payments/{paymentId}/pend",
      tags: [PAYMENTS, SECOND_EDITION],
      summary: "Hold the money of a drafted payment",
      description:
        "Holds on the debited accounts and announces on the credited ones, each where it is on the credit side of the books. A post can then not fail for funds.",
      audience: "system",
      scope: "ledger.write",
      params: ofPayment,
      body: ReasonOnly,
      isBodyOptional: true,
      reply: PaymentDto,
      problems: { notFound, ...standingProblems, insufficientFunds, invalidState },
      work: "own",
      handle: (call) => pendOrCancel(deps, "pend", call),
    }),
    endpoint({
      id: "postPayment",
      method: "POST",
      path: "/v2/internal/Payments/{paymentId}/post",
      tags: [PAYMENTS, SECOND_EDITION],
      summary: "Book a pending payment, whole or in part",
      description: "What is not booked is released in the same step. Repeated with other amounts: 409 invalidState.",
      audience: "system",
      scope: "ledger.write",
      params: ofPayment,
      body: PostPayment,
      isBodyOptional: true,
      reply: PaymentDto,
      problems: { notFound, ...standingProblems, invalidState },
      work: "own",
      handle: (call) => postPayment(deps, call),
    }),
    endpoint({
      id: "cancelPayment",
      method: "POST",
      path: "/v2/internal/Payments/{paymentId}/cancel",
      tags: [PAYMENTS, SECOND_EDITION],
      summary: "Cancel a drafted or pending payment; what it holds is given back",
      audience: "system",
      scope: "ledger.write",
      params: ofPayment,
      body: ReasonOnly,
      isBodyOptional: true,
      reply: PaymentDto,
      problems: { notFound, invalidState },
      work: "own",
      handle: (call) => pendOrCancel(deps, "cancel", call),
    }),
  ];
}

function batches(deps: PaymentDeps): Endpoint[] {
  return [
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
      problems: postingProblems,
      work: "own",
      handle: (call) => createBatch(deps, call),
    }),
  ];
}

function reads(): Endpoint[] {
  return [
    endpoint({
      id: "getPayment",
      method: "GET",
      path: "/v2/internal/Payments/{paymentId}",
      tags: [PAYMENTS],
      summary: "A payment",
      audience: "system",
      scope: "ledger.read",
      params: ofPayment,
      reply: PaymentDto,
      work: "read",
      async handle(tx, { params, caller }) {
        const [payment] = await findPayments(tx, [params.paymentId], caller.tenant);
        return toPaymentDto(payment ?? refusePlatform("notFound"));
      },
    }),
  ];
}
