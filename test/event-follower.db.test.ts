// The follower against a real HTTP server: every change once and in order for a receiver that drops what it has, whatever breaks in between.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { eventDelivery } from "../src/adapters/event-sink.ts";
import { Follower, type FollowerOptions } from "../src/general-ledger/journal/follower.ts";
import { aTransfer } from "./builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "./setup/ledger.ts";

type Event = Readonly<Record<string, unknown>> & { readonly id: string; readonly sequence: number };
type Line = { readonly level: string; readonly message: string; readonly detail: Readonly<Record<string, unknown>> };

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());
beforeEach(async () => {
  await bank.owner.query(
    "update general_ledger.journal_follower set holder = null, held_until = null, last_sequence = (select last_sequence from general_ledger.ledger_head)",
  );
});

/** A receiver that answers as `answer` says (null: never), keeps what it accepted, and all that it heard. */
async function aReceiver(answer: (event: Event, nth: number) => number | null = () => 204) {
  const heard: Event[] = [];
  const accepted: Event[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const event = body as Event;
      heard.push(event);
      const status = answer(event, heard.length);
      if (status !== null && status < 300) accepted.push(event);
      for (const wake of waiting.splice(0)) wake();
      if (status !== null) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, heard, accepted, until };
}

function follow(
  url: string,
  options: Partial<FollowerOptions> & { readonly timeoutMs?: number } = {},
): { follower: Follower; lines: Line[] } {
  const lines: Line[] = [];
  const say = (level: string) => (detail: object, message: string) => void lines.push({ level, message, detail: { ...detail } });
  const log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const { timeoutMs = 5_000, ...rest } = options;
  const follower = new Follower({ db: bank.db, deliver: eventDelivery({ url, timeoutMs }), log, retryMaxMs: 300, ...rest });
  onTestFinished(() => follower.stop());
  return { follower, lines };
}

async function position(): Promise<{ last: number; holder: string | null }> {
  const { rows } = await bank.owner.query<{ last: string; holder: string | null }>(
    "select last_sequence as last, holder from general_ledger.journal_follower where name = 'sink'",
  );
  return { last: Number(rows[0]?.last), holder: rows[0]?.holder ?? null };
}

/** What a receiver has that drops every event which is not newer than the last one it took; a gap is kept to be seen. */
function withoutRepeats(events: readonly Event[]): number[] {
  const taken: number[] = [];
  for (const { sequence } of events) if (sequence > (taken.at(-1) ?? 0)) taken.push(sequence);
  return taken;
}

const upTo = (last: number, first: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** So many changes; gives the numbers of the first and the last. */
async function someChanges(count: number): Promise<{ first: number; last: number }> {
  const { last: before } = await headOf();
  const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
  const payments = Array.from({ length: count - 2 }, () => aTransfer(payer, payee, "1.00"));
  if (payments.length > 0) bodyOf(await bank.system.post("/v2/internal/Payments/batch", { payments }));
  return { first: before + 1, last: before + count };
}

async function headOf(): Promise<{ last: number }> {
  const { rows } = await bank.owner.query<{ last: string }>("select last_sequence as last from general_ledger.ledger_head");
  return { last: Number(rows[0]?.last) };
}

test("every change is sent once and in order, in the words of the feed, and the place is kept at the stop", async () => {
  const receiver = await aReceiver();
  const { first, last } = await someChanges(250);
  const { follower, lines } = follow(receiver.url);
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === last);
  const more = await someChanges(7);
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === more.last);
  await follower.stop();
  expect(receiver.heard.map(({ sequence }) => sequence)).toEqual(upTo(more.last, first));
  const feed = bank.callAs({ kind: "system", scopes: ["events.read"] });
  expect(receiver.heard).toEqual(bodyOf(await feed.get(`/internal/Events?after=${first - 1}&limit=1000`))["items"]);
  expect(await position()).toEqual({ last: more.last, holder: null });
  expect(lines).toEqual([]);
});

test("what is not accepted is sent again until it is, and nothing overtakes it", async () => {
  const statuses = [503, 404, 500, null, 302, 400, 410, 503, 204];
  let tried = 0;
  let stuckAt = 0;
  const receiver = await aReceiver((event) => (event.sequence === stuckAt ? (statuses[tried++] as number | null) : 204));
  const { first, last } = await someChanges(30);
  stuckAt = first + 12;
  const { lines } = follow(receiver.url, { timeoutMs: 150 });
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === last);
  const before = upTo(stuckAt - 1, first);
  expect(receiver.heard.map(({ sequence }) => sequence)).toEqual([...before, ...Array(9).fill(stuckAt), ...upTo(last, stuckAt + 1)]);
  expect(new Set(receiver.heard.filter(({ sequence }) => sequence === stuckAt).map((event) => JSON.stringify(event))).size).toBe(1);
  expect(lines.map(({ level, detail }) => [level, detail["sequence"], detail["failures"]])).toEqual([
    ["warn", stuckAt, 1],
    ["warn", stuckAt, 2],
    ["warn", stuckAt, 3],
    ["warn", stuckAt, 4],
    ["warn", stuckAt, 5],
    ["warn", stuckAt, 6],
    ["warn", stuckAt, 7],
    ["error", stuckAt, 8],
  ]);
});

test("an event that is never accepted holds up the others, and the log calls it an error", async () => {
  let poison = 0;
  const receiver = await aReceiver((event) => (event.sequence === poison ? 400 : 204));
  const { first, last } = await someChanges(10);
  poison = first + 4;
  const { follower, lines } = follow(receiver.url);
  await receiver.until(() => receiver.heard.filter(({ sequence }) => sequence === poison).length > 9);
  expect(receiver.heard.at(-1)?.sequence).toBe(poison);
  expect(last).toBeGreaterThan(poison);
  await follower.stop();
  expect(await position()).toEqual({ last: poison - 1, holder: null });
  expect(lines.at(-1)).toMatchObject({ level: "error", detail: { sequence: poison, fault: { message: "the event sink answered 400" } } });
  expect(JSON.stringify(lines)).not.toContain("externalId");
});

test("an instance that does not reach the receiver lets another one try", async () => {
  const receiver = await aReceiver((_, nth) => (nth % 3 === 0 ? 204 : 503));
  const { first, last } = await someChanges(5);
  const { lines } = follow("http://127.0.0.1:9/");
  while ((await position()).holder === null);
  follow(receiver.url);
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === last);
  expect(withoutRepeats(receiver.accepted)).toEqual(upTo(last, first));
  expect(lines.slice(0, 8).map(({ level, detail }) => [level, detail["sequence"]])).toEqual([
    ...Array.from({ length: 7 }, () => ["warn", first]),
    ["error", first],
  ]);
});

test("where an instance died another one goes on from what was noted, when the hold is over and not before", async () => {
  const receiver = await aReceiver();
  const { first, last } = await someChanges(6);
  await bank.owner.query(
    "update general_ledger.journal_follower set holder = gen_random_uuid(), held_until = clock_timestamp() + interval '700 milliseconds', last_sequence = $1",
    [first + 2],
  );
  const began = performance.now();
  follow(receiver.url);
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === last);
  expect(performance.now() - began).toBeGreaterThan(600);
  expect(receiver.heard.map(({ sequence }) => sequence)).toEqual(upTo(last, first + 3));
});

test("of several instances one delivers; when it stops another one goes on without repeating", async () => {
  const receiver = await aReceiver();
  const { first } = await someChanges(40);
  const followers = Array.from({ length: 3 }, () => follow(receiver.url).follower);
  await receiver.until(() => receiver.accepted.length >= 40);
  for (const follower of followers.slice(0, 2)) {
    await follower.stop();
    const more = await someChanges(20);
    await receiver.until(() => receiver.accepted.at(-1)?.sequence === more.last);
  }
  expect(receiver.heard.map(({ sequence }) => sequence)).toEqual(upTo((await headOf()).last, first));
});

test("an instance whose hold was taken away notes nothing, and the receiver still has every change in order", async () => {
  const receiver = await aReceiver();
  const { first, last } = await someChanges(300);
  follow(receiver.url, { holdMs: 50 });
  follow(receiver.url, { holdMs: 50 });
  for (let i = 0; i < 20; i++) {
    await receiver.until(() => receiver.heard.length >= i * 10);
    await bank.owner.query("update general_ledger.journal_follower set held_until = clock_timestamp() where holder is not null");
  }
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === last);
  expect(withoutRepeats(receiver.accepted)).toEqual(upTo(last, first));
});

/** A delivery that runs until it is let go. */
function aSlowDelivery() {
  const delivered: number[] = [];
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const deliver: FollowerOptions["deliver"] = async ({ sequence }) => {
    begun.resolve();
    await released.promise;
    delivered.push(sequence);
  };
  return { deliver, delivered, begun: begun.promise, letGo: () => released.resolve() };
}

test("the stop waits for the delivery that runs, and for no more than it must", async () => {
  const { first } = await someChanges(3);
  const slow = aSlowDelivery();
  const { follower } = follow("http://127.0.0.1:9/", slow);
  await slow.begun;
  const stopped = follower.stop();
  slow.letGo();
  await stopped;
  expect(slow.delivered).toEqual([first]);
  expect(await position()).toEqual({ last: first, holder: null });
});

test("an instance that comes back from a long sleep does not turn the place back", async () => {
  const { first, last } = await someChanges(5);
  const slow = aSlowDelivery();
  const { follower } = follow("http://127.0.0.1:9/", slow);
  await slow.begun;
  const other = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
  await bank.owner.query(
    "update general_ledger.journal_follower set holder = $1, held_until = clock_timestamp() + interval '1 hour', last_sequence = $2",
    [other, last],
  );
  const stopped = follower.stop();
  slow.letGo();
  await stopped;
  expect(slow.delivered).toEqual([first]);
  expect(await position()).toEqual({ last, holder: other });
});

test("a database that is away for a moment stops nothing for good", async () => {
  const receiver = await aReceiver();
  const { follower, lines } = follow(receiver.url);
  const before = await someChanges(3);
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === before.last);
  await bank.owner.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'finlego-test' and datname = current_database()",
  );
  const { last } = await untilServed(() => someChanges(5));
  await receiver.until(() => receiver.accepted.at(-1)?.sequence === last);
  await follower.stop();
  expect(withoutRepeats(receiver.accepted)).toEqual(upTo(last, before.first));
  expect(lines.filter(({ level }) => level === "error")).toEqual([]);
});

/** Repeats what meets a connection whose end is not known yet: callers are told 503 then. */
async function untilServed<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 10 || !String(error).includes("got 503")) throw error;
    }
  }
}
