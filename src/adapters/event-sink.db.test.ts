// The sink against a real HTTP server: told after a commit, not after a rollback, and again while it is down.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Actor, Database } from "#platform/db.ts";
import { publish, subscribe } from "#platform/events.ts";
import { startWorker } from "#platform/worker.ts";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { openTestDatabase } from "../../test/setup/database.ts";
import type { TestDatabase } from "../../test/setup/server.ts";
import { eventSink } from "./event-sink.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let database: TestDatabase;
let db: Database;
let owner: pg.Client;
beforeAll(async () => {
  database = await openTestDatabase();
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 4, name: "finlego-test" });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterEach(async () => {
  await owner.query("delete from graphile_worker._private_jobs");
});
afterAll(async () => {
  await owner.end();
  await db.close();
  await database.drop();
});

type Delivery = { readonly method: string | undefined; readonly type: string | undefined; readonly event: Record<string, unknown> };

/** A listener that answers the n-th delivery with the n-th status (the last one from then on), and the means to wait for deliveries. */
async function aListener(...answers: readonly ((request: IncomingMessage) => number | null)[]) {
  const deliveries: Delivery[] = [];
  const waiting: (() => void)[] = [];
  const server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      deliveries.push({
        method: request.method,
        type: request.headers["content-type"],
        event: JSON.parse(body) as Record<string, unknown>,
      });
      const status = (answers[deliveries.length - 1] ?? answers.at(-1))?.(request) ?? null;
      for (const wake of waiting.splice(0)) wake();
      // No answer at all: the caller's patience decides.
      if (status === null) return;
      response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end("anything");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const until = async (count: number): Promise<Delivery[]> => {
    while (deliveries.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return deliveries;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`, deliveries, until };
}

/** Subscribes the sink and works the queue until the test ends. */
async function aSink(url: string, timeoutMs = 5_000): Promise<void> {
  const sink = eventSink({ url, source: "/finlego/test", timeoutMs });
  const unsubscribe = subscribe(sink);
  const worker = await startWorker({ url: database.appUrl, role: database.appRole, db, jobs: [sink.job], log: silent });
  onTestFinished(async () => {
    unsubscribe();
    await worker.stop();
  });
}

/** Lets failed deliveries wait no longer, until the listener has been told that often: the growing waits are the queue's own matter. */
async function untilToldAgain(deliveries: readonly Delivery[], count: number): Promise<void> {
  while (deliveries.length < count) {
    await owner.query("update graphile_worker._private_jobs set run_at = clock_timestamp() where attempts > 0 and locked_at is null");
    await owner.query("select pg_notify('jobs:insert', '{\"count\": 1}')");
  }
}

const imported = (subject: string) => ({ type: "client.imported", subject, tenant: "north", data: { status: "active" } });

test("after a commit the sink is told, in the words of CloudEvents 1.0", async () => {
  const listener = await aListener(() => 204);
  await aSink(listener.url);
  const now = await db.write(actor, async (tx) => {
    await publish(tx, imported("client:1"));
    return tx.now;
  });
  const [delivery] = await listener.until(1);
  expect(delivery).toMatchObject({ method: "POST", type: "application/cloudevents+json; charset=utf-8" });
  const { rows } = await owner.query<{ id: string }>("select id from platform.event where subject = 'client:1'");
  expect(delivery?.event).toEqual({
    specversion: "1.0",
    id: rows[0]?.id,
    source: "/finlego/test",
    type: "finlego.client.imported.v1",
    time: now.toISOString(),
    subject: "client:1",
    tenant: "north",
    traceparent: actor.traceId,
    datacontenttype: "application/json",
    data: { status: "active" },
  });
});

test("after a rollback the sink hears nothing", async () => {
  const listener = await aListener(() => 200);
  await aSink(listener.url);
  const refused = db.write(actor, async (tx) => {
    await publish(tx, imported("client:rolled-back"));
    throw new Error("refused");
  });
  await expect(refused).rejects.toThrow("refused");
  await db.write(actor, (tx) => publish(tx, imported("client:2")));
  const deliveries = await listener.until(1);
  expect(deliveries.map(({ event }) => event["subject"])).toEqual(["client:2"]);
});

test("a sink that is down or sends elsewhere is told again until it answers 2xx, with the same id", async () => {
  const listener = await aListener(
    () => 503,
    () => 302,
    () => 200,
  );
  await aSink(listener.url);
  await db.write(actor, (tx) => publish(tx, imported("client:3")));
  const { deliveries } = listener;
  await untilToldAgain(deliveries, 3);
  expect(new Set(deliveries.map(({ event }) => event["id"])).size).toBe(1);
  expect(deliveries.every(({ event }) => event["subject"] === "client:3")).toBe(true);
});

test("a sink that does not answer in time is told again", async () => {
  const listener = await aListener(
    () => null,
    () => 200,
  );
  await aSink(listener.url, 200);
  await db.write(actor, (tx) => publish(tx, imported("client:4")));
  await untilToldAgain(listener.deliveries, 2);
  expect(listener.deliveries.map(({ event }) => event["subject"])).toEqual(["client:4", "client:4"]);
});

test("without a subscriber the event is kept and no job is added", async () => {
  await db.write(actor, (tx) => publish(tx, imported("client:5")));
  const { rows } = await owner.query<{ events: string; jobs: string }>(
    "select (select count(*) from platform.event where subject = 'client:5') events, (select count(*) from graphile_worker.jobs) jobs",
  );
  expect(rows).toEqual([{ events: "1", jobs: "0" }]);
});

test.each(["", "sink", "ftp://sink.example", "http://user:secret@sink.example", "file:///tmp/sink"])(
  "%j is no address of a sink",
  (url) => {
    expect(() => eventSink({ url })).toThrow("EVENTS_SINK_URL must be an http or https address without user and password.");
  },
);
