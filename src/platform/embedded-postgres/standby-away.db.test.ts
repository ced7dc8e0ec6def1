// A synchronous standby that is away, on a server of its own, because it is the server's setting: what the standby has not confirmed is told
// to nobody, whoever gives up waiting.

import { Lane } from "#platform/lane.ts";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneTemplate, startTestServer, type StartedTestServer, type TestDatabase } from "../../../test/setup/server.ts";
import { OutcomeUnknown, toBusy } from "../db-errors.ts";

let started: StartedTestServer;
let database: TestDatabase;
let owner: pg.Client;
beforeAll(async () => {
  started = await startTestServer("");
  database = await cloneTemplate(started.server);
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query("create table public.note (id int primary key); grant select, insert on public.note to finlego_app");
});
afterAll(async () => {
  await setStandby("");
  await owner.end();
  await database.drop();
  await started.stop();
});

async function setStandby(name: string): Promise<void> {
  await owner.query(`alter system set synchronous_standby_names = '${name}'`);
  await owner.query("select pg_reload_conf()");
}

test("a lane that gives up waiting for it leaves what it sent unseen, and goes on when the standby is back", async () => {
  const lane = new Lane({ url: database.appUrl, role: database.appRole, name: "standby-test", silenceMs: 300 });
  const insert = (id: number) =>
    lane.sql`insert into public.note (id) values (${id})`.then(
      () => "stored",
      (error: unknown) => error,
    );
  const stored = async () => (await owner.query<{ id: number }>("select id from public.note order by id")).rows.map(({ id }) => id);

  await setStandby("nobody");
  // The server takes the setting up in its own time.
  let last = 1;
  let end: unknown = await insert(last);
  for (; end === "stored"; end = await insert(last)) last++;
  expect(end).toBeInstanceOf(OutcomeUnknown);
  const seen = Array.from({ length: last - 1 }, (_, index) => index + 1);
  expect(await stored()).toEqual(seen);

  // Nor does the next call get through, or show it.
  expect(toBusy(await insert(last + 1))).toMatchObject({ status: 503 });
  expect(await stored()).toEqual(seen);

  await setStandby("");
  let next = last + 2;
  while ((await insert(next)) !== "stored") next++;
  const all = await stored();
  expect(all).toEqual(expect.arrayContaining([...seen, last, next]));
  expect(all).not.toContain(last + 1);
  await lane.close();
});
