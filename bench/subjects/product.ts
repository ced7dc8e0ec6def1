// The product without HTTP: its writer, asked for what the payments operations ask it for.

import { type PaymentCommand, Writer } from "#general-ledger";
import { Lane } from "#platform/lane.ts";
import type { Order } from "../load.ts";
import type { SubjectOptions } from "../subject.ts";
import type { Payer } from "./payer.ts";
import { createChange, createPayment } from "./product-commands.ts";

/** As the product is set by default. */
const LANES = 2;
const FUNDED_AT_ONCE = 500;
/** Of the payments in several steps, every tenth is cancelled in the end. */
const CANCELLED_EVERY = 10;

type Target = Pick<SubjectOptions, "url" | "role" | "accounts" | "work">;
type Command = Parameters<Writer["submit"]>[0];

export async function openProduct({ url, role, accounts, work }: Target): Promise<Payer> {
  const lanes = Array.from({ length: LANES }, (_, index) => new Lane({ url, role, name: `finlego-bench-${index + 1}` }));
  const writer = new Writer({ lanes, timeZone: "UTC", monotonicMs: () => performance.now() });
  let flows = 0;

  const submit = async (command: Command) => {
    const result = await writer.submit(command);
    if (result.outcome !== "accepted") throw new Error(`a payment of the bench was not accepted: ${result.outcome}`);
    return result.payment;
  };
  const flow = async (first: PaymentCommand): Promise<void> => {
    const isCancelled = flows++ % CANCELLED_EVERY === 0;
    let payment = await submit(first);
    if (first.operation === "draft") payment = await submit(createChange("pend", payment));
    await submit(createChange(isCancelled ? "cancel" : "post", payment));
  };
  return {
    accounts: accounts.length,
    prepare: async () => {},
    async pay(next) {
      if (work.kind === "batch") throw new Error("batches are made over HTTP");
      const command = createPayment(work.kind, next(), accounts);
      await (work.kind === "transfer" ? submit(command) : flow(command));
      return 1;
    },
    close: () => writer.close(),
  };
}

/** Gives every account its opening money, from the bank's account, through the writer. */
export async function fundAccounts(target: Pick<Target, "url" | "role" | "accounts">, bank: string, amount: number): Promise<void> {
  const all = [...target.accounts, bank];
  const payer = await openProduct({ ...target, accounts: all, work: { kind: "transfer" } });
  const fund = (credit: number): Order => ({ debit: all.length - 1, credit, amount });
  try {
    // So many at a time that none waits for longer than the writer lets it.
    for (let from = 0; from < target.accounts.length; from += FUNDED_AT_ONCE) {
      const some = target.accounts.slice(from, from + FUNDED_AT_ONCE);
      await Promise.all(some.map((_, index) => payer.pay(() => fund(from + index), 0)));
    }
  } finally {
    await payer.close();
  }
}
