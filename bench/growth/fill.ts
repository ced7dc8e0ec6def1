// Fills books and adds, through the product itself, what only the product can make: payments in two phases.

import { Writer } from "#general-ledger";
import { Lane } from "#platform/lane.ts";
import { type Books, withClient } from "../servers.ts";
import { createChange, createPayment } from "../subjects/product-commands.ts";
import { type BookFacts, readFacts } from "./facts.store.ts";
import { type BookSize, fillSteps, runStep } from "./fill.store.ts";

/** Of each kind: drafts, pending ones, cancelled ones. */
const TWO_PHASE_MOST = 2_000;
const AT_ONCE = 250;

/** Gives what reads and payments are made of. `say` is told how it goes on. */
export async function fillBooks(books: Books, size: BookSize, say: (line: string) => void): Promise<BookFacts> {
  await withClient(books.ownerUrl, async (owner) => {
    for (const step of fillSteps(size)) {
      const began = performance.now();
      await runStep(owner, step);
      say(`${step.title}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
    }
  });
  const facts = await withClient(books.ownerUrl, (owner) => readFacts(owner, size));
  await addTwoPhase(books, facts.accounts, Math.min(TWO_PHASE_MOST, Math.floor(size.accounts / 5)));
  return facts;
}

async function addTwoPhase({ appUrl, appRole }: Books, accounts: readonly string[], count: number): Promise<void> {
  const writer = new Writer({
    lanes: [new Lane({ url: appUrl, role: appRole, name: "finlego-bench-fill" })],
    timeZone: "UTC",
    monotonicMs: () => performance.now(),
  });
  const submit = async (command: Parameters<Writer["submit"]>[0]) => {
    const result = await writer.submit(command);
    if (result.outcome !== "accepted") throw new Error(`a payment of the filling was not accepted: ${result.outcome}`);
    return result.payment;
  };
  const addOne = async (n: number): Promise<void> => {
    const order = { debit: n % accounts.length, credit: (n + 1) % accounts.length, amount: 100 };
    await submit(createPayment("draft", order, accounts));
    await submit(createPayment("hold", order, accounts));
    await submit(createChange("cancel", await submit(createPayment("hold", order, accounts))));
  };
  try {
    for (let from = 0; from < count; from += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => addOne(from + index)));
    }
  } finally {
    await writer.close();
  }
}
