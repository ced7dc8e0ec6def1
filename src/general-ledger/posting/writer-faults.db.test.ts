// The writer when something goes wrong in a batch: a broken command, a lost connection, a database that is away. Only the culprit fails,
// nobody is told what is not so, and accounts keep their order.

import { OutcomeUnknown } from "#platform/db.ts";
import { toPaymentId } from "#platform/ids.ts";
import { Lane } from "#platform/lane.ts";
import { newId } from "#platform/new-id.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type CutWire, openCutWire } from "../../../test/setup/cut-wire.ts";
import {
  aBrokenCommand,
  aCommand,
  aWorthlessCommand,
  ending,
  openWriterBench,
  seqOf,
  type WriterBench,
} from "../../../test/setup/writer.ts";
import type { Writer } from "./writer.ts";

let bench: WriterBench;
beforeAll(async () => {
  bench = await openWriterBench();
});
afterEach(() => bench.closeWriters());
afterAll(() => bench.close());

describe("a broken command", () => {
  test.each([1, 5, 10])("at place %i of a batch fails alone; the others are booked, in their order", async (place) => {
    const writer = bench.aWriter(1);
    const [a = "", b = ""] = await bench.someAccounts(2);
    // The lane is busy while the batch gathers.
    const first = writer.submit(aCommand(a, b));
    await new Promise(setImmediate);
    const endings = Array.from({ length: 10 }, (_, i) => ending(writer.submit((i === place - 1 ? aBrokenCommand : aCommand)(a, b))));
    await first;
    const found = await Promise.all(endings);
    expect(found.filter((each) => each === "accepted")).toHaveLength(9);
    expect(found[place - 1]).toMatch(/date\/time field value out of range/);
    expect(await bench.balanceOf(a)).toBe(-10n);
  });

  test("is told once to whoever watches, with the size of its batch", async () => {
    const faults: number[] = [];
    const [a = "", b = ""] = await bench.someAccounts(2);
    const writer = bench.aWriter(1, { onFault: (_error, commands) => faults.push(commands) });
    const endings = [aCommand(a, b), aBrokenCommand(a, b), aCommand(a, b)].map((command) => ending(writer.submit(command)));
    expect((await Promise.all(endings)).filter((each) => each === "accepted")).toHaveLength(2);
    expect(faults).toEqual([3, 1]);
  });

  test("alone in its batch is told once, too", async () => {
    const faults: number[] = [];
    const writer = bench.aWriter(1, { onFault: (_error, commands) => faults.push(commands) });
    const [a = "", b = ""] = await bench.someAccounts(2);
    expect(await ending(writer.submit(aBrokenCommand(a, b)))).toMatch(/date\/time field value out of range/);
    expect(faults).toEqual([1]);
  });

  test("in each of two batches, one behind the other: both are written command by command, and nothing passes them", async () => {
    const writer = bench.aWriter(1);
    const [hot = "", a = ""] = await bench.someAccounts(2);
    const seqs: Promise<bigint | undefined>[] = [];
    const broken: Promise<string>[] = [];
    const submit = async (count: number) => {
      broken.push(ending(writer.submit(aWorthlessCommand(hot, a))));
      for (let i = 0; i < count; i++) seqs.push(seqOf(writer.submit(aCommand(hot, a))));
      await new Promise(setImmediate);
    };
    await bench.holding(hot, async () => {
      await submit(10);
      await bench.untilWaiting();
      await submit(40);
      // No more than two are in flight on a lane: these wait in the queue, until both are done.
      await submit(40);
    });
    expect(await Promise.all(seqs)).toEqual(Array.from({ length: 90 }, (_, i) => BigInt(i + 1)));
    for (const each of await Promise.all(broken)) expect(each).toMatch(/payment_line_amount_in_range/);
  });

  test("leaves the lane as patient as it was", async () => {
    const lane = new Lane({ url: bench.database.appUrl, role: bench.database.appRole, name: "writer-1" });
    const writer = bench.aWriter(1, { lanes: [lane] });
    const [a = "", b = ""] = await bench.someAccounts(2);
    const endings = await Promise.all([aBrokenCommand(a, b), aCommand(a, b)].map((command) => ending(writer.submit(command))));
    expect(endings[1]).toBe("accepted");
    expect(await lane.sql`select current_setting('lock_timeout') as patience`).toEqual([{ patience: "2s" }]);
  });

  test("holds up the others of its batch for five seconds at most; then they leave with 503, unbooked, and can be sent again", async () => {
    let nowMs = 0;
    const writer = bench.aWriter(1, {
      monotonicMs: () => nowMs,
      onFault: (_error, commands) => {
        if (commands === 1) nowMs += 5_001;
      },
    });
    const [a = "", b = ""] = await bench.someAccounts(2);
    const commands = [aCommand(a, b), aBrokenCommand(a, b), aCommand(a, b), aCommand(a, b)];
    const endings = await Promise.all(commands.map((command) => ending(writer.submit(command))));
    expect([endings[0], ...endings.slice(2)]).toEqual(["accepted", "busy", "busy"]);
    expect(await bench.balanceOf(a)).toBe(-1n);
    expect(await ending(writer.submit(commands[2] ?? expect.fail()))).toBe("accepted");
  });
});

describe("a database that is away, or takes too long", () => {
  test("is asked once for a batch, and not for each of its commands", async () => {
    const faults: number[] = [];
    const lane = new Lane({ url: "postgresql://nobody@127.0.0.1:1/nothing", role: null, name: "writer-1" });
    const writer = bench.aWriter(1, { lanes: [lane], onFault: (_error, commands) => faults.push(commands) });
    const endings = Array.from({ length: 3 }, () => ending(writer.submit(aCommand(newId(), newId()))));
    expect(await Promise.all(endings)).toEqual(["busy", "busy", "busy"]);
    expect(faults).toEqual([3]);
  });

  test("refuses a batch that it cancels whole, unbooked", async () => {
    const faults: number[] = [];
    const writer = bench.aWriter(1, { onFault: (_error, commands) => faults.push(commands) });
    const [a = "", b = ""] = await bench.someAccounts(2);
    const endings: Promise<string>[] = [];
    await bench.holding(a, async () => {
      for (let i = 0; i < 3; i++) endings.push(ending(writer.submit(aCommand(a, b))));
      await bench.untilWaiting();
      await bench.cancel();
      expect(await Promise.all(endings)).toEqual(["busy", "busy", "busy"]);
    });
    expect(faults).toEqual([3]);
    expect(await bench.balanceOf(a)).toBe(0n);
  });
});

test.each(["deadlock_detected", "serialization_failure"])("a batch that ends with %s is written again", async (condition) => {
  await bench.owner.query(`
    create sequence public.batches_seen;
    create function public.give_way() returns trigger language plpgsql as $$
    begin
      if nextval('public.batches_seen') = 1 then raise exception 'give way' using errcode = '${condition}'; end if;
      return null;
    end $$;
    create trigger gives_way before insert on general_ledger.payment for each statement execute function public.give_way()`);
  const faults: number[] = [];
  const writer = bench.aWriter(1, { onFault: (_error, commands) => faults.push(commands) });
  const [a = "", b = ""] = await bench.someAccounts(2);
  const endings = await Promise.all([aCommand(a, b), aCommand(a, b)].map((command) => ending(writer.submit(command))));
  await bench.owner.query("drop function public.give_way cascade; drop sequence public.batches_seen");
  expect(endings).toEqual(["accepted", "accepted"]);
  expect(faults).toEqual([]);
});

describe("a connection that is killed", () => {
  test("while it writes is replaced, and the caller gets its answer all the same", async () => {
    const writer = bench.aWriter();
    const [a = "", b = ""] = await bench.someAccounts(2);
    const endings: Promise<string>[] = [];
    await bench.holding(a, async () => {
      for (let i = 0; i < 3; i++) endings.push(ending(writer.submit(aCommand(a, b))));
      await bench.untilWaiting();
      expect(await bench.kill()).toBe(1);
    });
    expect(await Promise.all(endings)).toEqual(["accepted", "accepted", "accepted"]);
    expect(await bench.balanceOf(a)).toBe(-3n);
  });

  test("during load is replaced: each payment is there once, and whoever got 503 can send it again", async () => {
    const writer = bench.aWriter();
    const accounts = await bench.someAccounts(20);
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
    while (next < distinct.length && kills < 20) kills += await bench.kill();
    await Promise.all(callers);
    expect(kills).toBeGreaterThan(3);
    for (const found of endings) expect(["accepted", "replayed", "busy"]).toContain(found);

    const again = await Promise.all(distinct.map((command) => ending(writer.submit({ ...command, id: toPaymentId(newId()) }))));
    for (const [index, found] of again.entries()) expect(found).toMatch(endings[index] === "busy" ? /^(accepted|replayed)$/ : /^replayed$/);
    const { rows } = await bench.owner.query<{ payments: string; entries: string; sum: string }>(
      `select count(distinct payment_id) as payments, count(*) as entries, sum(amount_minor) as sum from general_ledger.entry where account_id = any($1)`,
      [accounts],
    );
    expect(rows[0]).toEqual({ payments: String(distinct.length), entries: String(2 * distinct.length), sum: "0" });
  });

  /** One lane whose connection can be lost on the way, and which knows it after a third of a second. */
  async function openThroughWire(changes: Parameters<WriterBench["aWriter"]>[1] = {}): Promise<{ writer: Writer; wire: CutWire }> {
    const wire = await openCutWire(bench.database.appUrl);
    const lane = new Lane({ url: wire.url, role: bench.database.appRole, name: "writer-1", silenceMs: 300 });
    const writer = bench.aWriter(1, { ...changes, lanes: [lane] });
    return { writer, wire };
  }

  test("on the way: what was refused when it was sent again is not booked when the first sending arrives after all", async () => {
    const { writer, wire } = await openThroughWire();
    const [poor = "", rich = ""] = await bench.someAccounts(2);
    await bench.owner.query("update general_ledger.account set floor_minor = 0 where id = $1", [poor]);
    expect(await ending(writer.submit(aCommand(rich, rich, { ifVersion: { [rich]: 7n } })))).toBe("versionMismatch");
    wire.hold();
    expect(await ending(writer.submit(aCommand(poor, rich)))).toBe("insufficientFunds");
    expect(await ending(writer.submit(aCommand(rich, poor)))).toBe("accepted");
    await wire.deliver();
    expect(await bench.balanceOf(poor)).toBe(1n);
    await wire.close();
  });

  test("by silence is not waited for again and again: after ten seconds its outcome is told as unknown", async () => {
    let nowMs = 0;
    const { writer, wire } = await openThroughWire({ monotonicMs: () => nowMs });
    const [a = "", b = ""] = await bench.someAccounts(2);
    expect(await ending(writer.submit(aCommand(a, b)))).toBe("accepted");
    wire.hold();
    const lost = writer.submit(aCommand(a, b)).catch((error: unknown) => error);
    await new Promise(setImmediate);
    nowMs += 10_001;
    expect(await lost).toBeInstanceOf(OutcomeUnknown);
    expect(await bench.balanceOf(a)).toBe(-1n);
    await wire.close();
  });

  test("and cannot be had again: what may have been booked is not told as if nothing could have happened", async () => {
    const { writer, wire } = await openThroughWire();
    const [a = "", b = ""] = await bench.someAccounts(2);
    expect(await ending(writer.submit(aCommand(a, b)))).toBe("accepted");
    wire.hold();
    const lost = writer.submit(aCommand(a, b)).catch((error: unknown) => error);
    await new Promise(setImmediate);
    await wire.close();
    expect(await lost).toBeInstanceOf(OutcomeUnknown);
  });

  test("after the commit and before the answer: the payment's own id comes back, as a repeat of itself", async () => {
    const writer = bench.aWriter();
    const [a = "", b = ""] = await bench.someAccounts(2);
    const command = aCommand(a, b);
    expect(await ending(writer.submit(command))).toBe("accepted");
    // What the writer does after a broken connection: the same command once more.
    expect(await writer.submit(command)).toEqual({ outcome: "replayed", paymentId: command.id, change: 1 });
    expect(await bench.balanceOf(a)).toBe(-1n);
  });
});
