// Commands for the ledger's writer as the payments operations hand them over, each with an idempotency key of its own.

import type { PaymentCommand, Writer } from "#general-ledger";
import { idempotencyKey, uuidOf } from "#platform/http/idempotency.ts";
import { toPaymentId } from "#platform/ids.ts";
import { newId } from "#platform/new-id.ts";
import type { Order } from "../load.ts";

type ChangeCommand = Exclude<Parameters<Writer["submit"]>[0], PaymentCommand>;

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ASKER = { ownerTenant: "default", isConfined: false, createdBy: "bench" } as const;

/** A payment with an externalId that nobody used before. */
export function createPayment(
  operation: PaymentCommand["operation"],
  { debit, credit, amount }: Order,
  accounts: readonly string[],
): PaymentCommand {
  const id = toPaymentId(newId());
  const key = idempotencyKey("bench", id, [id]);
  return {
    ...ASKER,
    id,
    externalId: id,
    content: uuidOf(key.fingerprint),
    key: { id: key.id, request: key.fingerprint, traceId: TRACE, keepsAbsence: false },
    operation,
    type: "transfer",
    clientId: null,
    expiresAt: null,
    reversesPaymentId: null,
    ifVersion: null,
    valueDate: null,
    description: null,
    reference: null,
    metadata: null,
    lines: [
      {
        debitAccountId: accounts[debit] ?? "",
        creditAccountId: accounts[credit] ?? "",
        amountMinor: BigInt(amount),
        currency: "EUR",
        type: "transfer",
        description: null,
      },
    ],
  };
}

/** The next step of a drafted payment. */
export function createChange(operation: ChangeCommand["operation"], payment: ChangeCommand["payment"]): ChangeCommand {
  const key = idempotencyKey("bench", `${operation} ${payment.id}`, [operation, payment.id]);
  return {
    ...ASKER,
    key: { id: key.id, request: key.fingerprint, traceId: TRACE, keepsAbsence: false },
    operation,
    payment,
    reason: null,
    valueDate: null,
    captures: null,
  };
}
