// META-1: everything that a ledger can be asked, by many at once, at two servers that are shot meanwhile; then all answers are held
// against a model that does the same in one thread, in the order of the bank's own sequence. A check that finds nothing proves itself:
// damage is done to the record of the run, and each must be found.

import { setTimeout as pause } from "node:timers/promises";
import { type Bank, Caller, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { get } from "./calls.ts";
import { judge } from "./model-replay/check.ts";
import { ModelLoad, readChanges, readJournal } from "./model-replay/load.ts";
import type { History, Operation } from "./model-replay/operation.ts";
import { plantDamage } from "./model-replay/damage.ts";
import type { Server } from "./server.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

const LENGTHS = { short: { operations: 2_000, kills: 2 }, long: { operations: 24_000, kills: 25 } } as const;
const WORKERS = 16;
const CLIENTS = 3;

export const modelReplay: Suite = {
  name: "model-replay",
  promise: "All answers together are those of a ledger that does one thing at a time, in the order of its sequence.",
  async run(size, report) {
    const seed = Number(process.env["FINLEGO_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    report.set("FINLEGO_SEED", seed);
    await withBank(async (bank) => {
      const servers = [await bank.start(), await bank.start()];
      const history = await record(bank, servers, report, seed, size);
      for (const change of new Set(history.changes.map((each) => each.change)))
        report.set(change, history.changes.filter((each) => each.change === change).length);
      const { faults, reads, refusals, widestWindow, pairs } = judge(history);
      for (const fault of faults) report.expect(false, `FINLEGO_SEED=${seed}: ${fault}`);
      report.set("changes", history.changes.length);
      report.set("reads", reads);
      for (const [code, count] of refusals) report.set(`refused with ${code}`, count);
      report.set("widest window", widestWindow);
      report.set("pairs of state and command", pairs.size);
      report.expect(size === "short" || pairs.size === 12, `only these pairs of state and command were met: ${[...pairs].join(", ")}`);
      if (report.broken === 0) plantDamage(history, report);
      await checkBooks(bank, report, "after the load");
    });
  },
};

async function record(bank: Bank, servers: Server[], report: Report, seed: number, size: Size): Promise<History> {
  const { operations, kills } = LENGTHS[size];
  const ports = servers.map(({ port }) => port);
  const [port = 0] = ports;
  const caller = new Caller(port, bank.token);
  const clientIds: string[] = [];
  for (let index = 0; index < CLIENTS; index++) clientIds.push(await caller.client());
  const load = new ModelLoad({ bank, ports, report, seed, workers: WORKERS, serves: await served(port, report) });
  await load.begin(clientIds);
  const working = load.work(operations);
  working.catch(() => undefined);
  for (let kill = 1; kill <= kills; kill++) {
    while (load.answered < (operations * kill) / (kills + 1)) await Promise.race([pause(10), working]);
    const index = kill % servers.length;
    const shot = servers[index];
    if (shot === undefined) break;
    await shot.kill();
    servers[index] = await bank.restart(shot);
    report.count("server kills");
  }
  await working;
  const changes = await readChanges(bank, port);
  report.expectEqual(changes, await readJournal(bank), "the events and the journal");
  return { calls: load.calls, changes };
}

const PATHS: Readonly<Record<Operation["kind"], string>> = {
  openAccount: "post /v2/internal/Accounts",
  transfer: "post /v2/internal/Payments/transfer",
  draft: "post /v2/internal/Payments",
  batch: "post /v2/internal/Payments/batch",
  pend: "post /v2/internal/Payments/{paymentId}/pend",
  post: "post /v2/internal/Payments/{paymentId}/post",
  cancel: "post /v2/internal/Payments/{paymentId}/cancel",
  block: "put /v2/internal/Accounts/{accountId}/block",
  unblock: "put /v2/internal/Accounts/{accountId}/unblock",
  limit: "patch /v2/internal/Accounts/{accountId}",
  rename: "patch /v2/internal/Accounts/{accountId}",
  close: "put /v2/internal/Accounts/{accountId}/close",
  readAccount: "get /v2/ledger/internal/Accounts/{accountId}",
  readPayment: "get /v2/internal/Payments/{paymentId}",
  readTotals: "get /v2/ledger/internal/Accounts/getAggregatedAmounts",
};

/** All of them, or the suite says which are missing and goes on without. */
async function served(port: number, report: Report): Promise<ReadonlySet<Operation["kind"]>> {
  const { body } = await get("/openapi.json", { port });
  const paths = body["paths"] as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const kinds = (Object.entries(PATHS) as [Operation["kind"], string][]).filter(([, name]) => {
    const [method = "", path = ""] = name.split(" ");
    const isServed = paths[path]?.[method] !== undefined;
    report.expect(isServed, `the bank does not serve ${name}`);
    return isServed;
  });
  return new Set(kinds.map(([kind]) => kind));
}

await runAlone(import.meta, modelReplay);
