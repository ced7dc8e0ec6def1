// A lane's statement is a whole transaction: what is not answered may be done or not, and only the caller's key can tell.

import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openCutWire } from "../../test/setup/cut-wire.ts";
import { openTestDatabase } from "../../test/setup/database.ts";
import type { TestDatabase } from "../../test/setup/server.ts";
import { DatabaseAway, OutcomeUnknown, toBusy } from "./db-errors.ts";
import { Lane, type LaneOptions } from "./lane.ts";

const NAME = "finlego-lane-test";

let database: TestDatabase;
let owner: pg.Client;
const open: Lane[] = [];

function openLane(options: Partial<LaneOptions> = {}): Lane {
  const lane = new Lane({ url: database.appUrl, role: database.appRole, name: NAME, ...options });
  open.push(lane);
  return lane;
}

beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(`
    create table public.note (id int constraint note_id_once primary key, text text not null);
    grant select, insert on public.note to finlego_app;
    create function public.after_insert() returns trigger language plpgsql as $$
    begin
      if new.text = 'warned' then raise warning 'not confirmed' using errcode = '01000'; end if;
      if new.text = 'slow' then perform pg_sleep(20); end if;
      return null;
    end $$;
    create trigger note_after_insert after insert on public.note for each row execute function public.after_insert();
  `);
});
beforeEach(() => owner.query("truncate public.note"));
afterEach(async () => {
  for (const lane of open.splice(0)) await lane.close();
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const insert = (lane: Lane, id: number, text = "a") => lane.sql`insert into public.note (id, text) values (${id}, ${text})`;

async function stored(): Promise<number[]> {
  const { rows } = await owner.query<{ id: number }>("select id from public.note order by id");
  return rows.map(({ id }) => id);
}

async function pidOf(lane: Lane): Promise<number> {
  const [row] = await lane.sql<{ pid: number }>`select pg_backend_pid() as pid`;
  return row!.pid;
}

/** Ends the lane's server process when it runs that statement, and waits until it is gone. */
async function terminate(statement: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { rowCount } = await owner.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1 and starts_with(query, $2)`,
      [NAME, statement],
    );
    if (rowCount === 1) return;
    if (performance.now() > deadline) throw new Error("the statement was never seen");
  }
}

test("a statement is committed when it is answered, and others see it", async () => {
  const lane = openLane();
  await insert(lane, 1);
  expect(await stored()).toEqual([1]);
});

test("what the server refuses leaves the connection as it was", async () => {
  const lane = openLane();
  const before = await pidOf(lane);
  await insert(lane, 1);
  await expect(insert(lane, 1)).rejects.toMatchObject({ constraint: "note_id_once" });
  await expect(lane.sql`select 1 / 0`).rejects.toMatchObject({ code: "22012" });
  expect(await pidOf(lane)).toBe(before);
});

test("a statement sent behind another is begun after its commit, and a third one is a bug that disturbs neither", async () => {
  const lane = openLane();
  const both = [insert(lane, 1), lane.sql`insert into public.note select id + 1, 'b' from public.note`];
  await expect(insert(lane, 3)).rejects.toThrow("more statements on a lane");
  await Promise.all(both);
  expect(await stored()).toEqual([1, 2]);
});

test("what becomes of a statement says nothing of the one behind it", async () => {
  const lane = openLane();
  await insert(lane, 1);
  const both = await Promise.allSettled([insert(lane, 1), insert(lane, 2)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  expect(await stored()).toEqual([1, 2]);
});

test("a connection that breaks leaves the outcome of both statements unknown", async () => {
  const lane = openLane();
  const both = [insert(lane, 1, "slow"), insert(lane, 2)].map((each) => each.catch((error: unknown) => error));
  await terminate("insert into public.note");
  for (const error of await Promise.all(both)) expect(error).toBeInstanceOf(OutcomeUnknown);
  await Promise.all([insert(lane, 3), insert(lane, 4)]);
  expect(await stored()).toEqual([3, 4]);
});

test("a connection that breaks while the statement runs leaves its outcome unknown, and the next call opens a new one", async () => {
  const lane = openLane();
  const outcome = insert(lane, 1, "slow").catch((error: unknown) => error);
  await terminate("insert into public.note");
  const error = await outcome;
  expect(error).toBeInstanceOf(OutcomeUnknown);
  expect(toBusy(error)).toMatchObject({ status: 503, code: "busy" });
  await insert(lane, 2);
  expect(await stored()).toEqual([2]);
});

test("an answer that is lost after the commit leaves the outcome unknown, although it is stored", async () => {
  const wire = await openCutWire(database.appUrl);
  const lane = openLane({ url: wire.url });
  await pidOf(lane);
  wire.cutAfter("insert into public.note");
  await expect(insert(lane, 1)).rejects.toBeInstanceOf(OutcomeUnknown);
  expect(await stored()).toEqual([1]);
  await insert(lane, 2);
  expect(await stored()).toEqual([1, 2]);
  await lane.close();
  await wire.close();
});

test("a cancelled wait for the standby (warning 01000) leaves the outcome unknown, once", async () => {
  const lane = openLane();
  const before = await pidOf(lane);
  await expect(insert(lane, 1, "warned")).rejects.toBeInstanceOf(OutcomeUnknown);
  expect(await stored()).toEqual([1]);
  await insert(lane, 2);
  expect(await pidOf(lane)).not.toBe(before);
});

test("a server that says nothing is given up, and the next call has a new connection", async () => {
  const lane = openLane({ silenceMs: 300 });
  const before = await pidOf(lane);
  await expect(insert(lane, 1, "slow")).rejects.toBeInstanceOf(OutcomeUnknown);
  expect(await pidOf(lane)).not.toBe(before);
  expect((await owner.query("select from pg_stat_activity where pid = $1", [before])).rowCount).toBe(0);
  expect(await stored()).toEqual([]);
});

test("a connection that is lost while nobody uses it costs nothing", async () => {
  const lane = openLane();
  await pidOf(lane);
  await terminate("select pg_backend_pid()");
  // One round trip of another connection later the news has arrived.
  await owner.query("select 1");
  await insert(lane, 1);
  expect(await stored()).toEqual([1]);
});

test("a database that is away is told as such: nothing was sent, so nothing can have happened", async () => {
  const lane = openLane({ url: "postgresql://nobody@127.0.0.1:1/nothing" });
  const error: unknown = await insert(lane, 1).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(DatabaseAway);
  expect(toBusy(error)).toMatchObject({ status: 503, extras: { headers: { "retry-after": "1" } } });
  await expect(insert(lane, 1)).rejects.toBeInstanceOf(DatabaseAway);
});

test("a lane has the limits and the role of every session, after a doubt as before it", async () => {
  const lane = openLane({ url: database.ownerUrl, role: "finlego_app", silenceMs: 300 });
  const session = () =>
    lane.sql`select current_user as user, current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock`;
  expect(await session()).toEqual([{ user: "finlego_app", statement: "5s", lock: "2s" }]);
  await expect(insert(lane, 1, "slow")).rejects.toBeInstanceOf(OutcomeUnknown);
  expect(await session()).toEqual([{ user: "finlego_app", statement: "5s", lock: "2s" }]);
});

test("a closed lane opens a new connection when it is asked again", async () => {
  const lane = openLane();
  await insert(lane, 1);
  await lane.close();
  await lane.close();
  await insert(lane, 2);
  expect(await stored()).toEqual([1, 2]);
});

test("what was given up on its way to the server is not done any more once the lane has answered something later", async () => {
  const wire = await openCutWire(database.appUrl);
  const lane = openLane({ url: wire.url, silenceMs: 300 });
  await pidOf(lane);
  wire.hold();
  const both = [insert(lane, 1), insert(lane, 2)].map((each) => each.catch((error: unknown) => error));
  for (const error of await Promise.all(both)) expect(error).toBeInstanceOf(OutcomeUnknown);
  await insert(lane, 3);
  await wire.deliver();
  expect(await stored()).toEqual([3]);
  await lane.close();
  await wire.close();
});
