// The writer against a real database: what it promises to each caller when accounts are locked, connections die, a command is broken,
// or the process ends.

import { busy, OutcomeUnknown } from "#platform/db.ts";
import { toPaymentId } from "#platform/ids.ts";
import { Lane } from "#platform/lane.ts";
import { newId } from "#platform/new-id.ts";
import { Problem } from "#platform/problem.ts";
import { toBusy } from "#platform/db-errors.ts";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type CutWire, openCutWire } from "../../../test/setup/cut-wire.ts";
import { openTestDatabase } from "../../../test/setup/database.ts";
import { openWriter } from "../../../test/setup/ledger.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import type { PaymentCommand } from "./command.ts";
import type { CommandResult } from "./post-batch.store.ts";
import { Writer } from "./writer.ts";

let database: TestDatabase;
let owner: pg.Client;
let watcher: pg.Client;
const opened: Writer[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  watcher = new pg.Client({ connectionString: database.ownerUrl });
  await Promise.all([owner.connect(), watcher.connect()]);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((writer) => writer.close()));
});
afterAll(async () => {
  await Promise.all([owner.end(), watcher.end()]);
  await database.drop();
});

function aWriter(lanes = 2): Writer {
  const writer = openWriter(database, lanes);
  opened.push(writer);
  return writer;
}

async function someAccounts(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId());
  await owner.query(
    "insert into general_ledger.account (id, tenant, currency, credit_normal) select unnest($1::uuid[]), 'default', 'EUR', true",
    [ids],
  );
  return ids;
}

function aCommand(debitAccountId: string, creditAccountId: string, changes: Partial<PaymentCommand> = {}): PaymentCommand {
  return {
    id: toPaymentId(newId()),
    ownerTenant: "default",
    isConfined: false,
    createdBy: "test",
    externalId: newId(),
    content: newId(),
    key: null,
    operation: "transfer",
    type: "transfer",
    clientId: null,
    expiresAt: null,
    reversesPaymentId: null,
    ifVersion: null,
    valueDate: null,
    description: null,
    reference: null,
    metadata: null,
    lines: [{ debitAccountId, creditAccountId, amountMinor: 1n, currency: "EUR", type: "transfer", description: null }],
    ...changes,
  };
}

/** The end of a submission in a word: the outcome, `busy` for what would be answered 503, or the error itself. */
async function ending(submitted: Promise<CommandResult>): Promise<string> {
  try {
    return (await submitted).outcome;
  } catch (error) {
    return error instanceof Problem ? error.code : (toBusy(error)?.code ?? String(error));
  }
}

const balanceOf = async (id: string): Promise<bigint> => {
  const { rows } = await owner.query<{ balance: string }>("select balance_minor as balance from general_ledger.account where id = $1", [
    id,
  ]);
  return BigInt(rows[0]?.balance ?? "");
};
const seqOf = async (submitted: Promise<CommandResult>): Promise<bigint | undefined> => {
  const result = await submitted;
  return result.outcome === "accepted" ? result.payment.accounts[0]?.seq : undefined;
};

test("commands of one account are booked in the order in which they were handed over, however many lanes there are", async () => {
  const writer = aWriter(4);
  const accounts = await someAccounts(8);
  const [hot = ""] = accounts;
  const all = Array.from({ length: 400 }, (_, i) => {
    const other = accounts[1 + (i % 7)] ?? "";
    // Noise between the others keeps all lanes busy.
    void ending(writer.submit(aCommand(other, accounts[1 + ((i + 3) % 7)] ?? "")));
    return seqOf(writer.submit(aCommand(hot, other)));
  });
  expect(await Promise.all(all)).toEqual(Array.from({ length: 400 }, (_, i) => BigInt(i + 1)));
});

describe("a batch that is sent behind another one", () => {
  /** The first command waits for the locked account; when it does, the others are sent behind it. */
  async function sendBehind(
    writer: Writer,
    locked: string,
    first: PaymentCommand,
    others: readonly PaymentCommand[],
    then: () => Promise<void>,
  ) {
    let endings: Promise<string>[] = [];
    await holding(locked, async () => {
      endings = [ending(writer.submit(first))];
      await untilWaiting();
      endings.push(...others.map((command) => ending(writer.submit(command))));
      expect(writer.load).toBe(others.length + 1);
      await new Promise(setImmediate);
      await then();
    });
    return await Promise.all(endings);
  }
  const toHot = (hot: string, others: readonly string[], changes: Partial<PaymentCommand> = {}) =>
    Array.from({ length: 40 }, (_, i) => aCommand(hot, others[i % others.length] ?? "", changes));

  test("is booked after it, each account's commands in their order", async () => {
    const batches: number[] = [];
    const writer = openWriter(database, 1, { onBatch: (commands) => batches.push(commands) });
    opened.push(writer);
    const [hot = "", a = "", b = ""] = await someAccounts(3);
    const orders = [aCommand(hot, a), ...toHot(hot, [a, b])];
    const seqs: Promise<bigint | undefined>[] = [];
    await holding(hot, async () => {
      seqs.push(seqOf(writer.submit(orders[0] ?? expect.fail())));
      await untilWaiting();
      for (const order of orders.slice(1)) seqs.push(seqOf(writer.submit(order)));
      await new Promise(setImmediate);
      // Later ones wait in the queue: no more than two are in flight on a lane.
      seqs.push(seqOf(writer.submit(aCommand(hot, b))));
    });
    expect(await Promise.all(seqs)).toEqual(Array.from({ length: 42 }, (_, i) => BigInt(i + 1)));
    expect(batches).toEqual([1, 40, 1]);
  });

  test("is booked whatever becomes of the first, and a broken command in it fails alone", async () => {
    const writer = aWriter(1);
    const [hot = "", a = "", b = ""] = await someAccounts(3);
    const others = toHot(hot, [a, b]);
    others[7] = aCommand(hot, b, { valueDate: "2026-02-30" });
    // Refused by the table, and so after the wait for the account.
    const first = aCommand(hot, a);
    const worthless = { ...first, lines: first.lines.map((line) => ({ ...line, amountMinor: 0n })) };
    const endings = await sendBehind(writer, hot, worthless, others, async () => {});
    expect(endings[0]).toMatch(/payment_line_amount_in_range/);
    expect(endings[8]).toMatch(/date\/time field value out of range/);
    expect(endings.filter((each) => each === "accepted")).toHaveLength(39);
    expect(await balanceOf(hot)).toBe(-39n);
  });

  test("is written again with the first when the connection dies under both, each payment once", async () => {
    const writer = aWriter(1);
    const [hot = "", a = "", b = ""] = await someAccounts(3);
    const endings = await sendBehind(writer, hot, aCommand(hot, a), toHot(hot, [a, b]), async () => {
      expect(await kill()).toBe(1);
    });
    expect(new Set(endings)).toEqual(new Set(["accepted"]));
    expect(await balanceOf(hot)).toBe(-41n);
  });

  test("does not keep other accounts waiting when the first one is stuck", async () => {
    const writer = aWriter();
    const [hot = "", a = "", b = "", c = ""] = await someAccounts(4);
    const endings = await sendBehind(writer, hot, aCommand(hot, a), toHot(hot, [a]), async () => {
      for (let i = 0; i < 5; i++) expect(await ending(writer.submit(aCommand(b, c)))).toBe("accepted");
    });
    expect(new Set(endings)).toEqual(new Set(["accepted"]));
  });
});

describe("a locked account", () => {
  test("its commands leave with 503 after two seconds, those of other accounts go on meanwhile", async () => {
    const writer = aWriter();
    const [locked = "", a = "", b = "", c = ""] = await someAccounts(4);
    await holding(locked, async () => {
      const waiting = ending(writer.submit(aCommand(locked, a)));
      await untilWaiting();
      for (let i = 0; i < 50; i++) expect(await ending(writer.submit(aCommand(b, c)))).toBe("accepted");
      expect(
        await ending(Promise.race([writer.submit(aCommand(c, b)), waiting.then(() => Promise.reject(busy("the locked one came first")))])),
      ).toBe("accepted");
      expect(await waiting).toBe("busy");
    });
    expect(await ending(writer.submit(aCommand(locked, a)))).toBe("accepted");
    expect(await balanceOf(locked)).toBe(-1n);
  });

  test("in the middle of a batch, it holds up those around it for a while, and refuses none of them", async () => {
    const writer = aWriter(1);
    const [locked = "", a = "", b = "", c = ""] = await someAccounts(4);
    await holding(locked, async () => {
      const first = writer.submit(aCommand(b, c));
      await new Promise(setImmediate);
      const orders = [aCommand(locked, a), aCommand(b, c), aCommand(locked, a), aCommand(c, b), aCommand(a, b)];
      const endings = orders.map((command) => ending(writer.submit(command)));
      await first;
      expect(await Promise.all(endings)).toEqual(["busy", "accepted", "busy", "accepted", "accepted"]);
    });
  });

  test("what waits behind it in the queue leaves with 503 too, unbooked, and can be sent again", async () => {
    const writer = aWriter();
    const [locked = "", a = "", b = ""] = await someAccounts(3);
    const commands = Array.from({ length: 20 }, (_, i) => aCommand(locked, i % 2 === 0 ? a : b));
    await holding(locked, async () => {
      const endings = commands.map((command) => ending(writer.submit(command)));
      expect(new Set(await Promise.all(endings))).toEqual(new Set(["busy"]));
    });
    expect(await balanceOf(locked)).toBe(0n);
    for (const command of commands) expect(await ending(writer.submit(command))).toBe("accepted");
    expect(await balanceOf(locked)).toBe(-20n);
  });
});

describe("the queue", () => {
  test("that is full refuses at once with 503; what waits too long leaves with 503", async () => {
    let now = 0;
    const writer = new Writer({ lanes: [], timeZone: "UTC", monotonicMs: () => now });
    const endings = Array.from({ length: 20_000 }, () => ending(writer.submit(aCommand("a", "b"))));
    expect(writer.load).toBe(20_000);
    await expect(writer.submit(aCommand("a", "b"))).rejects.toMatchObject({
      code: "busy",
      status: 503,
      extras: { headers: { "retry-after": "1" } },
    });

    now = 2_001;
    expect(new Set(await Promise.all(endings))).toEqual(new Set(["busy"]));
    expect(writer.load).toBe(0);
    await writer.close();
  });
});

describe("a broken command", () => {
  const broken: Partial<PaymentCommand> = { valueDate: "2026-02-30" };

  test.each([1, 5, 10])("at place %i of a batch fails alone; the others are booked, in their order", async (place) => {
    const writer = aWriter(1);
    const [a = "", b = ""] = await someAccounts(2);
    // The lane is busy while the batch gathers.
    const first = writer.submit(aCommand(a, b));
    await new Promise(setImmediate);
    const endings = Array.from({ length: 10 }, (_, i) => ending(writer.submit(aCommand(a, b, i === place - 1 ? broken : {}))));
    await first;
    const found = await Promise.all(endings);
    expect(found.filter((each) => each === "accepted")).toHaveLength(9);
    expect(found[place - 1]).toMatch(/date\/time field value out of range/);
    expect(await balanceOf(a)).toBe(-10n);
  });

  test("is told once to whoever watches, with the size of its batch", async () => {
    const faults: number[] = [];
    const [a = "", b = ""] = await someAccounts(2);
    const writer = openWriter(database, 1, { onFault: (_error, commands) => faults.push(commands) });
    opened.push(writer);
    const endings = [aCommand(a, b), aCommand(a, b, broken), aCommand(a, b)].map((command) => ending(writer.submit(command)));
    expect((await Promise.all(endings)).filter((each) => each === "accepted")).toHaveLength(2);
    expect(faults).toEqual([3, 1]);
  });
});

describe("a connection that is killed", () => {
  test("while it writes is replaced, and the caller gets its answer all the same", async () => {
    const writer = aWriter();
    const [a = "", b = ""] = await someAccounts(2);
    const endings: Promise<string>[] = [];
    await holding(a, async () => {
      for (let i = 0; i < 3; i++) endings.push(ending(writer.submit(aCommand(a, b))));
      await untilWaiting();
      expect(await kill()).toBe(1);
    });
    expect(await Promise.all(endings)).toEqual(["accepted", "accepted", "accepted"]);
    expect(await balanceOf(a)).toBe(-3n);
  });

  test("during load is replaced: each payment is there once, and whoever got 503 can send it again", async () => {
    const writer = aWriter();
    const accounts = await someAccounts(20);
    const commands = Array.from({ length: 3_000 }, (_, i) => aCommand(accounts[i % 20] ?? "", accounts[(i * 7 + 1 + (i % 3)) % 20] ?? ""));
    const distinct = commands.filter(({ lines: [line] }) => line?.debitAccountId !== line?.creditAccountId);
    const endings: string[] = [];
    let next = 0;
    let kills = 0;
    // Sixty callers, each with one payment at a time, while the lanes are shot whenever one is seen at work.
    const callers = Array.from({ length: 60 }, async () => {
      for (let index = next++; index < distinct.length; index = next++) {
        const [command] = distinct.slice(index);
        endings[index] = command === undefined ? "" : await ending(writer.submit(command));
      }
    });
    while (next < distinct.length && kills < 20) kills += await kill();
    await Promise.all(callers);
    expect(kills).toBeGreaterThan(3);
    for (const found of endings) expect(["accepted", "replayed", "busy"]).toContain(found);

    const again = await Promise.all(distinct.map((command) => ending(writer.submit({ ...command, id: toPaymentId(newId()) }))));
    for (const [index, found] of again.entries()) expect(found).toMatch(endings[index] === "busy" ? /^(accepted|replayed)$/ : /^replayed$/);
    const { rows } = await owner.query<{ payments: string; entries: string; sum: string }>(
      `select count(distinct payment_id) as payments, count(*) as entries, sum(amount_minor) as sum from general_ledger.entry where account_id = any($1)`,
      [accounts],
    );
    expect(rows[0]).toEqual({ payments: String(distinct.length), entries: String(2 * distinct.length), sum: "0" });
  });

  /** One lane whose connection can be lost on the way, and which knows it after a third of a second. */
  async function openThroughWire(): Promise<{ writer: Writer; wire: CutWire }> {
    const wire = await openCutWire(database.appUrl);
    const lane = new Lane({ url: wire.url, role: database.appRole, name: "writer-1", silenceMs: 300 });
    const writer = openWriter(database, 1, { lanes: [lane] });
    opened.push(writer);
    return { writer, wire };
  }

  test("on the way: what was refused when it was sent again is not booked when the first sending arrives after all", async () => {
    const { writer, wire } = await openThroughWire();
    const [poor = "", rich = ""] = await someAccounts(2);
    await owner.query("update general_ledger.account set floor_minor = 0 where id = $1", [poor]);
    expect(await ending(writer.submit(aCommand(rich, rich, { ifVersion: { [rich]: 7n } })))).toBe("versionMismatch");
    wire.hold();
    expect(await ending(writer.submit(aCommand(poor, rich)))).toBe("insufficientFunds");
    expect(await ending(writer.submit(aCommand(rich, poor)))).toBe("accepted");
    await wire.deliver();
    expect(await balanceOf(poor)).toBe(1n);
    await wire.close();
  });

  test("and cannot be had again: what may have been booked is not told as if nothing could have happened", async () => {
    const { writer, wire } = await openThroughWire();
    const [a = "", b = ""] = await someAccounts(2);
    expect(await ending(writer.submit(aCommand(a, b)))).toBe("accepted");
    wire.hold();
    const lost = writer.submit(aCommand(a, b)).catch((error: unknown) => error);
    await new Promise(setImmediate);
    await wire.close();
    expect(await lost).toBeInstanceOf(OutcomeUnknown);
  });

  test("after the commit and before the answer: the payment's own id comes back, as a repeat of itself", async () => {
    const writer = aWriter();
    const [a = "", b = ""] = await someAccounts(2);
    const command = aCommand(a, b);
    expect(await ending(writer.submit(command))).toBe("accepted");
    // What the writer does after a broken connection: the same command once more.
    expect(await writer.submit(command)).toEqual({ outcome: "replayed", paymentId: command.id, change: 1 });
    expect(await balanceOf(a)).toBe(-1n);
  });
});

describe("two writers on one database", () => {
  test("that get one payment at once book it once, whichever accounts they were sent with", async () => {
    const writers = [aWriter(), aWriter()];
    const [a = "", b = "", c = "", d = ""] = await someAccounts(4);
    for (let round = 0; round < 60; round++) {
      const same = { externalId: newId(), content: newId() };
      const [one, other] =
        round % 2 === 0
          ? [aCommand(a, b, same), aCommand(a, b, same)]
          : [aCommand(a, b, same), aCommand(c, d, { ...same, content: newId() })];
      const endings = await Promise.all([
        ending(writers[0]?.submit(one) ?? expect.fail()),
        ending(writers[1]?.submit(other) ?? expect.fail()),
      ]);
      expect(endings.sort()).toEqual(["accepted", round % 2 === 0 ? "replayed" : "duplicateExternalId"]);
    }
  });

  test("that move money to and fro between the same accounts never end in a deadlock", async () => {
    const writers = [aWriter(), aWriter(), aWriter()];
    const accounts = await someAccounts(5);
    const endings = writers.flatMap((writer, w) =>
      Array.from({ length: 300 }, (_, i) =>
        ending(
          writer.submit(aCommand(accounts[(i + w) % 5] ?? "", accounts[(i * 2 + w + 1 + Number((i * 2 + 1 - i) % 5 === 0)) % 5] ?? "")),
        ),
      ),
    );
    expect(new Set(await Promise.all(endings))).toEqual(new Set(["accepted"]));
  });
});

describe("close", () => {
  test("waits until everything that was handed over is answered, and leaves no connection behind", async () => {
    const writer = openWriter(database, 2);
    const accounts = await someAccounts(6);
    let answered = 0;
    const endings = Array.from({ length: 1_500 }, async (_, i) => {
      const found = await ending(writer.submit(aCommand(accounts[i % 6] ?? "", accounts[(i + 1) % 6] ?? "")));
      answered++;
      return found;
    });
    await writer.close();
    expect(writer.load).toBe(0);
    expect(new Set(await Promise.all(endings))).toEqual(new Set(["accepted"]));
    expect(answered).toBe(1_500);
    await untilGone();
    expect(await connections()).toBe(0);
  });

  test("of a writer that has nothing to do, or never connected, returns", async () => {
    const idle = openWriter(database, 2);
    await idle.close();
    const used = openWriter(database, 2);
    const [a = "", b = ""] = await someAccounts(2);
    expect(await ending(used.submit(aCommand(a, b)))).toBe("accepted");
    await used.close();
  });
});

/** Runs `work` while another connection holds the account's row. */
async function holding(account: string, work: () => Promise<void>): Promise<void> {
  await owner.query("begin");
  try {
    await owner.query("select from general_ledger.account where id = $1 for update", [account]);
    await work();
  } finally {
    await owner.query("rollback");
  }
}

// Looked at outside of the transactions that `owner` opens: inside, what it sees of others stands still.
const LANES = "datname = current_database() and application_name like 'writer-%'";

async function connections(): Promise<number> {
  const { rows } = await watcher.query<{ count: string }>(`select count(*) from pg_stat_activity where ${LANES}`);
  return Number(rows[0]?.count);
}

/** Ends every lane that is at work; says how many. */
async function kill(): Promise<number> {
  const { rows } = await watcher.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${LANES} and state = 'active'`);
  return rows.length;
}

async function untilWaiting(): Promise<void> {
  for (;;) {
    const { rows } = await watcher.query(`select from pg_stat_activity where ${LANES} and wait_event_type = 'Lock'`);
    if (rows.length > 0) return;
  }
}

/** A backend leaves the list a moment after its connection has ended. */
async function untilGone(): Promise<void> {
  while ((await connections()) > 0);
}
