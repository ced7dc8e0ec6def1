// The feed of the ledger's changes: all of them, once, in the order of their commits, to those who may see them, and always in the same words.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import type { TestCalls } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

type Event = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly tenant: string;
};
type Page = { readonly items: readonly Event[]; readonly lastSequence: number; readonly hasMore: boolean };

let bank: LedgerApp;
let reader: TestCalls;
beforeAll(async () => {
  bank = await openLedgerApp();
  reader = bank.callAs({ kind: "system", scopes: ["events.read"] });
});
afterAll(() => bank.close());

const readerOf = (tenant: string): TestCalls => bank.callAs({ kind: "system", scopes: ["events.read"], tenant });

async function read(query: Readonly<Record<string, unknown>> = {}, calls = reader): Promise<Page> {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]));
  return bodyOf(await calls.get(`/internal/Events?${text.toString()}`)) as unknown as Page;
}

/** Walks to the end as a consumer does. */
async function walk(limit: number, calls = reader, after = 0): Promise<{ items: Event[]; last: number }> {
  const items: Event[] = [];
  let last = after;
  for (let hasMore = true; hasMore; ) {
    const page = await read({ after: last, limit }, calls);
    items.push(...page.items);
    last = page.lastSequence;
    hasMore = page.hasMore;
  }
  return { items, last };
}

async function head(): Promise<number> {
  const { rows } = await bank.owner.query<{ last: string }>("select last_sequence as last from general_ledger.ledger_head");
  return Number(rows[0]?.last);
}

/** Every change as the journal has it, read without the feed. */
async function journal(): Promise<{ sequence: number; type: string; subject: string }[]> {
  const { rows } = await bank.owner.query<{ sequence: string; type: string; subject: string }>(
    `select j.first_sequence + u.n - 1 as sequence, u.change as type, split_part(u.change::text, '.', 1) || ':' || u.subject as subject
     from general_ledger.journal j cross join lateral unnest(j.changes, j.subjects) with ordinality u(change, subject, n) order by 1`,
  );
  return rows.map((row) => ({ ...row, sequence: Number(row.sequence) }));
}

const TIME: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const numbers = (items: readonly Event[]): number[] => items.map(({ sequence }) => sequence);
const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("an event", () => {
  test("of an account says which one it is, and nothing that may change", async () => {
    const before = await head();
    const account = await bank.aClientAccount({ tenant: "north" });
    const { items } = await read({ after: before });
    expect(items).toEqual([
      {
        specversion: "1.0",
        id: `ledger-${before + 1}`,
        source: "/finlego/ledger",
        type: "account.opened",
        subject: `account:${account.id}`,
        time: TIME,
        sequence: before + 1,
        tenant: "north",
        datacontenttype: "application/json",
        data: { accountId: account.id, type: "client", category: "liability", currency: "EUR", clientId: account.clientId },
      },
    ]);
  });

  test("of a payment in one step says all that was booked, line by line", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const before = await head();
    const externalId = unique("event");
    const transactions = [aLine(payer, payee, "30.00"), aLine(payer, payee, "0.50", { type: "fee", description: "A name" })];
    const order = {
      externalId,
      type: "withdrawal",
      valueDate: "2024-02-29",
      description: "A name",
      reference: "R1",
      metadata: { a: "A name" },
    };
    const payment = bodyOf(await bank.transfer({ ...order, transactions }));
    const page = await read({ after: before });
    const line = { debitAccountId: payer.id, creditAccountId: payee.id, currency: "EUR" };
    const stem = String(payment["id"]).slice(0, 34);
    expect(page).toEqual({
      items: [
        {
          specversion: "1.0",
          id: `ledger-${String(payment["sequence"])}`,
          source: "/finlego/ledger",
          type: "payment.posted",
          subject: `payment:${String(payment["id"])}`,
          time: TIME,
          sequence: payment["sequence"],
          tenant: "default",
          datacontenttype: "application/json",
          data: {
            paymentId: payment["id"],
            externalId,
            type: "withdrawal",
            state: "posted",
            clientId: payer.clientId,
            valueDate: "2024-02-29",
            reversesPaymentId: null,
            lines: [
              { id: `${stem}02`, ...line, amount: "30.00", type: "withdrawal" },
              { id: `${stem}04`, ...line, amount: "0.50", type: "fee" },
            ],
          },
        },
      ],
      lastSequence: before + 1,
      hasMore: false,
    });
    expect(JSON.stringify(page)).not.toContain("A name");
  });

  test("has the same bytes for every reader, also after its account was used again", async () => {
    const account = await bank.aFundedAccount("5.00");
    const { items } = await walk(1000);
    bodyOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "5.00")));
    expect(JSON.stringify((await walk(7)).items.slice(0, items.length))).toBe(JSON.stringify(items));
  });
});

describe("a payment in two phases", () => {
  const draft = async (order: object): Promise<Readonly<Record<string, unknown>>> =>
    bodyOf(await bank.system.post("/v2/internal/Payments", order));
  const step = async (
    payment: Readonly<Record<string, unknown>>,
    verb: string,
    body: object = {},
  ): Promise<Readonly<Record<string, unknown>>> =>
    bodyOf(await bank.system.post(`/v2/internal/Payments/${String(payment["id"])}/${verb}`, body));
  const linesOf = ({ data }: Event): unknown => (data as { lines: { amount: string }[] }).lines.map(({ amount }) => amount);

  test("is an event at each step, with what that step settled, also when it is read after the last one", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const began = await head();
    const transactions = [aLine(payer, payee, "30.00"), aLine(payer, payee, "5.00"), aLine(payer, payee, "2.00")];
    const externalId = unique("phases");
    const seen: Event[] = [];
    const look = async (): Promise<void> => void seen.push(...(await read({ after: began + seen.length })).items);

    const payment = await draft({ externalId, transactions });
    await look();
    await step(payment, "pend", { reason: "A name" });
    await look();
    const [first, second] = payment["transactions"] as { id: string }[];
    await step(payment, "post", {
      valueDate: "2024-03-01",
      transactions: [
        { id: first?.id, amount: "12.34" },
        { id: second?.id, amount: "5.00" },
      ],
    });
    await look();

    expect(seen.map(({ type, sequence }) => [type, sequence - began])).toEqual([
      ["payment.drafted", 1],
      ["payment.pending", 2],
      ["payment.posted", 3],
    ]);
    expect(seen.map(({ data }) => data)).toMatchObject([
      { paymentId: payment["id"], externalId, state: "draft", valueDate: payment["valueDate"], clientId: payer.clientId },
      { paymentId: payment["id"], externalId, state: "pending", valueDate: payment["valueDate"] },
      { paymentId: payment["id"], externalId, state: "posted", valueDate: "2024-03-01" },
    ]);
    // What a partial capture releases whole stands there with nothing.
    expect(seen.map(linesOf)).toEqual([
      ["30.00", "5.00", "2.00"],
      ["30.00", "5.00", "2.00"],
      ["12.34", "5.00", "0.00"],
    ]);
    const again = (await read({ after: began })).items;
    expect(JSON.stringify(again)).toBe(JSON.stringify(seen));
    expect(JSON.stringify(again)).not.toContain("A name");
  });

  test("that is held at once and cancelled says so, and what was ordered", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const began = await head();
    const payment = await draft({ externalId: unique("held"), transactions: [aLine(payer, payee, "7.00")], state: "pending" });
    await step(payment, "cancel", { reason: "A name" });
    const { items } = await read({ after: began });
    expect(items.map(({ type, data }) => [type, (data as { state: string }).state])).toEqual([
      ["payment.pending", "pending"],
      ["payment.cancelled", "cancelled"],
    ]);
    expect(items.map(linesOf)).toEqual([["7.00"], ["7.00"]]);
  });

  test("that undoes another one names it", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const payment = bodyOf(await bank.transfer(aTransfer(payer, payee, "7.00")));
    const began = await head();
    bodyOf(await bank.transfer({ externalId: unique("back"), type: "reversal", reversesPaymentId: payment["id"] }));
    expect((await read({ after: began })).items).toMatchObject([
      {
        type: "payment.posted",
        data: { type: "reversal", reversesPaymentId: payment["id"], lines: [{ debitAccountId: payee.id, creditAccountId: payer.id }] },
      },
    ]);
  });
});

test("every change of an account is an event, one for each account that it touched", async () => {
  const account = await bank.aClientAccount();
  const open = { type: "client", clientId: account.clientId, currency: "EUR" };
  const heir = bodyOf(await bank.system.post("/v2/internal/Accounts", open));
  const began = await head();
  const path = `/v2/internal/Accounts/${account.id}`;
  bodyOf(await bank.system.patch(path, { name: "A name", creditLimit: "10.00" }));
  bodyOf(await bank.system.put(`${path}/block`, { debit: true, credit: true, reason: "A name" }));
  bodyOf(await bank.system.put(`${path}/unblock`, { debit: true, credit: true, reason: "A name" }));
  bodyOf(await bank.system.put(`${path}/close`));
  const page = await read({ after: began });
  expect(page.items.map(({ type, subject, sequence }) => [sequence - began, type, subject])).toEqual([
    [1, "account.changed", `account:${account.id}`],
    [2, "account.blocked", `account:${account.id}`],
    [3, "account.unblocked", `account:${account.id}`],
    [4, "account.closed", `account:${account.id}`],
    // The default of the currency goes to the client's other account.
    [5, "account.changed", `account:${String(heir["id"])}`],
  ]);
  expect(new Set(page.items.slice(0, 4).map(({ data }) => JSON.stringify(data))).size).toBe(1);
  expect(JSON.stringify(page)).not.toContain("A name");
});

describe("pages", () => {
  test.each([1, 3, 10, 1000])("of %i tell every change once, in the order of the journal", async (limit) => {
    const batch = { payments: await someTransfers(20) };
    bodyOf(await bank.system.post("/v2/internal/Payments/batch", batch));
    const { items, last } = await walk(limit);
    const expected = await journal();
    expect(items.map(({ sequence, type, subject }) => ({ sequence, type, subject }))).toEqual(expected);
    expect(last).toBe(expected.length);
    const times = items.map(({ time }) => Date.parse(String(time)));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("begin anywhere, also in the middle of what was committed together", async () => {
    const began = await head();
    const payments = await someTransfers(9);
    bodyOf(await bank.system.post("/v2/internal/Payments/batch", { payments }));
    const last = await head();
    for (let after = began; after <= last; after++) {
      expect(numbers((await read({ after })).items)).toEqual(upTo(last, after + 1));
      expect(await read({ after, limit: 2 })).toMatchObject({ lastSequence: Math.min(last, after + 2), hasMore: after + 2 < last });
    }
  });

  test("beyond the end are empty and stay where the reader stood", async () => {
    const last = await head();
    for (const after of [last, last + 1, last + 1_000_000, Number.MAX_SAFE_INTEGER]) {
      expect(await read({ after })).toEqual({ items: [], lastSequence: after, hasMore: false });
    }
  });

  test("are of a hundred unless asked otherwise, from the first change on", async () => {
    while ((await head()) <= 100) bodyOf(await bank.system.post("/v2/internal/Payments/batch", { payments: await someTransfers(50) }));
    const page = await read();
    expect(numbers(page.items)).toEqual(upTo(100));
    expect(page).toMatchObject({ lastSequence: 100, hasMore: true });
  });

  test("end early behind many lines, and the next one goes on there", async () => {
    const began = await head();
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const transactions = Array.from({ length: 50 }, () => aLine(payer, payee, "0.01"));
    const payments = Array.from({ length: 120 }, () => ({ externalId: unique("long"), transactions }));
    bodyOf(await bank.system.post("/v2/internal/Payments/batch", { payments }));
    const page = await read({ after: began, limit: 1000 });
    expect(page.items.length).toBeGreaterThan(50);
    expect(page).toMatchObject({ lastSequence: page.items.at(-1)?.sequence, hasMore: true });
    expect(numbers((await walk(1000, reader, began)).items)).toEqual(upTo(await head(), began + 1));
  }, 60_000);
});

test("a refused payment and a repeat take no number", async () => {
  const [poor, payee] = [await bank.aFundedAccount("1.00"), await bank.anAccount()];
  const order = aTransfer(poor, payee, "1.00");
  bodyOf(await bank.transfer(order));
  const before = await head();
  expect((await bank.transfer(aTransfer(poor, payee, "1.00"))).status).toBe(409);
  bodyOf(await bank.transfer(order));
  expect(await read({ after: before })).toEqual({ items: [], lastSequence: before, hasMore: false });
});

test("a poller beside 32 writers sees every change once, in order, and none that is taken back", async () => {
  const began = await head();
  const accounts = await Promise.all(Array.from({ length: 8 }, () => bank.anAccount()));
  const writing = new AbortController();
  const seen: number[] = [];
  const poll = async (): Promise<void> => {
    let after = began;
    while (!writing.signal.aborted || after < (await head())) {
      const page = await read({ after, limit: 17 });
      expect(numbers(page.items)).toEqual(upTo(page.lastSequence, after + 1));
      seen.push(...numbers(page.items));
      after = page.lastSequence;
    }
  };
  const pick = (n: number): TestAccount => accounts[n % accounts.length] as TestAccount;
  const writers = Array.from({ length: 32 }, async (_, worker) => {
    for (let round = 0; round < 12; round++) {
      // Openings commit on the pool's connections, payments on the lanes': numbers are drawn on both.
      if (round % 4 === 3) await bank.anAccount();
      else bodyOf(await bank.transfer(aTransfer(pick(worker + round), pick(worker + round + 1), "0.01")));
    }
  });
  const written = Promise.all(writers).finally(() => writing.abort());
  await Promise.all([written, poll()]);
  expect(seen).toEqual(upTo(await head(), began + 1));
  expect(seen).toHaveLength(8 + 32 * 12);
});

describe("a caller confined to a tenant", () => {
  test("sees that tenant's changes under their own numbers, and reads on through those of others", async () => {
    const began = await head();
    const [north, south] = [await bank.aFundedAccount("10.00", { tenant: "hill" }), await bank.aFundedAccount("10.00", { tenant: "dale" })];
    bodyOf(await bank.systemOf("hill").post("/v2/internal/Payments/transfer", aTransfer(north, await openIn("hill"), "1.00")));
    bodyOf(await bank.systemOf("dale").post("/v2/internal/Payments/transfer", aTransfer(south, await openIn("dale"), "1.00")));
    const all = (await walk(1000, reader, began)).items;
    for (const tenant of ["hill", "dale"]) {
      for (const limit of [1, 4, 1000]) {
        const { items, last } = await walk(limit, readerOf(tenant), began);
        expect(items).toEqual(all.filter((event) => event.tenant === tenant));
        expect(items.length).toBeGreaterThan(2);
        expect(last).toBe(await head());
      }
    }
    expect((await walk(1000, readerOf("nobody"))).items).toEqual([]);
  });

  test("goes over thousands of others' changes in pages that may be empty", async () => {
    const began = await head();
    for (let i = 0; i < 2; i++) bodyOf(await bank.system.post("/v2/internal/Payments/batch", { payments: await someTransfers(1000) }));
    const account = await openIn("far");
    const first = await read({ after: began, limit: 1 }, readerOf("far"));
    expect(first).toEqual({ items: [], lastSequence: began + 500, hasMore: true });
    expect(await read({ after: began, limit: 1000 }, readerOf("far"))).toEqual({ items: [], lastSequence: began + 2000, hasMore: true });
    expect((await walk(1, readerOf("far"), began)).items).toMatchObject([{ subject: `account:${account.id}` }]);
  }, 60_000);
});

describe("the question", () => {
  test.each([
    ["after=-1", "after"],
    ["after=1.5", "after"],
    ["after=ten", "after"],
    ["after=", "after"],
    ["after=9007199254740992", "after"],
    ["after=99999999999999999999", "after"],
    ["after=NaN", "after"],
    ["after=1&after=2", "after"],
    ["after=1%20or%201=1", "after"],
    ["after=%00", "after"],
    ["limit=0", "limit"],
    ["limit=-1", "limit"],
    ["limit=1001", "limit"],
    ["limit=all", "limit"],
    ["limit=", "limit"],
    ["cursor=x", "cursor"],
    ["tenant=north", "tenant"],
    ["__proto__=x", "__proto__"],
  ])("%s is 400, and the field is named", async (query, field) => {
    const { status, body } = await reader.get(`/internal/Events?${query}`);
    expect([status, body["code"], Object.keys(body["errors"] as object)]).toEqual([400, "validationFailed", [field]]);
  });

  test("needs the scope events.read, which no other scope implies", async () => {
    expect((await bank.callAs(null).get("/internal/Events")).status).toBe(401);
    expect((await bank.system.get("/internal/Events")).status).toBe(403);
    expect((await bank.clientCalls("0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00").get("/internal/Events")).status).toBe(403);
    expect((await reader.get("/internal/Transactions?accountId=0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00")).status).toBe(403);
    expect((await reader.get("/INTERNAL/events?limit=1")).status).toBe(200);
  });
});

test("a hole in the journal stops the feed: nothing is passed by in silence", async () => {
  const other = await openLedgerApp();
  try {
    for (let i = 0; i < 5; i++) await other.anAccount();
    await other.owner.query("alter table general_ledger.journal disable trigger user");
    await other.owner.query("delete from general_ledger.journal where first_sequence = 3");
    const calls = other.callAs({ kind: "system", scopes: ["events.read"] });
    expect((await read({ limit: 2 }, calls)).items).toHaveLength(2);
    for (const query of ["", "?after=2", "?after=2&limit=1", "?limit=3"]) {
      expect(await calls.get(`/internal/Events${query}`)).toMatchObject({ status: 500, body: { code: "internalError" } });
    }
    expect(numbers((await read({ after: 3 }, calls)).items)).toEqual([4, 5]);
  } finally {
    await other.close();
  }
});

/** So many bodies of operation 41. */
async function someTransfers(count: number): Promise<Record<string, unknown>[]> {
  const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
  return Array.from({ length: count }, () => aTransfer(payer, payee, "0.01"));
}

async function openIn(tenant: string): Promise<TestAccount> {
  return bodyOf(await bank.systemOf(tenant).post("/v2/internal/Accounts", { type: "clearing", currency: "EUR" })) as TestAccount;
}
