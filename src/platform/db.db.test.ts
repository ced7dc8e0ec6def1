// The traps of drivers, pools and isolation, each with its way out.

import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CutWire, openCutWire } from "../../test/setup/cut-wire.ts";
import { openTestDatabase } from "../../test/setup/database.ts";
import type { TestDatabase } from "../../test/setup/server.ts";
import { type Actor, Database, type DatabaseOptions, onConstraint, type Tx } from "./db.ts";
import { Bug, Problem } from "./problem.ts";

const actor: Actor = { kind: "system", id: "tester", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" };
const NAME = "finlego-db-test";

let database: TestDatabase;
let owner: pg.Client;
const open: Database[] = [];

function openDatabase(options: Partial<DatabaseOptions> = {}): Database {
  const db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 1, name: NAME, ...options });
  open.push(db);
  return db;
}

beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(`
    create table public.note (
      id int constraint note_id_once primary key,
      text text not null constraint note_text_is_short check (length(text) <= 10)
    );
    grant select, insert, update on public.note to finlego_app;

    -- Runs during COMMIT.
    create function public.at_commit() returns trigger language plpgsql as $$
    begin
      if new.text = 'slow' then perform pg_sleep(20); end if;
      if new.text = 'warned' then raise warning 'not confirmed' using errcode = '01000'; end if;
      if new.text = 'refused' then raise exception 'refused at commit' using errcode = '23514', constraint = 'note_refused'; end if;
      return null;
    end $$;
    create constraint trigger note_at_commit after insert on public.note deferrable initially deferred
      for each row execute function public.at_commit();
  `);
});
beforeEach(() => owner.query("truncate public.note"));
afterEach(async () => {
  for (const db of open.splice(0)) await db.close();
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** The 503, with what a caller needs to come again; anything else is thrown. */
async function busyOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => "it succeeded",
    (failure: unknown) => failure,
  );
  if (!(error instanceof Problem)) throw new Error(`not a problem: ${String(error)}`, { cause: error });
  expect(error).toMatchObject({ code: "busy", status: 503, extras: { headers: { "retry-after": "1" } } });
  return error.extras.detail ?? "";
}

async function stored(): Promise<number[]> {
  const { rows } = await owner.query<{ id: number }>("select id from public.note order by id");
  return rows.map(({ id }) => id);
}

/** What the connections of these tests are doing, as the server sees it. */
async function sessions(): Promise<{ pid: number; state: string; query: string; waits: string | null }[]> {
  const { rows } = await owner.query<{ pid: number; state: string; query: string; waits: string | null }>(
    `select pid, state, query, wait_event as waits from pg_stat_activity
     where application_name = $1 and datname = current_database() and state is not null`,
    [NAME],
  );
  return rows;
}

async function until<T>(what: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const found = await what();
    if (found !== undefined) return found;
  }
  throw new Error("it did not come about");
}

async function pidOf(tx: Tx): Promise<number> {
  const [row] = await tx.sql<{ pid: number }>`select pg_backend_pid() as pid`;
  return row!.pid;
}

const insert = (tx: Tx, id: number, text = "a") => tx.sql`insert into public.note (id, text) values (${id}, ${text})`;

describe("work that fails leaves nothing", () => {
  const fail = (): never => {
    throw new Error("on purpose");
  };
  const ways: Record<string, (tx: Tx) => Promise<unknown>> = {
    "before the first statement": async () => fail(),
    "without being asynchronous": () => fail(),
    "after a statement": async (tx) => {
      await insert(tx, 1);
      fail();
    },
    "in a statement that the server refuses": async (tx) => {
      await insert(tx, 1);
      await insert(tx, 1);
    },
    "after a refused statement was forgiven": async (tx) => {
      await insert(tx, 1);
      await insert(tx, 1).catch(() => undefined);
      fail();
    },
    "at the commit": async (tx) => {
      await insert(tx, 1);
      await insert(tx, 2, "refused");
    },
    "with a value that cannot be sent": async (tx) => {
      await insert(tx, 1);
      await tx.sql`select ${{ amount: 1n }}::jsonb`;
    },
  };

  test.each(Object.keys(ways))("%s, and the next user of the pool finds no transaction", async (way) => {
    const db = openDatabase();
    await expect(db.write(actor, ways[way]!)).rejects.not.toBeInstanceOf(Problem);
    expect(await stored()).toEqual([]);
    // A connection that was thrown away is gone a moment later.
    await until(async () => ((await sessions()).every(({ state }) => state === "idle") ? true : undefined));

    // The pool has one connection: what the next call writes is seen by others at once.
    await db.write(actor, (tx) => insert(tx, 7));
    expect(await stored()).toEqual([7]);
    expect(db.stats()).toMatchObject({ total: 1, idle: 1, waiting: 0 });
  });

  test("a connection whose server only refused something is used again", async () => {
    const db = openDatabase();
    const before = await db.write(actor, pidOf);
    await expect(db.write(actor, ways["in a statement that the server refuses"]!)).rejects.toMatchObject({ code: "23505" });
    await expect(db.write(actor, ways["at the commit"]!)).rejects.toMatchObject({ constraint: "note_refused" });
    expect(await db.write(actor, pidOf)).toBe(before);
  });

  test("an error swallowed inside the work is a bug at the commit, and never a success", async () => {
    const db = openDatabase();
    const work = async (tx: Tx): Promise<string> => {
      await insert(tx, 1);
      await insert(tx, 1).catch(() => undefined);
      return "done";
    };
    await expect(db.write(actor, work)).rejects.toBeInstanceOf(Bug);
    expect(await stored()).toEqual([]);
  });
});

describe("a transaction is used by one statement at a time, until it ends", () => {
  test("two statements at once are a bug, and nothing of either is kept", async () => {
    const db = openDatabase();
    await expect(db.write(actor, (tx) => Promise.all([insert(tx, 1), insert(tx, 2)]))).rejects.toThrow("two statements at once");
    await db.write(actor, (tx) => insert(tx, 3));
    expect(await stored()).toEqual([3]);
  });

  test("work that ends before its statement does is a bug, and the connection is not used again", async () => {
    const db = openDatabase();
    let forgotten: Promise<unknown> = Promise.resolve();
    const before = await db.write(actor, pidOf);
    const work = async (tx: Tx): Promise<void> => {
      forgotten = insert(tx, 1).catch(() => undefined);
    };
    await expect(db.write(actor, work)).rejects.toThrow("while a statement is running");
    await forgotten;
    expect(await db.write(actor, pidOf)).not.toBe(before);
    expect(await stored()).toEqual([]);
  });

  test.each(["write", "read"] as const)("after its %s has ended a Tx answers nothing", async (way) => {
    const db = openDatabase();
    const tx = await db[way](actor, async (given) => given);
    await expect(insert(tx, 1)).rejects.toThrow("used after its end");
    await expect(tx.query("select 1", [])).rejects.toThrow("used after its end");
    expect(await stored()).toEqual([]);
  });
});

describe("a statement that was built of pieces", () => {
  const keptOf = async (tx: Tx, text: string): Promise<number> =>
    (await tx.query("select from pg_prepared_statements where statement = $1", [text])).length;

  test("is prepared once per connection where few of its kind are made, and not else", async () => {
    const db = openDatabase();
    const [kept, once] = ["select $1::integer + 1 as sum", "select $1::integer + 2 as sum"];
    for (const value of [1, 2]) {
      const found = await db.read(actor, async (tx) => [await tx.prepared(kept, [value]), await tx.query(once, [value])]);
      expect(found).toEqual([[{ sum: value + 1 }], [{ sum: value + 2 }]]);
    }
    expect(await db.read(actor, async (tx) => [await keptOf(tx, kept), await keptOf(tx, once)])).toEqual([1, 0]);
  });
});

describe("time runs out", () => {
  test("for a statement: 503, and the connection is used again", async () => {
    const db = openDatabase();
    const before = await db.write(actor, pidOf);
    const work = async (tx: Tx): Promise<void> => {
      await insert(tx, 1);
      await tx.query("set local statement_timeout = 50", []);
      await tx.sql`select pg_sleep(5)`;
    };
    expect(await busyOf(db.write(actor, work))).toContain("too long");
    expect(await db.write(actor, pidOf)).toBe(before);
    expect(await stored()).toEqual([]);
  });

  test("for a lock: 503, and the holder is not disturbed", async () => {
    const [holder, waiter] = [openDatabase(), openDatabase()];
    await holder.write(actor, (tx) => insert(tx, 1));
    await holder.write(actor, async (tx) => {
      await tx.sql`update public.note set text = 'held' where id = 1`;
      const work = async (late: Tx): Promise<void> => {
        await late.query("set local lock_timeout = 50", []);
        await late.sql`update public.note set text = 'late' where id = 1`;
      };
      expect(await busyOf(waiter.write(actor, work))).toContain("locked");
    });
    expect((await owner.query("select text from public.note")).rows).toEqual([{ text: "held" }]);
  });

  test("for a server that says nothing: 503 at once, the connection is destroyed and the pool is whole again", async () => {
    const db = openDatabase({ silenceMs: 2_000 });
    const before = await db.write(actor, pidOf);
    const began = performance.now();
    const work = async (tx: Tx): Promise<void> => {
      await insert(tx, 1);
      await tx.query("set local statement_timeout = 0", []);
      await tx.sql`select pg_sleep(10)`;
    };
    expect(await busyOf(db.write(actor, work))).toContain("not available");
    // Nothing more is asked of a connection in doubt, not even a rollback that would wait as long again.
    expect(performance.now() - began).toBeLessThan(3_900);
    expect(db.stats()).toMatchObject({ total: 0, waiting: 0 });
    expect(await db.write(actor, pidOf)).not.toBe(before);
    await owner.query("select pg_terminate_backend($1, 5000)", [before]);
    expect(await stored()).toEqual([]);
  });

  test("for a server that is frozen: 503 after two seconds, for every call that has not begun", async () => {
    // A wire that takes everything and carries nothing, behind connections that were sound a moment ago.
    const wire = await openCutWire(database.appUrl);
    const db = openDatabase({ url: wire.url, poolSize: 3 });
    await Promise.all([1, 2, 3].map(() => db.write(actor, pidOf)));
    wire.freeze();
    const began = performance.now();
    await Promise.all([1, 2, 3, 4, 5, 6].map((id) => busyOf(db.write(actor, (tx) => insert(tx, id)))));
    expect(performance.now() - began).toBeLessThan(9_000);
    expect(await db.isReachable()).toBe(false);
    wire.thaw();
    await db.write(actor, (tx) => insert(tx, 7));
    expect(await stored()).toEqual([7]);
    await db.close();
    open.pop();
    await wire.close();
  });

  test("for a connection of the pool: 503 after two seconds, and service as soon as one is free", async () => {
    const db = openDatabase({ poolSize: 2 });
    const probe = openDatabase();
    const hand = { holds: true };
    const hold = async (tx: Tx, id: number): Promise<void> => {
      await insert(tx, id);
      while (hand.holds) await tx.sql`select pg_sleep(0.02)`;
    };
    const holders = [1, 2].map((id) => db.write(actor, (tx) => hold(tx, id)));
    await until(async () => ((await sessions()).filter(({ query }) => query.includes("pg_sleep")).length === 2 ? true : undefined));

    const began = performance.now();
    const callers = Array.from({ length: 200 }, (_, index) => busyOf(db.write(actor, (tx) => insert(tx, 100 + index))));
    expect(await probe.isReachable()).toBe(true);
    expect(performance.now() - began).toBeLessThan(1_900);
    await Promise.all(callers);
    const waited = performance.now() - began;
    expect(waited).toBeGreaterThan(1_900);
    expect(waited).toBeLessThan(15_000);

    hand.holds = false;
    await Promise.all(holders);
    await db.write(actor, (tx) => insert(tx, 3));
    expect(await stored()).toEqual([1, 2, 3]);
    expect(db.stats()).toMatchObject({ total: 2, idle: 2, waiting: 0 });
  });
});

describe("the connection breaks", () => {
  const terminate = (pid: number) => owner.query("select pg_terminate_backend($1, 5000)", [pid]);

  test("before the commit: 503, nothing is stored, and the next call has a new connection", async () => {
    const db = openDatabase();
    const work = async (tx: Tx): Promise<void> => {
      await insert(tx, 1);
      await terminate(await pidOf(tx));
      await insert(tx, 2);
    };
    expect(await busyOf(db.write(actor, work))).toContain("not available");
    await db.write(actor, (tx) => insert(tx, 3));
    expect(await stored()).toEqual([3]);
  });

  test("when only the commit is missing: not known, and not a success", async () => {
    const db = openDatabase();
    const work = async (tx: Tx): Promise<string> => {
      await insert(tx, 1);
      await terminate(await pidOf(tx));
      return "done";
    };
    expect(await busyOf(db.write(actor, work))).toContain("not known");
    expect(await stored()).toEqual([]);
  });

  test("while the commit runs: not known", async () => {
    const db = openDatabase();
    const outcome = busyOf(db.write(actor, (tx) => insert(tx, 1, "slow")));
    const session = await until(async () => (await sessions()).find(({ query, waits }) => query === "commit" && waits === "PgSleep"));
    await terminate(session.pid);
    expect(await outcome).toContain("not known");
    expect(await stored()).toEqual([]);
    await db.write(actor, (tx) => insert(tx, 2));
  });

  test("after the commit, before its answer: not known, although it is stored", async () => {
    const wire: CutWire = await openCutWire(database.appUrl);
    const db = openDatabase({ url: wire.url });
    await db.write(actor, pidOf);
    wire.cutAfter("commit");
    expect(await busyOf(db.write(actor, (tx) => insert(tx, 1)))).toContain("not known");
    expect(await stored()).toEqual([1]);
    await db.write(actor, (tx) => insert(tx, 2));
    await db.close();
    open.pop();
    await wire.close();
  });

  test("the standby's confirmation was cancelled (warning 01000 at the commit): not known, although it is stored", async () => {
    const db = openDatabase();
    const before = await db.write(actor, pidOf);
    expect(await busyOf(db.write(actor, (tx) => insert(tx, 1, "warned")))).toContain("not known");
    expect(await stored()).toEqual([1]);
    expect(await db.write(actor, pidOf)).not.toBe(before);
  });

  test("while nobody uses it: it is told, and the next call does not feel it", async () => {
    const told: Error[] = [];
    const db = openDatabase({ onConnectionError: (error) => told.push(error) });
    await terminate(await db.write(actor, pidOf));
    await until(async () => ((await sessions()).length === 0 && told.length > 0 ? true : undefined));
    await db.write(actor, (tx) => insert(tx, 1));
    expect(await stored()).toEqual([1]);
  });

  test("where nothing listens the answer is 503, and the probe says so", async () => {
    const db = openDatabase({ url: "postgresql://nobody@127.0.0.1:1/nothing" });
    expect(await busyOf(db.read(actor, pidOf))).toContain("not available");
    expect(await db.isReachable()).toBe(false);
  });

  test("a wrong name of the database is no reason to try again", async () => {
    const url = new URL(database.appUrl.replace("///", "//localhost/"));
    url.pathname = "/no_such_database";
    const db = openDatabase({ url: url.href });
    await expect(db.read(actor, pidOf)).rejects.toMatchObject({ code: "3D000" });
  });
});

describe("deadlocks and serialization failures", () => {
  test("two transactions in opposite order both succeed, and nobody hears of the deadlock", async () => {
    const db = openDatabase({ poolSize: 2 });
    await db.write(actor, async (tx) => {
      await insert(tx, 1);
      await insert(tx, 2);
    });
    let attempts = 0;
    let arrived = 0;
    let meet = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      meet = resolve;
    });
    const change = (first: number, second: number) =>
      db.write(actor, async (tx) => {
        attempts++;
        await tx.sql`update public.note set text = text || ${String(first)} where id = ${first}`;
        if (++arrived === 2) meet();
        await both;
        await tx.sql`update public.note set text = text || ${String(first)} where id = ${second}`;
      });
    await Promise.all([change(1, 2), change(2, 1)]);
    expect(attempts).toBe(3);
    const { rows } = await owner.query<{ text: string }>("select text from public.note");
    expect(rows.map(({ text }) => text.split("").sort().join(""))).toEqual(["12a", "12a"]);
  });

  test.each(["40P01", "40001"])("%s is repeated five times at most, then it is 503", async (code) => {
    const db = openDatabase();
    let attempts = 0;
    const work = async (tx: Tx): Promise<void> => {
      attempts++;
      await insert(tx, attempts);
      await tx.query(`do $$ begin raise exception 'again' using errcode = '${code}'; end $$`, []);
    };
    expect(await busyOf(db.write(actor, work))).toContain("great demand");
    expect(attempts).toBe(5);
    expect(await stored()).toEqual([]);
  });
});

describe("refusals by constraint", () => {
  const refuse = (): never => {
    throw new Problem("taken", { status: 409, title: "Taken.", retry: "no" });
  };

  test("the named constraint becomes the refusal, any other stays the bug it is", async () => {
    const db = openDatabase();
    await db.write(actor, (tx) => insert(tx, 1));
    const put = (id: number, text: string) => db.write(actor, (tx) => onConstraint(insert(tx, id, text), "note_id_once", refuse));
    await expect(put(1, "b")).rejects.toMatchObject({ code: "taken" });
    await expect(put(2, "longer than ten")).rejects.toMatchObject({ code: "23514", constraint: "note_text_is_short" });
    await put(3, "c");
    expect(await stored()).toEqual([1, 3]);
  });
});

describe("a read", () => {
  test("sees one instant, whatever is committed between its statements", async () => {
    const db = openDatabase();
    const count = (tx: Tx) => tx.sql<{ n: bigint }>`select count(*) as n from public.note`;
    const seen = await db.read(actor, async (tx) => {
      const before = await count(tx);
      await owner.query("insert into public.note values (1, 'a')");
      return [before, await count(tx)];
    });
    expect(seen).toEqual([[{ n: 0n }], [{ n: 0n }]]);
    expect(await db.read(actor, count)).toEqual([{ n: 1n }]);
  });

  test("cannot write: that is a bug, not a database to wait for", async () => {
    const db = openDatabase();
    await expect(db.read(actor, (tx) => insert(tx, 1))).rejects.toBeInstanceOf(Bug);
    expect(await stored()).toEqual([]);
  });

  test("a server that has become a standby is a database to wait for", async () => {
    const db = openDatabase();
    const work = async (tx: Tx): Promise<void> => {
      await tx.query("set transaction read only", []);
      await insert(tx, 1);
    };
    expect(await busyOf(db.write(actor, work))).toContain("not available");
  });
});

describe("every session", () => {
  const SETTINGS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone", "transaction_isolation"];
  const settings = async (tx: Tx): Promise<string[]> => {
    const rows = await tx.sql<{ value: string }>`select current_setting(name) as value from unnest(${SETTINGS}::text[]) as name`;
    return rows.map(({ value }) => value);
  };

  test("has its limits, also after an error", async () => {
    const db = openDatabase();
    await db.write(actor, (tx) => tx.sql`select 1 / 0`).catch(() => undefined);
    expect(await db.write(actor, settings)).toEqual(["5s", "2s", "5s", "UTC", "read committed"]);
    expect(await db.read(actor, settings)).toEqual(["5s", "2s", "5s", "UTC", "repeatable read"]);
  });

  test("acts as the application's role, also where the URL's user may do more", async () => {
    const db = openDatabase({ url: database.ownerUrl, role: "finlego_app" });
    const [row] = await db.write(actor, (tx) => tx.sql<{ user: string }>`select current_user as user`);
    expect(row).toEqual({ user: "finlego_app" });
    await expect(db.write(actor, (tx) => tx.sql`delete from platform.audit_entry`)).rejects.toMatchObject({ code: "42501" });
    expect(await db.write(actor, settings)).toEqual(["5s", "2s", "5s", "UTC", "read committed"]);
  });

  test("tells the database's own time at its beginning", async () => {
    const db = openDatabase();
    const { now, rows } = await db.write(actor, async (tx) => ({
      now: tx.now,
      rows: await tx.sql<{ at: Date }>`select clock_timestamp() as at`,
    }));
    const later = rows[0]!.at.getTime() - now.getTime();
    expect(later).toBeGreaterThanOrEqual(0);
    expect(later).toBeLessThan(60_000);
  });
});

test("values arrive exactly: bigint as bigint, a date as text, an instant as Date", async () => {
  const db = openDatabase();
  const rows = await db.read(
    actor,
    (tx) => tx.sql`
      select 9007199254740993::bigint as big, null::bigint as none, array[1, null, -9223372036854775808]::bigint[] as bigs,
             '{}'::bigint[] as no_bigs, 0.10::numeric as exact, date '2024-02-29' as day,
             timestamptz '2026-03-29 03:30:00.123+02' as instant, 7::int as small`,
  );
  expect(rows).toEqual([
    {
      big: 9007199254740993n,
      none: null,
      bigs: [1n, null, -9223372036854775808n],
      no_bigs: [],
      exact: "0.10",
      day: "2024-02-29",
      instant: new Date("2026-03-29T01:30:00.123Z"),
      small: 7,
    },
  ]);
});
