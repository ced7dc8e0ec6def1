// LED-10, LED-11: money can be spent once. Bursts against two instances at the same time, because a race that random load misses for
// minutes shows in the first bursts.

import { atOnce, Caller, TRANSFER, transferOf, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { type Report, runAlone, type Suite } from "./suite.ts";

export const doubleSpend: Suite = {
  name: "double-spend",
  promise: "An account can never pay more than it has, whoever asks at once and wherever.",
  async run(size, report) {
    await withBank(async (bank) => {
      const first = new Caller((await bank.start()).port, bank.token);
      const second = new Caller((await bank.start()).port, bank.token);
      const settlement = await first.settlement();
      const clientId = await first.client();
      const [payer, payee] = [await first.account(clientId), await first.account(clientId)];

      for (let round = 0; round < (size === "long" ? 300 : 60); round++) {
        await first.fund(settlement, payer, "100.00");
        await burst(report, [first, second], payer, payee);
        // Back to nothing, so that the next round begins with 100.00 again.
        await first.fund(payer, settlement, await first.balance(payer));
        report.count("rounds");
        if (report.broken > 0) break;
      }
      await drain(report, [first, second], settlement, await first.account(clientId), payee);
      await checkBooks(bank, report, "after the bursts");
    });
  },
};

/** 20 debits of 60.00 from 100.00: one passes, and each of the others hears why it did not. */
async function burst(report: Report, callers: readonly Caller[], payer: string, payee: string): Promise<void> {
  const answers = await atOnce(20, (index) =>
    callerAt(callers, index).post(TRANSFER, transferOf(payer, payee, "60.00"), index % 3 === 0 ? crypto.randomUUID() : undefined),
  );
  const passed = answers.filter(({ status }) => status === 200);
  report.expectEqual(passed.length, 1, "debits of 60.00 that passed of 20 against 100.00");
  for (const answer of answers) {
    if (answer.status !== 200)
      report.expect(
        answer.status === 409 && answer.body["code"] === "insufficientFunds",
        `a refused debit answered ${answer.status}: ${answer.text}`,
      );
  }
  report.count("debits", answers.length);
}

/** 1000 debits of 0.01 from 5.00: exactly 500 pass and nothing is left. */
async function drain(report: Report, callers: readonly Caller[], settlement: string, payer: string, payee: string): Promise<void> {
  const [first] = callers;
  if (first === undefined) return;
  await first.fund(settlement, payer, "5.00");
  const answers = await atOnce(1_000, (index) => callerAt(callers, index).post(TRANSFER, transferOf(payer, payee, "0.01")));
  const unsettled = answers.filter(({ status }) => status === 503);
  report.expectEqual(answers.filter(({ status }) => status === 200).length, 500, "debits of 0.01 that passed of 1000 against 5.00");
  report.expectEqual(unsettled.length, 0, "of 1000 small debits, answered 503");
  report.expectEqual(await first.balance(payer), "0.00", "balance of the drained account");
  report.count("debits", answers.length);
}

function callerAt(callers: readonly Caller[], index: number): Caller {
  const caller = callers[index % callers.length];
  if (caller === undefined) throw new Error("a burst needs a caller");
  return caller;
}

await runAlone(import.meta, doubleSpend);
