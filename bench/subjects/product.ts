// The product without HTTP: commands go to the ledger's writer as the payments operation hands them over, each with an idempotency
// key and an externalId of its own.

import { type PaymentCommand, Writer } from "#general-ledger";
import { idempotencyKey, uuidOf } from "#platform/http/idempotency.ts";
import { toPaymentId } from "#platform/ids.ts";
import { Lane } from "#platform/lane.ts";
import { newId } from "#platform/new-id.ts";
import type { Order } from "../load.ts";
import type { SubjectOptions } from "../subject.ts";
import type { Payer } from "./payer.ts";

/** As the product is set by default. */
const LANES = 2;
const FUNDED_AT_ONCE = 500;
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

export async function openProduct({ url, role, accounts }: Pick<SubjectOptions, "url" | "role" | "accounts">): Promise<Payer> {
  const lanes = Array.from({ length: LANES }, (_, index) => new Lane({ url, role, name: `finlego-bench-${index + 1}` }));
  const writer = new Writer({ lanes, timeZone: "UTC", monotonicMs: () => performance.now() });
  return {
    accounts: accounts.length,
    prepare: async () => {},
    async pay(order) {
      const { outcome } = await writer.submit(createCommand(order, accounts));
      if (outcome !== "accepted") throw new Error(`a payment of the bench was not accepted: ${outcome}`);
    },
    close: () => writer.close(),
  };
}

function createCommand({ debit, credit, amount }: Order, accounts: readonly string[]): PaymentCommand {
  const id = toPaymentId(newId());
  const key = idempotencyKey("bench", id, [id]);
  return {
    id,
    ownerTenant: "default",
    isConfined: false,
    createdBy: "bench",
    externalId: id,
    content: uuidOf(key.fingerprint),
    key: { id: key.id, request: key.fingerprint.toString("hex"), traceId: TRACE, keepsAbsence: false },
    operation: "transfer",
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

/** Gives every account its opening money, from the bank's account, through the writer. */
export async function fundAccounts(target: Pick<SubjectOptions, "url" | "role" | "accounts">, bank: string, amount: number): Promise<void> {
  const all = [...target.accounts, bank];
  const payer = await openProduct({ ...target, accounts: all });
  try {
    // So many at a time that none waits for longer than the writer lets it.
    for (let from = 0; from < target.accounts.length; from += FUNDED_AT_ONCE) {
      const some = target.accounts.slice(from, from + FUNDED_AT_ONCE);
      await Promise.all(some.map((_, index) => payer.pay({ debit: all.length - 1, credit: from + index, amount }, 0)));
    }
  } finally {
    await payer.close();
  }
}
