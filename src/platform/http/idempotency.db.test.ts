// The idempotency contract, row by row (reliability: "at most one effect for a key, for ever"), over two processes on one database.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openTestDatabase } from "../../../test/setup/database.ts";
import { as, type Edge, openEdge } from "../../../test/setup/edge.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { Database, type Tx } from "../db.ts";
import { DatabaseAway } from "../db-errors.ts";
import { Problem, refusePlatform } from "../problem.ts";
import { strictObject, Type } from "../schema.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";

const Note = strictObject({ id: Type.Integer(), text: Type.String() });
type Note = { readonly id: number; readonly text: string };

let database: TestDatabase;
let owner: pg.Client;
let dbs: Database[];
let here: Edge;
let there: Edge;
let keysBefore = 0;
/** What happens to the next work, after it has written its row. */
let next: (() => Promise<void>) | null = null;

async function addNote(tx: Tx, note: Note): Promise<Note> {
  await tx.sql`insert into public.note (id, text) values (${note.id}, ${note.text})`;
  const after = next;
  next = null;
  await after?.();
  return note;
}

function notes(): Endpoint[] {
  const common = { tags: ["Notes"], summary: "A note", audience: "frontOffice", scope: null, body: Note, reply: Note } as const;
  const add = (id: string, method: "POST" | "PUT", path: string) =>
    endpoint({ ...common, id, method, path, work: "write", handle: (tx, { body }) => addNote(tx, body) });
  return [
    add("addNote", "POST", "/notes"),
    add("putNote", "PUT", "/notes"),
    add("addOther", "POST", "/others"),
    endpoint({ ...common, id: "findNote", method: "POST", path: "/notes/search", work: "read", handle: async (_tx, { body }) => body }),
  ];
}

beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query("create table public.note (id int not null, text text not null); grant select, insert on public.note to finlego_app");
  dbs = [1, 2].map(() => new Database({ url: database.appUrl, role: database.appRole, poolSize: 4, name: "finlego-test" }));
  [here, there] = (await Promise.all(dbs.map((db) => openEdge({ db, endpoints: notes() })))) as [Edge, Edge];
});
beforeEach(async () => {
  next = null;
  await owner.query("truncate public.note");
  // Keys stand for ever, also in a test.
  keysBefore = 0;
  keysBefore = (await rows()).keys;
});
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  for (const db of dbs) await db.close();
  await owner.end();
  await database.drop();
});

type Options = { edge?: Edge; method?: "POST" | "PUT"; url?: string };

const send = (key: string | null, note: unknown = { id: 1, text: "a" }, { edge = here, method = "POST", url = "/notes" }: Options = {}) =>
  edge.app.inject({
    method,
    url,
    headers: { ...as("client"), ...(key === null ? {} : { "idempotency-key": key }) },
    payload: note as object,
  });

/** How many notes there are, and how many keys of this test. */
async function rows(): Promise<{ notes: number; keys: number }> {
  const { rows: found } = await owner.query<{ notes: number; keys: number }>(
    "select (select count(*)::int from public.note) as notes, (select count(*)::int from platform.idempotency_key) as keys",
  );
  const [counts] = found;
  return { notes: counts!.notes, keys: counts!.keys - keysBefore };
}

const replayed = (answer: { headers: Record<string, unknown> }): unknown => answer.headers["idempotency-replayed"];
const refuse = () => {
  throw new Problem(
    "noteRefused",
    { status: 409, title: "The note is refused.", retry: "no" },
    { detail: "For good.", members: { available: "1.00" } },
  );
};

describe("a repeat", () => {
  test("after success answers the same bytes and does nothing, here and in another process", async () => {
    const key = randomUUID();
    const first = await send(key);
    expect([first.statusCode, replayed(first)]).toEqual([200, undefined]);
    for (const edge of [here, there]) {
      const repeat = await send(key, { text: "a", id: 1 }, { edge });
      expect([repeat.statusCode, repeat.body, replayed(repeat)]).toEqual([200, first.body, "true"]);
      expect(repeat.headers["content-type"]).toBe("application/json; charset=utf-8");
    }
    expect(await rows()).toEqual({ notes: 1, keys: 1 });
  });

  test("after a definite refusal answers that refusal, though it would pass now; what was written before it is gone", async () => {
    const key = randomUUID();
    next = async () => refuse();
    const first = await send(key);
    expect(first.statusCode).toBe(409);
    expect(first.json()).toMatchObject({
      code: "noteRefused",
      detail: "For good.",
      available: "1.00",
      traceId: first.headers["traceparent"],
    });
    for (const edge of [here, there]) {
      const repeat = await send(key, undefined, { edge });
      expect([repeat.statusCode, repeat.body, replayed(repeat)]).toEqual([409, first.body, "true"]);
      expect(repeat.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    }
    expect(await rows()).toEqual({ notes: 0, keys: 1 });
    expect((await send(randomUUID())).statusCode).toBe(200);
  });

  test.each([
    ["404", () => refusePlatform("notFound"), 404],
    ["403", () => refusePlatform("forbidden"), 403],
    ["400", () => refusePlatform("validationFailed", { errors: { id: ["No."] } }), 400],
    ["429", () => refusePlatform("rateLimited"), 429],
    ["a bug", () => Promise.reject(new TypeError("bug")), 500],
    ["a database that goes away", () => Promise.reject(new DatabaseAway("gone")), 503],
  ])("after %s is evaluated afresh: nothing was kept", async (_what, end, status) => {
    const key = randomUUID();
    next = async () => void (await end());
    expect((await send(key)).statusCode).toBe(status);
    expect(await rows()).toEqual({ notes: 0, keys: 0 });
    const again = await send(key);
    expect([again.statusCode, replayed(again)]).toEqual([200, undefined]);
    expect(await rows()).toEqual({ notes: 1, keys: 1 });
  });

  test("after a body that was no request at all is evaluated afresh", async () => {
    const key = randomUUID();
    expect((await send(key, { id: "x" })).statusCode).toBe(400);
    expect((await send(key)).statusCode).toBe(200);
  });
});

describe("the same key", () => {
  test("with another body, method or route is 422 and does nothing, here and in another process", async () => {
    const key = randomUUID();
    await send(key);
    for (const edge of [here, there]) {
      for (const answer of [
        await send(key, { id: 2, text: "a" }, { edge }),
        await send(key, undefined, { edge, method: "PUT" }),
        await send(key, undefined, { edge, url: "/others" }),
      ]) {
        expect(answer.statusCode).toBe(422);
        expect(answer.json()).toMatchObject({ code: "idempotencyKeyReused" });
      }
    }
    expect(await rows()).toEqual({ notes: 1, keys: 1 });
    expect((await send(key)).statusCode).toBe(200);
  });

  test("in letters of another case of the route is the same call", async () => {
    const key = randomUUID();
    await send(key);
    expect(replayed(await send(key, undefined, { url: "/NOTES" }))).toBe("true");
  });

  test("of a call that only reads means nothing", async () => {
    const key = randomUUID();
    await send(key);
    const answer = await send(key, { id: 9, text: "z" }, { url: "/notes/search" });
    expect([answer.statusCode, replayed(answer)]).toEqual([200, undefined]);
    expect((await send("k".repeat(101), { id: 9, text: "z" }, { url: "/notes/search" })).statusCode).toBe(200);
  });

  test("is stored so that neither key nor caller can be read back", async () => {
    const key = "order-4711-of-ann";
    await send(key);
    const { rows: kept } = await owner.query("select * from platform.idempotency_key order by created_at desc limit 1");
    expect(JSON.stringify(kept)).not.toMatch(/4711|ann|client/);
  });
});

test("without a key every call is a call of its own", async () => {
  await Promise.all([send(null), send(null), send(null)]);
  expect(await rows()).toEqual({ notes: 3, keys: 0 });
});

describe("twins", () => {
  test("two hundred in two processes are one effect, and all have its answer or are told to wait", async () => {
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => send(key, undefined, { edge: index % 2 === 0 ? here : there })),
    );
    expect(await rows()).toEqual({ notes: 1, keys: 1 });
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(200).fill(200));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(answers.filter((answer) => replayed(answer) === undefined)).toHaveLength(1);
  });

  test("one that arrives in another process while the first is at work waits for it and has its answer", async () => {
    const key = randomUUID();
    const atWork = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    next = async () => {
      atWork.resolve();
      await goOn.promise;
    };
    const first = send(key);
    await atWork.promise;
    const twin = send(key, undefined, { edge: there });
    await waiter();
    goOn.resolve();
    expect((await first).statusCode).toBe(200);
    expect([(await twin).body, replayed(await twin)]).toEqual([(await first).body, "true"]);
  });

  test("one that waits for two seconds is told so, and the first goes on", async () => {
    const key = randomUUID();
    const goOn = Promise.withResolvers<void>();
    const atWork = Promise.withResolvers<void>();
    next = async () => {
      atWork.resolve();
      await goOn.promise;
    };
    const first = send(key);
    await atWork.promise;
    const began = performance.now();
    // One in the same process, which waits in memory, and one in another, which waits for the row.
    const twins = await Promise.all([send(key), send(key, undefined, { edge: there })]);
    expect(performance.now() - began).toBeLessThan(3_900);
    for (const twin of twins) {
      expect(twin.statusCode).toBe(409);
      expect(twin.json()).toMatchObject({ code: "idempotencyInProgress" });
      expect(twin.headers["retry-after"]).toBe("1");
    }
    goOn.resolve();
    expect((await first).statusCode).toBe(200);
    expect(replayed(await send(key, undefined, { edge: there }))).toBe("true");
    expect(await rows()).toEqual({ notes: 1, keys: 1 });
  });

  test("of another process go on when the first dies", async () => {
    const key = randomUUID();
    const atWork = Promise.withResolvers<void>();
    next = async () => {
      atWork.resolve();
      await waiter();
      throw new TypeError("bug");
    };
    const first = send(key);
    await atWork.promise;
    const twin = await send(key, undefined, { edge: there });
    expect((await first).statusCode).toBe(500);
    expect([twin.statusCode, replayed(twin)]).toEqual([200, undefined]);
    expect(await rows()).toEqual({ notes: 1, keys: 1 });
  });

  /** Until a twin waits for the row of the key. */
  async function waiter(): Promise<void> {
    for (;;) {
      const { rowCount } = await owner.query(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%platform.idempotency_key%'",
      );
      if (rowCount === 1) return;
    }
  }
});
