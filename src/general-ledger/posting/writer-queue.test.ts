// The writer's queue: who goes into a batch, who waits, and that nobody waits for ever.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isChange, type LedgerCommand, linesOf, type PaymentCommand } from "./command.ts";
import { type Waiting, WriterQueue } from "./writer-queue.ts";

type Order = { readonly accounts: readonly string[]; readonly externalId?: string; readonly key?: string | null };

/** A command that moves 1 from each account to the next one. */
function command({ accounts, externalId = "", key = null }: Order): PaymentCommand {
  const lines = accounts.slice(1).map((creditAccountId, index) => ({
    debitAccountId: accounts[index] ?? "",
    creditAccountId,
    amountMinor: 1n,
    currency: "EUR",
    type: "transfer" as const,
    description: null,
  }));
  return {
    id: "",
    ownerTenant: "default",
    isConfined: false,
    createdBy: "test",
    externalId,
    content: "",
    key: key === null ? null : { id: key, request: "", traceId: "", keepsAbsence: false },
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
    lines,
  };
}

/** Adds "name: account account …" to a queue, in order. */
function queueOf(...orders: string[]): WriterQueue<string> {
  const queue = new WriterQueue<string>();
  for (const [index, text] of orders.entries()) add(queue, text, index);
  return queue;
}

function add(queue: WriterQueue<string>, text: string, sinceMs = 0): void {
  const [ticket = "", rest = ""] = text.split(": ");
  queue.add({ command: command({ accounts: rest.split(" "), externalId: ticket }), sinceMs, ticket });
}

const names = (batch: readonly Waiting<string>[]): string => batch.map(({ ticket }) => ticket).join(" ");

test("names are kept as long as somebody waits or is written under them, and no longer", () => {
  const queue = queueOf("1: a b", "2: a c");
  expect(queue.nameCount).toBe(5);
  const first = queue.take(1);
  queue.release(first);
  expect(queue.nameCount).toBe(3);
  add(queue, "3: c d", 9);
  queue.removeOlderThan(9);
  expect(queue.nameCount).toBe(3);
  queue.release(queue.take(100));
  expect(queue.nameCount).toBe(0);
});

describe("a batch", () => {
  test("takes everything that waits, in order, and keeps one account's commands together", () => {
    const queue = queueOf("1: a b", "2: c d", "3: a c");
    expect(names(queue.take(100))).toBe("1 2 3");
    expect(queue.length).toBe(0);
  });

  test("is empty when nothing waits", () => {
    expect(queueOf().take(100)).toEqual([]);
  });

  test("holds as many lines as are allowed, and one command always fits", () => {
    const queue = queueOf("1: a b c d e", "2: f g", "3: h i j", "4: k l");
    expect(names(queue.take(3))).toBe("1");
    expect(names(queue.take(3))).toBe("2 3");
    expect(names(queue.take(3))).toBe("4");
  });

  test("never takes a later command in place of one that does not fit", () => {
    const queue = queueOf("1: a b", "2: c d e f", "3: g h");
    expect(names(queue.take(2))).toBe("1");
    expect(names(queue.take(3))).toBe("2");
  });
});

describe("a command waits", () => {
  test("while one of its accounts is in flight, and others pass it", () => {
    const queue = queueOf("1: a b");
    const first = queue.take(100);
    for (const text of ["2: b c", "3: d e"]) add(queue, text);
    expect(names(queue.take(100))).toBe("3");
    expect(names(queue.take(100))).toBe("");
    queue.release(first);
    expect(names(queue.take(100))).toBe("2");
  });

  test("behind one that waits for an account of its own, even when that account is free", () => {
    const queue = queueOf("1: a b");
    const first = queue.take(100);
    for (const text of ["2: b c", "3: c d", "4: d e", "5: x y"]) add(queue, text);
    // 3 and 4 could run at once; they would overtake 2 on account c and then each other.
    expect(names(queue.take(100))).toBe("5");
    queue.release(first);
    expect(names(queue.take(100))).toBe("2 3 4");
  });

  test("for the end of a batch that holds its externalId or its key", () => {
    const queue = new WriterQueue<string>();
    queue.add({ command: command({ accounts: ["a", "b"], externalId: "X", key: "K" }), sinceMs: 0, ticket: "1" });
    queue.add({ command: command({ accounts: ["c", "d"], externalId: "X" }), sinceMs: 0, ticket: "2" });
    queue.add({ command: command({ accounts: ["e", "f"], externalId: "Y", key: "K" }), sinceMs: 0, ticket: "3" });
    const first = queue.take(100);
    expect([names(first), names(queue.take(100))]).toEqual(["1", ""]);
    queue.release(first);
    expect(names(queue.take(100))).toBe("2 3");
  });

  test("behind an earlier one with its externalId, whatever accounts both touch", () => {
    const queue = queueOf("1: a b");
    const first = queue.take(100);
    queue.add({ command: command({ accounts: ["a", "b"], externalId: "X" }), sinceMs: 0, ticket: "2" });
    queue.add({ command: command({ accounts: ["c", "d"], externalId: "X" }), sinceMs: 0, ticket: "3" });
    expect(names(queue.take(100))).toBe("");
    queue.release(first);
    const second = queue.take(100);
    expect(names(second)).toBe("2");
    queue.release(second);
    expect(names(queue.take(100))).toBe("3");
  });
});

describe("a payment that is changed or undone", () => {
  const terms = { description: null, reference: null, metadata: null, clientId: null, valueDate: "2026-01-01", askedValueDate: null };
  const life = { createdAt: new Date(0), expiresAt: null, reversesPaymentId: null };
  const order = { ownerTenant: "default", isConfined: false, createdBy: "test", key: null, reason: null, valueDate: null, captures: null };
  const change = (operation: "post" | "cancel", id: string, reversesPaymentId: string | null = null): LedgerCommand => {
    const lines = command({ accounts: [`${id}1`, `${id}2`] }).lines.map((line, index) => ({
      ...line,
      lineNo: index + 1,
      postedMinor: null,
    }));
    return { ...order, operation, payment: { ...terms, ...life, id, externalId: id, type: "transfer", lines, reversesPaymentId } };
  };
  const reversal = (accounts: readonly string[], externalId: string, id: string): LedgerCommand => ({
    ...command({ accounts, externalId }),
    type: "reversal",
    reversesPaymentId: id,
  });
  const queueWith = (...commands: readonly LedgerCommand[]): WriterQueue<string> => {
    const queue = new WriterQueue<string>();
    for (const [index, each] of commands.entries()) queue.add({ command: each, sinceMs: 0, ticket: `${index + 1}` });
    return queue;
  };

  test.each<[string, readonly LedgerCommand[], string]>([
    ["two changes of one", [change("post", "p"), change("cancel", "p"), change("post", "q")], "1 3"],
    ["two reversals of one", [reversal(["a", "b"], "x", "p"), reversal(["c", "d"], "y", "p"), reversal(["e", "f"], "z", "q")], "1 3"],
    ["a change of one and its reversal", [change("post", "p"), reversal(["p2", "p1"], "x", "p")], "1"],
    ["a change of a reversal and another reversal", [change("cancel", "r", "p"), reversal(["c", "d"], "x", "p")], "1"],
  ])("stands once in a batch, and in one batch at a time: %s", (_, commands, first) => {
    const queue = queueWith(...commands);
    const batch = queue.take(100);
    expect(names(batch)).toBe(first);
    expect(names(queue.take(100))).toBe("");
    expect(names(queue.takeBehind(batch, 100, 1))).toBe("");
    queue.release(batch);
    expect(names(queue.take(100))).toBe("2");
  });
});

describe("behind a batch in flight", () => {
  test("goes what waits for its accounts, and for those of what goes there, and nothing else", () => {
    const queue = queueOf("1: hot a");
    const leader = queue.take(100);
    for (const text of ["2: hot b", "3: c d", "4: b e", "5: d f", "6: hot g"]) add(queue, text);
    expect(names(queue.takeBehind(leader, 100, 1))).toBe("2 4 6");
    expect(names(queue.take(100))).toBe("3 5");
  });

  test("goes nothing that waits for another batch, too, or for something that does", () => {
    const queue = queueOf("1: hot a");
    const leader = queue.take(100);
    add(queue, "2: x y");
    const other = queue.take(100);
    for (const text of ["3: hot x", "4: hot b"]) add(queue, text);
    expect(names(queue.takeBehind(leader, 100, 1))).toBe("");
    queue.release(other);
    expect(names(queue.takeBehind(leader, 100, 1))).toBe("3 4");
  });

  test("goes nothing when it would be too little, and no more lines than are allowed", () => {
    const queue = queueOf("1: hot a");
    const leader = queue.take(100);
    for (const text of ["2: hot b", "3: hot c", "4: hot d"]) add(queue, text);
    expect(names(queue.takeBehind(leader, 100, 4))).toBe("");
    expect(names(queue.takeBehind(leader, 2, 1))).toBe("2 3");
    expect(queue.length).toBe(1);
  });

  test("goes nothing with an externalId or a key of its own batch", () => {
    const queue = new WriterQueue<string>();
    queue.add({ command: command({ accounts: ["a", "b"], externalId: "X", key: "K" }), sinceMs: 0, ticket: "1" });
    const leader = queue.take(100);
    queue.add({ command: command({ accounts: ["a", "b"], externalId: "X" }), sinceMs: 0, ticket: "2" });
    queue.add({ command: command({ accounts: ["a", "c"], externalId: "Y", key: "K" }), sinceMs: 0, ticket: "3" });
    expect(names(queue.takeBehind(leader, 100, 1))).toBe("");
  });
});

test("externalIds of different tenants are different names", () => {
  const queue = new WriterQueue<string>();
  for (const [ticket, ownerTenant] of [
    ["1", "north"],
    ["2", "south"],
  ] as const) {
    queue.add({ command: { ...command({ accounts: [`${ticket}a`, `${ticket}b`], externalId: "X" }), ownerTenant }, sinceMs: 0, ticket });
  }
  expect(names(queue.take(100))).toBe("1 2");
});

test("what has waited too long leaves, the rest keeps its order", () => {
  const queue = queueOf("1: a b", "2: a b", "3: c d", "4: a b");
  expect(names(queue.removeOlderThan(2))).toBe("1 2");
  expect([queue.length, names(queue.take(100))]).toEqual([2, "3 4"]);
  expect(queue.removeOlderThan(Number.POSITIVE_INFINITY)).toEqual([]);
});

test("a hot account holds up nobody else, however long its queue", () => {
  const queue = queueOf("0: hot x");
  const first = queue.take(100);
  for (let i = 0; i < 6_000; i++) add(queue, `h${i}: hot y${i}`);
  add(queue, "free: a b");
  expect(names(queue.take(100))).toBe("free");
  queue.release(first);
  expect(queue.take(100)).toHaveLength(100);
});

type Step = { readonly accounts: readonly string[]; readonly externalId: string; readonly key: string | null } | "take" | "behind" | "end";

const accounts = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f", "g"), { minLength: 2, maxLength: 4 });
const arrival = fc.record({
  accounts,
  externalId: fc.constantFrom("x", "y", "z", "u", "v", "w"),
  key: fc.option(fc.constantFrom("k", "l")),
});
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: arrival },
    { weight: 3, arbitrary: fc.constant<Step>("take") },
    { weight: 3, arbitrary: fc.constant<Step>("behind") },
    { weight: 2, arbitrary: fc.constant<Step>("end") },
  ),
  {
    maxLength: 120,
  },
);

test("in any order of arrivals, batches and ends: accounts and names keep their order, batches side by side are disjoint, nobody starves", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 8 }), fc.infiniteStream(fc.nat(100)), (list, linesMax, choices) => {
      const queue = new WriterQueue<number>();
      /** As on lanes: the first of each runs, a second one waits behind it. */
      const lanes: Waiting<number>[][][] = [];
      const done = new Map<string, number[]>();
      let arrived = 0;
      const pick = (count: number): number => (choices.next().value ?? 0) % Math.max(1, count);
      const go = (batch: Waiting<number>[], lane: Waiting<number>[][]): void => {
        expectFitting(batch, linesMax);
        for (const others of lanes) if (others !== lane) for (const other of others) expect(sharedNames(batch, other)).toEqual([]);
        for (const other of lane) expect(sharedNames(batch, other).filter((name) => name.includes(" "))).toEqual([]);
        for (const { command: each, ticket } of batch)
          for (const name of namesOf(each)) done.set(name, [...(done.get(name) ?? []), ticket]);
        lane.push(batch);
      };
      const take = (): void => {
        const batch = queue.take(linesMax);
        const lane: Waiting<number>[][] = [];
        if (batch.length === 0) return;
        go(batch, lane);
        lanes.push(lane);
      };
      const follow = (): void => {
        const lane = lanes[pick(lanes.length)];
        const [leader] = lane ?? [];
        if (lane === undefined || leader === undefined || lane.length > 1) return;
        const batch = queue.takeBehind(leader, linesMax, 1);
        if (batch.length > 0) go(batch, lane);
      };
      const end = (): void => {
        const index = pick(lanes.length);
        const batch = lanes[index]?.shift();
        if (batch !== undefined) queue.release(batch);
        if (lanes[index]?.length === 0) lanes.splice(index, 1);
      };
      for (const step of list) {
        if (step === "take") take();
        else if (step === "behind") follow();
        else if (step === "end") end();
        else queue.add({ command: command(step), sinceMs: 0, ticket: arrived++ });
      }
      // Whatever is in flight ends: what waits goes, in as many batches as there are commands at most.
      for (let rounds = 0; rounds <= arrived; rounds++) {
        while (lanes.length > 0) end();
        take();
      }
      expect(queue.length).toBe(0);
      // Tickets were drawn at arrival: along each account and each name they must rise.
      for (const [name, tickets] of done) expect([name, tickets]).toEqual([name, tickets.toSorted((a, b) => a - b)]);
    }),
    { numRuns: 400 },
  );
});

function expectFitting(batch: readonly Waiting<number>[], linesMax: number): void {
  const lines = batch.reduce((sum, { command: each }) => sum + linesOf(each).length, 0);
  if (batch.length > 1) expect(lines).toBeLessThanOrEqual(linesMax);
  const once = batch.flatMap(({ command: each }) => uniqueNames(each));
  expect(once).toHaveLength(new Set(once).size);
}

function uniqueNames(each: LedgerCommand): string[] {
  const { key } = each;
  return [`name ${isChange(each) ? each.payment.id : each.externalId}`, ...(key === null ? [] : [`key ${key.id}`])];
}

function namesOf(each: LedgerCommand): string[] {
  return [...new Set(linesOf(each).flatMap((line) => [line.debitAccountId, line.creditAccountId])), ...uniqueNames(each)];
}

function sharedNames(one: readonly Waiting<number>[], other: readonly Waiting<number>[]): string[] {
  const taken = new Set(other.flatMap(({ command: each }) => namesOf(each)));
  return one.flatMap(({ command: each }) => namesOf(each)).filter((name) => taken.has(name));
}
