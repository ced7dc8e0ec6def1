// LED-16, EXT-14, EXT-16: the ledger's changes outside of it. A poller of the feed and a sink that fails now and then both hear of every
// change, in the order of the sequence and in the same bytes, while 32 writers work on two instances that are shot.

import { createServer, type IncomingMessage, type Server as Listener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { type Bank, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { get, NoAnswer } from "./calls.ts";
import { Load } from "./load.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

export const ledgerEvents: Suite = {
  name: "ledger-events",
  promise: "Feed and sink tell every committed change once and in order to whoever drops repeats, whatever is shot.",
  nightly: true,
  async run(size, report) {
    const sink = new Sink();
    try {
      await withBank(async (bank) => await followUnderKills(bank, await sink.listen(), sink, size, report));
    } finally {
      sink.close();
    }
  },
};

const WRITERS = 32;
const CATCH_UP_MAX_MS = 120_000;

async function followUnderKills(bank: Bank, url: string, sink: Sink, size: Size, report: Report): Promise<void> {
  const env = { EVENTS_SINK_URL: url, LOG_LEVEL: "fatal" };
  const servers = [await bank.start({ env }), await bank.start({ env })];
  const ports = servers.map(({ port }) => port);
  const load = new Load({ bank, ports, report, workers: WRITERS });
  await load.begin();
  const poller = new Poller(ports, await bank.mint({ scope: "events.read" }), report);
  const polling = poller.run();
  const until = performance.now() + (size === "long" ? 300_000 : 8_000);
  while (performance.now() < until) {
    await pause(800 + Math.random() * 1_500);
    const [shot] = servers.splice(0, 1);
    await shot?.kill();
    if (shot !== undefined) servers.push(await bank.restart(shot));
    report.count("server kills");
  }
  await load.end();
  const [head] = await bank.query<{ last: string }>("select last_sequence as last from general_ledger.ledger_head");
  const last = Number(head?.last);
  report.set("changes", last);

  const began = performance.now();
  while ((sink.last < last || poller.last < last) && performance.now() - began < CATCH_UP_MAX_MS) await pause(50);
  report.set("sink caught up after ms", Math.round(performance.now() - began));
  poller.end();
  await polling;
  report.expectEqual(poller.last, last, "the last change that the poller heard of");
  report.expectEqual(sink.last, last, "the last change that the sink took");
  for (const gap of sink.gaps) report.expect(false, `the sink was told ${gap}`);
  for (const [sequence, told] of sink.taken) report.expectEqual(told, poller.seen.get(sequence), `change ${sequence} at the sink`);
  report.set("deliveries refused", sink.refused);
  report.set("deliveries repeated", sink.repeated);
  await load.check("after the kills");
  await checkBooks(bank, report, "after the kills");
}

/** Asks the feed as a consumer does: from where it is, wherever somebody answers. */
class Poller {
  readonly seen = new Map<number, string>();
  readonly #ports: readonly number[];
  readonly #token: string;
  readonly #report: Report;
  #ending = false;
  last = 0;

  constructor(ports: readonly number[], token: string, report: Report) {
    this.#ports = ports;
    this.#token = token;
    this.#report = report;
  }

  end(): void {
    this.#ending = true;
  }

  async run(): Promise<void> {
    for (let turn = 0; !this.#ending; turn++) {
      const port = this.#ports[turn % this.#ports.length] ?? 0;
      try {
        const answer = await get(`/internal/Events?after=${this.last}&limit=200`, { port, token: this.#token });
        if (answer.status === 200) this.#take(answer.body["items"] as { sequence: number }[], Number(answer.body["lastSequence"]));
        else this.#report.expect(answer.status === 503, `the feed answered ${answer.status}: ${answer.text.slice(0, 300)}`);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
      }
      await pause(5);
    }
  }

  #take(items: readonly { readonly sequence: number }[], lastSequence: number): void {
    for (const item of items) {
      this.#report.expectEqual(item.sequence, this.last + 1, "the next change of the feed");
      this.seen.set(item.sequence, JSON.stringify(item));
      this.last = item.sequence;
    }
    this.#report.expectEqual(lastSequence, this.last, "lastSequence of a page");
  }
}

/** Takes what is newer than what it has; refuses, cuts and dawdles now and then. */
class Sink {
  readonly taken = new Map<number, string>();
  readonly gaps: string[] = [];
  readonly #listener: Listener;
  last = 0;
  refused = 0;
  repeated = 0;
  #count = 0;

  constructor() {
    this.#listener = createServer((request, response) => void this.#hear(request, response).catch(() => response.destroy()));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#listener.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#listener.closeAllConnections();
    this.#listener.close();
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { id, sequence } = JSON.parse(body) as { id: string; sequence?: number };
    // Other events come the other way and in no promised order.
    if (sequence === undefined || id !== `ledger-${sequence}`) return void response.writeHead(204).end();
    this.#count++;
    if (this.#count % 97 === 0) return this.#refuse(() => response.writeHead(503).end());
    if (this.#count % 211 === 0) return this.#refuse(() => response.destroy());
    if (sequence > this.last + 1) this.gaps.push(`${sequence} after ${this.last}`);
    if (sequence <= this.last) this.repeated++;
    else {
      this.taken.set(sequence, body);
      this.last = sequence;
    }
    // Taken, but the answer is lost: it must come again.
    if (this.#count % 307 === 0) return this.#refuse(() => response.destroy());
    response.writeHead(204).end();
  }

  #refuse(how: () => void): void {
    this.refused++;
    how();
  }
}

await runAlone(import.meta, ledgerEvents);
