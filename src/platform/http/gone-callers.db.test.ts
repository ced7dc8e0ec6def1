// A caller may go away at any byte. What it asked for is done whole or not at all, and nothing of it is left behind.

import { connect } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDatabase } from "../../../test/setup/database.ts";
import { as, type Edge, openEdge, sendRaw } from "../../../test/setup/edge.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { Database } from "../db.ts";
import { strictObject, Type } from "../schema.ts";
import { endpoint } from "./endpoint.ts";

const Note = strictObject({ id: Type.Integer() });

let database: TestDatabase;
let owner: pg.Client;
let db: Database;
let edge: Edge;
let port: number;
beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(`
    create table public.note (id int primary key);
    create table public.echo (id int primary key);
    grant select, insert on public.note, public.echo to finlego_app`);
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 4, name: "finlego-gone" });
  const addNote = endpoint({
    id: "addNote",
    method: "POST",
    path: "/notes",
    tags: ["Notes"],
    summary: "A note and its echo",
    audience: "frontOffice",
    scope: null,
    body: Note,
    reply: Note,
    work: "write",
    async handle(tx, { body }) {
      await tx.sql`insert into public.note (id) values (${body.id})`;
      await tx.sql`insert into public.echo (id) values (${body.id})`;
      return body;
    },
  });
  edge = await openEdge({ db, endpoints: [addNote] });
  port = await edge.listen();
});
afterAll(async () => {
  await edge.close();
  await db.close();
  await owner.end();
  await database.drop();
});

const request = (id: number) => {
  const body = JSON.stringify({ id });
  return `POST /notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client\r\nidempotency-key: note-${id}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};

/** Sends the first bytes of a call and goes: politely, or by slamming the door. */
function goAfter(bytes: string, slams: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(bytes, () => (slams ? socket.resetAndDestroy() : socket.destroy()));
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}

/** Of the pool, or still waiting for a connection of it. */
async function openTransactions(): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where application_name = 'finlego-gone' and state <> 'idle'",
  );
  return rows[0]!.n + db.stats().waiting + db.stats().total - db.stats().idle;
}

async function openConnections(): Promise<number> {
  return await new Promise((resolve) => edge.app.server.getConnections((_error, count) => resolve(count)));
}

test("hundreds that go away leave no transaction, no connection, no half of anything, and no complaint of ours", async () => {
  const whole = request(1_000);
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const id = 1_000 + round * 40 + index;
        const length = index < 20 ? Math.floor((whole.length * index) / 20) : whole.length;
        return goAfter(request(id).slice(0, length), index % 2 === 0);
      }),
    );
  }
  // Connections are taken in the order in which they came: after this one no other is waiting at the door.
  await sendRaw(port, "GET /Things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  await expect.poll(openConnections, { timeout: 10_000 }).toBe(0);
  // What had come in whole may still be at work.
  await expect.poll(openTransactions, { timeout: 10_000 }).toBe(0);
  const { total, idle, waiting } = db.stats();
  expect([idle, waiting]).toEqual([total, 0]);

  const { rows } = await owner.query<{ notes: number; halves: number; unkeyed: number }>(`
    select (select count(*)::int from public.note) as notes,
           (select count(*)::int from public.note full join public.echo using (id) where note.id is null or echo.id is null) as halves,
           (select count(*)::int from public.note) - (select count(*)::int from platform.idempotency_key) as unkeyed`);
  expect(rows[0]).toMatchObject({ halves: 0, unkeyed: 0 });
  expect(rows[0]!.notes).toBeGreaterThan(0);
  const complaints = edge.log.map((line) => JSON.parse(line) as { level: number }).filter(({ level }) => level >= 40);
  expect(complaints).toEqual([]);

  // Whoever comes back with its key has one effect.
  for (const id of [1_000, 1_019, 1_039]) {
    const headers = { ...as("client"), "idempotency-key": `note-${id}` };
    expect((await edge.app.inject({ method: "POST", url: "/notes", headers, payload: { id } })).statusCode).toBe(200);
  }
});
