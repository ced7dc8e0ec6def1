// FLT-20: SIGTERM at full load. Every call on a connection that was accepted is answered; a client hears "connection refused" for new
// connections and nothing worse; the process ends by itself with 0, whatever its clients do.

import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { get, NoAnswer, newAgent, post } from "./calls.ts";
import { type Bank, Caller, TRANSFER, transferOf, withBank } from "./bank.ts";
import { checkBooks, storedPayments } from "./books.ts";
import { unique } from "../builders.ts";
import { describeExit, type Server } from "./server.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

const BUSY = 64;
const THINKING = 24;
const FRESH = 8;
const EXIT_MAX_MS = 30_000;

export const gracefulStop: Suite = {
  name: "graceful-stop",
  promise: "A SIGTERM under full load loses no accepted call, and the process ends with 0 by itself.",
  async run(size, report) {
    await withBank(async (bank) => {
      for (let round = 0; round < (size === "long" ? 20 : 3); round++) await stopUnderLoad(bank, report);
      await stopWithIdleClients(bank, report, size);
      await stopTwice(bank, report);
      await checkBooks(bank, report, "after the stops");
    });
  },
};

type Ledger = { readonly settlement: string; readonly accounts: readonly string[] };

async function stopUnderLoad(bank: Bank, report: Report): Promise<void> {
  const server = await bank.start();
  const ledger = await makeLedger(new Caller(server.port, bank.token));
  const load = new Load(bank, server, ledger, report);
  const clients = [
    ...Array.from({ length: BUSY }, () => load.client(0)),
    ...Array.from({ length: THINKING }, () => load.client(300)),
    ...Array.from({ length: FRESH }, () => load.client(0, true)),
  ];
  const slow = slowBody(bank, server, ledger, report);
  await pause(700);
  // A call that cannot end before the stop begins.
  const held = bank.query(
    "with held as materialized (select id from general_ledger.account where id = $1 for update) select pg_sleep(1.2) from held",
    [ledger.settlement],
  );
  await pause(300);
  load.stopping();
  const stopped = performance.now();
  server.signal("SIGTERM");
  await Promise.all(clients);
  await slow;
  const exit = await server.exited;
  const ms = performance.now() - stopped;
  await held;
  report.expect(
    exit.code === 0 && ms < EXIT_MAX_MS,
    `ended with ${describeExit(exit)} after ${Math.round(ms)} ms: ${server.said.slice(-500)}`,
  );
  const stored = await storedPayments(bank, load.prefix);
  for (const id of load.acknowledged)
    report.expect(stored.get(id)?.count === 1, `acknowledged payment ${id} is in the books ${stored.get(id)?.count ?? 0} times`);
  report.count("stops");
  report.count("acknowledged", load.acknowledged.size);
  report.count("answered after SIGTERM", load.answeredAfter);
  report.set("slowest stop ms", Math.max(report.figure("slowest stop ms"), Math.round(ms)));
}

async function makeLedger(caller: Caller): Promise<Ledger> {
  const settlement = await caller.settlement();
  const clientId = await caller.client();
  const accounts: string[] = [];
  for (let index = 0; index < 8; index++) accounts.push(await caller.account(clientId));
  for (const account of accounts) await caller.fund(settlement, account, "1000.00");
  return { settlement, accounts };
}

/** Clients with one kept-alive connection each, until their server refuses connections. */
class Load {
  readonly prefix = unique("stop");
  readonly acknowledged = new Set<string>();
  answeredAfter = 0;
  #stoppedAt: number | null = null;
  #count = 0;
  readonly #bank: Bank;
  readonly #server: Server;
  readonly #ledger: Ledger;
  readonly #report: Report;

  constructor(bank: Bank, server: Server, ledger: Ledger, report: Report) {
    this.#bank = bank;
    this.#server = server;
    this.#ledger = ledger;
    this.#report = report;
  }

  stopping(): void {
    this.#stoppedAt = performance.now();
  }

  /** Calls, thinks for at most so long, and calls again. `fresh`: on a new connection each time. */
  async client(thinkMs: number, fresh = false): Promise<void> {
    const agent = fresh ? new Agent({ keepAlive: false }) : newAgent(1);
    const kind = fresh ? "client with fresh connections" : thinkMs > 0 ? "thinking client" : "busy client";
    try {
      while (await this.#once(agent, kind)) if (thinkMs > 0) await pause(Math.random() * thinkMs);
    } finally {
      agent.destroy();
    }
  }

  /** False: the server takes no connection any more. */
  async #once(agent: Agent, kind: string): Promise<boolean> {
    const id = `${this.prefix}-${++this.#count}`;
    const { accounts, settlement } = this.#ledger;
    const [from, to] = [accounts[this.#count % 8] ?? "", this.#count % 5 === 0 ? settlement : (accounts[(this.#count + 3) % 8] ?? "")];
    const options = { port: this.#server.port, agent, token: this.#bank.token };
    const started = performance.now();
    try {
      const reads = this.#count % 10 === 0;
      const answer = reads
        ? await get(`/v2/ledger/internal/Accounts/${from}`, options)
        : await post(TRANSFER, transferOf(from, to, "0.01", { externalId: id }), options);
      if (this.#stoppedAt !== null) this.answeredAfter++;
      if (!reads && answer.status === 200) this.acknowledged.add(id);
      this.#report.expect(answer.status === 200, `a call under the stop answered ${answer.status}: ${answer.text.slice(0, 300)}`);
      return true;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const since = (at: number | null): string => (at === null ? "before" : `${Math.round(performance.now() - at)} ms after`);
      this.#report.expect(
        error.refused && this.#stoppedAt !== null,
        `a call got ${error.code} (${error.message}) ${since(this.#stoppedAt)} SIGTERM, ${Math.round(performance.now() - started)} ms after it was sent, ${kind}`,
      );
      return false;
    }
  }
}

/** A caller whose body arrives in two pieces, the second one after the stop began. */
async function slowBody(bank: Bank, server: Server, ledger: Ledger, report: Report): Promise<void> {
  const [from = "", to = ""] = ledger.accounts;
  const text = JSON.stringify(transferOf(from, to, "0.01"));
  const socket = await open(server.port);
  let answer = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (answer += chunk));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", (error) => (answer += `<${error.message}>`));
  socket.write(
    `POST ${TRANSFER} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bank.token}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text.slice(0, 20)}`,
  );
  await pause(2_600);
  socket.write(text.slice(20));
  await closed;
  report.expect(answer.startsWith("HTTP/1.1 200"), `a call whose body came slowly got: ${answer.slice(0, 200) || "nothing"}`);
}

/** Connections that say nothing, or only half of a call, hold the stop up by less than its half minute. */
async function stopWithIdleClients(bank: Bank, report: Report, size: Size): Promise<void> {
  const server = await bank.start();
  const sockets = [await open(server.port), await open(server.port)];
  // Half a call is waited for until its own time limit, some 12 s.
  if (size === "long") sockets.push(await open(server.port));
  for (const socket of sockets) socket.on("error", () => undefined);
  sockets[1]?.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  sockets[2]?.write("GET /health/live HTTP/1.1\r\nho");
  await pause(300);
  const stopped = performance.now();
  const exit = await server.stop();
  const ms = Math.round(performance.now() - stopped);
  for (const socket of sockets) socket.destroy();
  report.expect(exit.code === 0 && ms < EXIT_MAX_MS, `with silent connections open, ended with ${describeExit(exit)} after ${ms} ms`);
  report.set("stop with silent clients ms", ms);
}

/** The second SIGTERM stops at once, even while a call waits. */
async function stopTwice(bank: Bank, report: Report): Promise<void> {
  const server = await bank.start();
  const ledger = await makeLedger(new Caller(server.port, bank.token));
  const [from = "", to = ""] = ledger.accounts;
  const held = bank.query(
    "with held as materialized (select id from general_ledger.account where id = $1 for update) select pg_sleep(1.8) from held",
    [from],
  );
  await pause(200);
  const waiting = post(TRANSFER, transferOf(from, to, "0.01"), { port: server.port, token: bank.token, agent: newAgent(1) }).catch(
    () => null,
  );
  await pause(100);
  server.signal("SIGTERM");
  await pause(200);
  const again = performance.now();
  server.signal("SIGTERM");
  await server.exited;
  const ms = performance.now() - again;
  report.expect(ms < 1_000, `the second SIGTERM took ${Math.round(ms)} ms`);
  await Promise.all([held, waiting]);
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

await runAlone(import.meta, gracefulStop);
