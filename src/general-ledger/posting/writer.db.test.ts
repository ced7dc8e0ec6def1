// The writer against a real database: what it promises to each caller when accounts are locked, batches go behind others, several writers
// or the process ends.

import { busy } from "#platform/db.ts";
import { newId } from "#platform/new-id.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openWriter } from "../../../test/setup/ledger.ts";
import {
  aBrokenCommand,
  aCommand,
  aWorthlessCommand,
  ending,
  openWriterBench,
  seqOf,
  type WriterBench,
} from "../../../test/setup/writer.ts";
import type { PaymentCommand } from "./command.ts";
import { Writer } from "./writer.ts";

let bench: WriterBench;
beforeAll(async () => {
  bench = await openWriterBench();
});
afterEach(() => bench.closeWriters());
afterAll(() => bench.close());

test("commands of one account are booked in the order in which they were handed over, however many lanes there are", async () => {
  const writer = bench.aWriter(4);
  const accounts = await bench.someAccounts(8);
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
    await bench.holding(locked, async () => {
      endings = [ending(writer.submit(first))];
      await bench.untilWaiting();
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
    const writer = bench.aWriter(1, { onBatch: (commands) => batches.push(commands) });
    const [hot = "", a = "", b = ""] = await bench.someAccounts(3);
    const orders = [aCommand(hot, a), ...toHot(hot, [a, b])];
    const seqs: Promise<bigint | undefined>[] = [];
    await bench.holding(hot, async () => {
      seqs.push(seqOf(writer.submit(orders[0] ?? expect.fail())));
      await bench.untilWaiting();
      for (const order of orders.slice(1)) seqs.push(seqOf(writer.submit(order)));
      await new Promise(setImmediate);
      // Later ones wait in the queue: no more than two are in flight on a lane.
      seqs.push(seqOf(writer.submit(aCommand(hot, b))));
    });
    expect(await Promise.all(seqs)).toEqual(Array.from({ length: 42 }, (_, i) => BigInt(i + 1)));
    expect(batches).toEqual([1, 40, 1]);
  });

  test("is booked whatever becomes of the first, and a broken command in it fails alone", async () => {
    const writer = bench.aWriter(1);
    const [hot = "", a = "", b = ""] = await bench.someAccounts(3);
    const others = toHot(hot, [a, b]);
    others[7] = aBrokenCommand(hot, b);
    const endings = await sendBehind(writer, hot, aWorthlessCommand(hot, a), others, async () => {});
    expect(endings[0]).toMatch(/payment_line_amount_in_range/);
    expect(endings[8]).toMatch(/date\/time field value out of range/);
    expect(endings.filter((each) => each === "accepted")).toHaveLength(39);
    expect(await bench.balanceOf(hot)).toBe(-39n);
  });

  test("is written again with the first when the connection dies under both, each payment once", async () => {
    const writer = bench.aWriter(1);
    const [hot = "", a = "", b = ""] = await bench.someAccounts(3);
    const endings = await sendBehind(writer, hot, aCommand(hot, a), toHot(hot, [a, b]), async () => {
      expect(await bench.kill()).toBe(1);
    });
    expect(new Set(endings)).toEqual(new Set(["accepted"]));
    expect(await bench.balanceOf(hot)).toBe(-41n);
  });

  test("is looked for anew when another one has ended, and is sent only when it is large", async () => {
    const batches: number[] = [];
    const writer = bench.aWriter(1, { onBatch: (commands) => batches.push(commands) });
    const [hot = "", warm = "", a = "", b = ""] = await bench.someAccounts(4);
    const endings: Promise<string>[] = [];
    const submit = async (count: number, debit: string) => {
      for (let i = 0; i < count; i++) endings.push(ending(writer.submit(aCommand(debit, a))));
      await new Promise(setImmediate);
    };
    await bench.holding(warm, async () => {
      await bench.holding(hot, async () => {
        await submit(1, hot);
        await bench.untilWaiting();
        for (let i = 0; i < 20; i++) endings.push(ending(writer.submit(aCommand(warm, b))));
        // Of these 51 too few wait for what is in flight.
        await submit(31, hot);
      });
      while (batches.length === 0) await new Promise(setImmediate);
      await bench.untilWaiting();
      for (const count of [40, 40, 1]) await submit(count, hot);
    });
    expect(new Set(await Promise.all(endings))).toEqual(new Set(["accepted"]));
    expect(batches).toEqual([1, 51, 40, 41]);
  });

  test("is the only one there: what waits for other accounts of the first waits for its end", async () => {
    const batches: number[] = [];
    const writer = bench.aWriter(1, { onBatch: (commands) => batches.push(commands) });
    const [hot = "", warm = "", a = "", b = ""] = await bench.someAccounts(4);
    const first = { ...aCommand(hot, a), lines: [...aCommand(hot, a).lines, ...aCommand(warm, b).lines] };
    const waiting: Promise<string>[] = [];
    const endings = await sendBehind(writer, hot, first, toHot(hot, [a]), async () => {
      waiting.push(...toHot(warm, [b]).map((command) => ending(writer.submit(command))));
      await new Promise(setImmediate);
    });
    expect(new Set([...endings, ...(await Promise.all(waiting))])).toEqual(new Set(["accepted"]));
    expect(batches).toEqual([1, 40, 40]);
  });

  test("does not keep other accounts waiting when the first one is stuck", async () => {
    const writer = bench.aWriter();
    const [hot = "", a = "", b = "", c = ""] = await bench.someAccounts(4);
    const endings = await sendBehind(writer, hot, aCommand(hot, a), toHot(hot, [a]), async () => {
      for (let i = 0; i < 5; i++) expect(await ending(writer.submit(aCommand(b, c)))).toBe("accepted");
    });
    expect(new Set(endings)).toEqual(new Set(["accepted"]));
  });
});

describe("a locked account", () => {
  test("its commands leave with 503 after two seconds, those of other accounts go on meanwhile", async () => {
    const writer = bench.aWriter();
    const [locked = "", a = "", b = "", c = ""] = await bench.someAccounts(4);
    await bench.holding(locked, async () => {
      const waiting = ending(writer.submit(aCommand(locked, a)));
      await bench.untilWaiting();
      for (let i = 0; i < 50; i++) expect(await ending(writer.submit(aCommand(b, c)))).toBe("accepted");
      expect(
        await ending(Promise.race([writer.submit(aCommand(c, b)), waiting.then(() => Promise.reject(busy("the locked one came first")))])),
      ).toBe("accepted");
      expect(await waiting).toBe("busy");
    });
    expect(await ending(writer.submit(aCommand(locked, a)))).toBe("accepted");
    expect(await bench.balanceOf(locked)).toBe(-1n);
  });

  test("in the middle of a batch, it holds up those around it for a while, and refuses none of them", async () => {
    const writer = bench.aWriter(1);
    const [locked = "", a = "", b = "", c = ""] = await bench.someAccounts(4);
    await bench.holding(locked, async () => {
      const first = writer.submit(aCommand(b, c));
      await new Promise(setImmediate);
      const orders = [aCommand(locked, a), aCommand(b, c), aCommand(locked, a), aCommand(locked, b), aCommand(c, b), aCommand(a, b)];
      const endings = orders.map((command) => ending(writer.submit(command)));
      await first;
      expect(await Promise.all(endings)).toEqual(["busy", "accepted", "busy", "busy", "accepted", "accepted"]);
    });
  });

  test("what waits behind it in the queue leaves with 503 too, unbooked, and can be sent again", async () => {
    const writer = bench.aWriter();
    const [locked = "", a = "", b = ""] = await bench.someAccounts(3);
    const commands = Array.from({ length: 20 }, (_, i) => aCommand(locked, i % 2 === 0 ? a : b));
    await bench.holding(locked, async () => {
      const endings = commands.map((command) => ending(writer.submit(command)));
      expect(new Set(await Promise.all(endings))).toEqual(new Set(["busy"]));
    });
    expect(await bench.balanceOf(locked)).toBe(0n);
    for (const command of commands) expect(await ending(writer.submit(command))).toBe("accepted");
    expect(await bench.balanceOf(locked)).toBe(-20n);
  });
});

describe("beside a batch that waits for a lock", () => {
  test("many others are written at once, and few when the first of them has waited for a while", async () => {
    const batches: number[] = [];
    let nowMs = 5_000;
    const writer = bench.aWriter(2, { onBatch: (commands) => batches.push(commands), monotonicMs: () => nowMs });
    const [locked = "", a = "", b = "", c = ""] = await bench.someAccounts(4);
    const stuck: Promise<string>[] = [];
    await bench.holding(locked, async () => {
      stuck.push(ending(writer.submit(aCommand(locked, a))));
      await bench.untilWaiting();
      await Promise.all(Array.from({ length: 64 }, () => writer.submit(aCommand(b, c))));
      expect(batches).toEqual([64]);
      const few = [writer.submit(aCommand(b, c))];
      await new Promise(setImmediate);
      few.push(writer.submit(aCommand(b, c)));
      nowMs += 10;
      await Promise.all(few);
      expect(batches).toEqual([64, 2]);
    });
    expect(await Promise.all(stuck)).toEqual(["accepted"]);
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

describe("a list", () => {
  test("is told command by command, in order, whatever batches it went in; an empty one at once", async () => {
    const writer = bench.aWriter();
    const [a = "", b = "", c = "", d = ""] = await bench.someAccounts(4);
    const list = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? aCommand(a, newId()) : i % 2 === 0 ? aCommand(a, b) : aCommand(c, d)));
    const judged = await writer.submitAll(list);
    expect(judged.map(({ command }) => command)).toEqual(list);
    expect(judged.map(({ result }) => result.outcome)).toEqual(list.map((_, i) => (i % 3 === 0 ? "notFound" : "accepted")));
    const told = judged.flatMap(({ result }) => (result.outcome === "accepted" ? [result.payment.id] : []));
    expect(told).toEqual(list.filter((_, i) => i % 3 !== 0).map(({ id }) => id));
    expect(await writer.submitAll([])).toEqual([]);
  });

  test("of which one command cannot be written is refused as a whole, though the others are booked", async () => {
    const writer = bench.aWriter(1);
    const [a = "", b = ""] = await bench.someAccounts(2);
    const list = [aCommand(a, b), aBrokenCommand(a, b), aCommand(a, b)];
    await expect(writer.submitAll(list)).rejects.toThrow(/date\/time field value out of range/);
    while (writer.load > 0) await new Promise(setImmediate);
    expect(await bench.balanceOf(a)).toBe(-2n);
  });

  test("that does not fit into the queue is refused at once with 503, and nothing of it waits", async () => {
    let now = 0;
    const writer = new Writer({ lanes: [], timeZone: "UTC", monotonicMs: () => now });
    const fitting = writer.submitAll(Array.from({ length: 19_999 }, () => aCommand("a", "b")));
    await expect(writer.submitAll([aCommand("a", "b"), aCommand("a", "b")])).rejects.toMatchObject({ code: "busy", status: 503 });
    expect(writer.load).toBe(19_999);

    now = 2_001;
    await expect(fitting).rejects.toMatchObject({ code: "busy" });
    await writer.close();
  });
});

describe("two writers on one database", () => {
  test("that get one payment at once book it once, whichever accounts they were sent with", async () => {
    const writers = [bench.aWriter(), bench.aWriter()];
    const [a = "", b = "", c = "", d = ""] = await bench.someAccounts(4);
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
    const writers = [bench.aWriter(), bench.aWriter(), bench.aWriter()];
    const accounts = await bench.someAccounts(5);
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
    const writer = openWriter(bench.database, 2);
    const accounts = await bench.someAccounts(6);
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
    await bench.untilGone();
    expect(await bench.connections()).toBe(0);
  });

  test("of a writer that has nothing to do, or never connected, returns", async () => {
    const idle = openWriter(bench.database, 2);
    await idle.close();
    const used = openWriter(bench.database, 2);
    const [a = "", b = ""] = await bench.someAccounts(2);
    expect(await ending(used.submit(aCommand(a, b)))).toBe("accepted");
    await used.close();
  });
});
