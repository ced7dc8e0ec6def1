// LED-13 to LED-17: many at once on the same accounts, at two instances. Nobody is refused for a deadlock, totals hold in every snapshot, a
// reader of the journal misses nothing, and whoever has his answer finds its effect everywhere.

import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { unique } from "../builders.ts";
import { atOnce, type Bank, Caller, TRANSFER, transferOf, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

export const contention: Suite = {
  name: "contention",
  promise: "However many work on the same accounts: no deadlock, no skipped entry, constant totals, and one's own writes are read.",
  async run(size, report) {
    await withBank(async (bank) => {
      const callers = [new Caller((await bank.start()).port, bank.token), new Caller((await bank.start()).port, bank.token)];
      const [caller] = callers;
      if (caller === undefined) return;
      const events = await bank.mint({ scope: "events.read" });
      const settlement = await caller.settlement();
      const clientId = await caller.client();
      const accounts: string[] = [];
      for (let index = 0; index < 3; index++) accounts.push(await caller.account(clientId));
      for (const account of accounts) await caller.fund(settlement, account, "10000.00");

      const watch = new Watch(bank, report);
      await watch.begin();
      const followers = callers.map((each) => new Follower(new Caller(each.port, events), report));
      for (const follower of followers) follower.begin();
      await totalsDuring(report, callers, crossTransfers(report, callers, accounts, size));
      await hotAccount(
        report,
        callers,
        [...accounts, settlement],
        await caller.make("/v2/internal/Accounts", { type: "fee", currency: "EUR" }),
        size,
      );
      await readYourWrites(report, callers, accounts, size);
      await watch.end();
      for (const follower of followers) await follower.end(bank);
      await checkBooks(bank, report, "after the crowd");
    });
  },
};

/** A→B, B→A, rounds through three accounts in both directions, and both ways in one payment. */
async function crossTransfers(report: Report, callers: readonly Caller[], accounts: readonly string[], size: Size): Promise<void> {
  const [a = "", b = "", c = ""] = accounts;
  const currency = "EUR";
  const line = (debitAccountId: string, creditAccountId: string): object => ({ debitAccountId, creditAccountId, amount: "0.05", currency });
  const round = (...stops: string[]): object => ({
    externalId: unique("round"),
    transactions: stops.map((stop, index) => line(stop, stops[(index + 1) % stops.length] ?? "")),
  });
  const bodies = [
    () => transferOf(a, b, "0.07"),
    () => transferOf(b, a, "0.07"),
    () => round(a, b, c),
    () => round(c, b, a),
    () => round(b, a),
    () => transferOf(c, a, "0.01"),
  ];
  const until = performance.now() + (size === "long" ? 60_000 : 4_000);
  await atOnce(16, async (worker) => {
    for (let step = worker; performance.now() < until; step++) {
      const answer = await callers[step % callers.length]?.post(
        TRANSFER,
        bodies[step % bodies.length]?.(),
        step % 2 === 0 ? crypto.randomUUID() : undefined,
      );
      report.expect(answer?.status === 200, `one of 16 crossing transfers answered ${answer?.status}: ${answer?.text.slice(0, 300)}`);
      report.count("crossing transfers");
    }
  });
}

/** LED-15: while money only goes round among clients, they have the same together at each look, and the whole ledger has nothing. */
async function totalsDuring(report: Report, callers: readonly Caller[], work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const ending = work.finally(() => over.abort());
  const look = async (caller: Caller, index: number): Promise<void> => {
    for (let first: string | null = null; !over.signal.aborted; await pause(5)) {
      const { status, body } = await caller.get("/v2/ledger/internal/Accounts/getAggregatedAmounts?currencies=EUR");
      const clients = await caller.get("/v2/ledger/internal/Accounts/getAggregatedAmounts?currencies=EUR&types=client");
      if (status === 503 || clients.status === 503) continue;
      const items = body["items"] as readonly { readonly category: string; readonly balance: string }[];
      const cents = (category: string): number =>
        Math.round(100 * Number(items.find((item) => item.category === category)?.balance ?? "0"));
      report.expectEqual(cents("asset") - cents("liability"), 0, "what the bank has less what it owes, in one answer");
      first ??= clients.text;
      report.expectEqual(clients.text, first, `the sums of all client accounts, reader ${index}`);
      report.count("totals read");
    }
  };
  await Promise.all([ending, ...[0, 1, 2, 3].map((index) => look(callers[index % callers.length] as Caller, index))]);
}

/** LED-14. Its time is measured and not judged here: the machine is not the one of the performance budget. */
async function hotAccount(report: Report, callers: readonly Caller[], payers: readonly string[], fees: string, size: Size): Promise<void> {
  const until = performance.now() + (size === "long" ? 30_000 : 2_000);
  const took: number[] = [];
  await atOnce(64, async (worker) => {
    for (let step = worker; performance.now() < until; step++) {
      const began = performance.now();
      const answer = await callers[step % callers.length]?.post(
        TRANSFER,
        transferOf(payers[step % payers.length] ?? "", fees, "0.01", { type: "fee" }),
      );
      took.push(performance.now() - began);
      report.expect(answer?.status === 200, `one of 64 fees into one account answered ${answer?.status}: ${answer?.text.slice(0, 300)}`);
    }
  });
  took.sort((left, right) => left - right);
  report.set("hot account payments", took.length);
  report.set("hot account p99 ms", Math.round(took[Math.floor(took.length * 0.99)] ?? 0));
}

/** LED-17: what one instance acknowledged, the other one tells. */
async function readYourWrites(report: Report, callers: readonly Caller[], accounts: readonly string[], size: Size): Promise<void> {
  const [a = "", b = ""] = accounts;
  await atOnce(8, async (worker) => {
    for (let step = 0; step < (size === "long" ? 625 : 30); step++) {
      const [writer, reader] = step % 2 === 0 ? callers : [callers[1], callers[0]];
      const body = transferOf(worker % 2 === 0 ? a : b, worker % 2 === 0 ? b : a, "0.01");
      const written = await writer?.post(TRANSFER, body);
      const id = String(written?.body["id"]);
      const [byId, byName, history, account] = await Promise.all([
        reader?.get(`/v2/internal/Payments/${id}`),
        reader?.get(`/v2/internal/Payments?externalId=${body.externalId}`),
        reader?.get(`/internal/Transactions?accountId=${body.debitAccountId}&pageSize=100`),
        reader?.get(`/v2/ledger/internal/Accounts/${body.debitAccountId}`),
      ]);
      report.expectEqual(byId?.body["id"], id, "a payment read by its id right after its answer");
      report.expect(
        byName?.text.includes(id) === true,
        `a payment searched by its externalId right after its answer: ${byName?.text.slice(0, 200)}`,
      );
      report.expect(
        history?.text.includes(id.slice(0, -2)) === true,
        `an account's history right after the answer lacks ${id}: ${history?.text.slice(0, 200)}`,
      );
      const stand = (written?.body["accounts"] as { accountId: string; accountSequence: number }[] | undefined)?.find(
        ({ accountId }) => accountId === body.debitAccountId,
      );
      report.expect(
        Number(account?.body["version"]) > Number(stand?.accountSequence),
        `an account read right after a payment is older than it: version ${String(account?.body["version"])}`,
      );
      report.count("writes read back");
    }
  });
}

type JournalRow = { readonly first: string; readonly size: number };

/** Polls the books during all this: the journal in its order, and the sum of everything. */
class Watch {
  readonly #bank: Bank;
  readonly #report: Report;
  #seen = 0n;
  #ending = false;
  #running: Promise<void> = Promise.resolve();

  constructor(bank: Bank, report: Report) {
    this.#bank = bank;
    this.#report = report;
  }

  async begin(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#bank.ownerUrl });
    await client.connect();
    this.#running = this.#poll(client);
    this.#running.catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#running;
    const [row] = await this.#bank.query<{ last: string }>("select last_sequence::text as last from general_ledger.ledger_head");
    this.#report.expectEqual(String(this.#seen), row?.last, "the last number that a reader of the journal has seen");
    this.#report.set("sequence", String(this.#seen));
  }

  async #poll(client: pg.Client): Promise<void> {
    try {
      await this.#readOn(client);
    } finally {
      await client.end();
    }
  }

  async #readOn(client: pg.Client): Promise<void> {
    for (let last = false; !last; ) {
      // Once more after the end: then everything must have been seen.
      last = this.#ending;
      const journal = await client.query<JournalRow>(
        "select first_sequence::text as first, size from general_ledger.journal where first_sequence > $1 order by first_sequence",
        [this.#seen.toString()],
      );
      for (const { first, size } of journal.rows) {
        this.#report.expect(BigInt(first) === this.#seen + 1n, `a reader of the journal went from ${this.#seen} to ${first}`);
        this.#seen = BigInt(first) + BigInt(size) - 1n;
      }
      const total = await client.query<{ sum: string }>("select sum(balance_minor)::text as sum from general_ledger.account");
      this.#report.expectEqual(total.rows[0]?.sum ?? "0", "0", "the sum of all balances in one snapshot");
      this.#report.count("snapshots");
      await pause(3);
    }
  }
}

type EventPage = { readonly items: readonly { readonly sequence: number }[]; readonly lastSequence: number; readonly hasMore: boolean };

/** LED-16 from outside: a program that follows the events misses none, whenever it asks. */
class Follower {
  readonly #caller: Caller;
  readonly #report: Report;
  #seen = 0;
  #ending = false;
  #running: Promise<void> = Promise.resolve();

  constructor(caller: Caller, report: Report) {
    this.#caller = caller;
    this.#report = report;
  }

  begin(): void {
    this.#running = this.#follow();
    this.#running.catch(() => undefined);
  }

  async end(bank: Bank): Promise<void> {
    this.#ending = true;
    await this.#running;
    const [row] = await bank.query<{ last: string }>("select last_sequence::text as last from general_ledger.ledger_head");
    this.#report.expectEqual(String(this.#seen), row?.last, "the last number that a follower of the events has seen");
  }

  async #follow(): Promise<void> {
    // Once more after the end: then everything must have been seen.
    for (let last = false; !last; ) {
      last = this.#ending;
      for (let more = true; more; ) {
        const { status, body } = await this.#caller.get(`/internal/Events?after=${this.#seen}&limit=1000`);
        if (status === 503) continue;
        const { items, lastSequence, hasMore } = body as EventPage;
        for (const { sequence } of items) {
          this.#report.expect(sequence === this.#seen + 1, `a follower of the events went from ${this.#seen} to ${sequence}`);
          this.#seen = sequence;
        }
        this.#report.expectEqual(lastSequence, this.#seen, "how far a page of events says that it has looked");
        this.#report.count("pages of events");
        more = hasMore;
      }
      await pause(50);
    }
  }
}

await runAlone(import.meta, contention);
