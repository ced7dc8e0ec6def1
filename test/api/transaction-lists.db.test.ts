// Operations 28, 30 and 31 against a model: every pair of filters, every order, pages of any size, by cursor and by number.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aBusyBank, type BusyBank, type BusyTransaction, inOrder } from "../busy-bank.ts";
import { random } from "../random.ts";
import type { TestAnswer, TestCalls } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

const draw = random();
let bank: LedgerApp;
let busy: BusyBank;
beforeAll(async () => {
  bank = await openLedgerApp();
  busy = await aBusyBank(bank, draw, 80);
}, 60_000);
afterAll(() => bank.close());

type Query = Readonly<Record<string, unknown>>;
type Item = Readonly<Record<string, unknown>> & { readonly id: string };
type Page = { items: Item[]; nextCursor: string | null; totalCount?: number };

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [value]);
const inQuery = (query: Query): string =>
  new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => listOf(value).map((each): [string, string] => [name, String(each)])),
  ).toString();

/** All items that the list gives, page by page, by cursor. */
async function walk(ask: (query: Query) => Promise<TestAnswer>, query: Query): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page = bodyOf(
      await ask({ ...query, pageSize: draw.pick([1, 3, 7, 20, 100]), ...(cursor === null ? {} : { cursor }) }),
    ) as unknown as Page;
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

const cents = (amount: string): bigint => {
  const [whole = "", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(4, "0"));
};
const datedAt = (item: BusyTransaction): string => item.postedAt ?? item.createdAt;

/** What each filter means, and values for it. A list of values is any of them. */
const FILTERS: Readonly<Record<string, { value: () => unknown; keeps: (item: BusyTransaction, value: never) => boolean }>> = {
  accountIds: {
    value: () => draw.list(2, () => draw.pick(busy.accounts).id),
    keeps: (item, ids: string[]) => ids.includes(item.accountId),
  },
  clientIds: {
    value: () => draw.list(2, () => draw.pick(busy.accounts.filter(({ clientId }) => clientId !== null)).clientId),
    keeps: (item, ids: string[]) => ids.includes(busy.accounts.find(({ id }) => id === item.accountId)?.clientId ?? ""),
  },
  paymentIds: {
    value: () => draw.list(8, () => draw.pick(busy.payments).id),
    keeps: (item, ids: string[]) => ids.includes(item.paymentId),
  },
  direction: { value: () => draw.pick(["debit", "credit"]), keeps: (item, value: string) => item.direction === value },
  types: {
    value: () => draw.list(2, () => draw.pick(["deposit", "fee", "transfer"])),
    keeps: (item, types: string[]) => types.includes(item.type),
  },
  states: {
    value: () => draw.pick([["pending"], ["posted"], ["cancelled"], ["pending", "cancelled"]]),
    keeps: (item, states: string[]) => states.includes(item.state),
  },
  currencies: { value: () => draw.pick([["EUR"], ["JPY", "KWD"], ["USD"]]), keeps: (item, all: string[]) => all.includes(item.currency) },
  amountFrom: {
    value: () => draw.pick(["0", "0.005", "1", "10.5", "10.505"]),
    keeps: (item, value: string) => cents(item.amount) >= cents(value),
  },
  amountTo: {
    value: () => draw.pick(["0.001", "1.004", "10.50", "99.999"]),
    keeps: (item, value: string) => cents(item.amount) <= cents(value),
  },
  dateFrom: { value: () => datedAt(draw.pick(busy.transactions)), keeps: (item, value: string) => datedAt(item) >= value },
  dateTo: { value: () => datedAt(draw.pick(busy.transactions)), keeps: (item, value: string) => datedAt(item) < value },
  search: {
    value: () => draw.pick(["rent", "RENT", "%", "_", "\\", "äpfel", "r2", "'", "nothing"]),
    keeps: (item, value: string) =>
      [item.description, item.reference].some((text) => text?.toLowerCase().includes(value.toLowerCase()) === true),
  },
};

function keep(items: readonly BusyTransaction[], query: Query): BusyTransaction[] {
  return items.filter((item) => Object.entries(query).every(([name, value]) => FILTERS[name]?.keeps(item, value as never) ?? true));
}

function expectSame(found: readonly Item[], expected: readonly BusyTransaction[], note: string): void {
  expect(
    found.map(({ id }) => id),
    note,
  ).toEqual(expected.map(({ id }) => id));
  for (const [index, { place: _, ...item }] of expected.entries()) expect(found[index], note).toMatchObject(item);
}

const pairs = (names: readonly string[]): string[][] => names.flatMap((a, i) => names.slice(i).map((b) => (a === b ? [a] : [a, b])));

describe("the query of operation 31", () => {
  test.each(pairs(Object.keys(FILTERS)))("by %s %s finds what a model finds, in its order", async (...names) => {
    for (let round = 0; round < 4; round++) {
      const query = Object.fromEntries(names.filter(Boolean).map((name) => [name, FILTERS[name]?.value()]));
      const sortDirection = draw.pick(["asc", "desc"]);
      const found = await walk((each) => bank.system.post("/internal/Transactions/query", each), { ...query, sortDirection });
      expectSame(found, inOrder(keep(busy.transactions, query), sortDirection), `${draw.note} ${JSON.stringify(query)}`);
    }
  });

  test.each(["createdAt", "postedAt", "valueDate", "amount"])("sorted by %s: equal values in the order of the ledger", async (sortBy) => {
    const scale = (item: Item): string | bigint => (sortBy === "amount" ? cents(String(item["amount"])) : String(item[sortBy]));
    for (const sortDirection of ["asc", "desc"]) {
      const query = { currencies: ["EUR", "KWD"] };
      const found = await walk((each) => bank.system.post("/internal/Transactions/query", each), { ...query, sortBy, sortDirection });
      const model = inOrder(keep(busy.transactions, query), sortDirection);
      const known = new Map(found.map((item) => [item.id, item]));
      const expected = model
        .map(({ id }) => known.get(id))
        .filter((item) => item !== undefined)
        .sort((a, b) => {
          if (a[sortBy] === b[sortBy]) return 0;
          if (a[sortBy] === null || b[sortBy] === null) return a[sortBy] === null ? 1 : -1;
          const [x, y] = [scale(a), scale(b)];
          return x === y ? 0 : x < y === (sortDirection === "asc") ? -1 : 1;
        });
      expect(found.length).toBe(model.length);
      expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    }
  });
});

describe("the list of operation 30", () => {
  test("says the same as the query, for all filters that both have", async () => {
    for (let round = 0; round < 40; round++) {
      const [account, payment] = [draw.pick(busy.accounts), draw.pick(busy.payments)];
      const chosen = {
        ...(draw.chance(0.5) ? { accountId: account.id } : {}),
        ...(draw.chance(0.3) && account.clientId !== null ? { clientId: account.clientId } : {}),
        ...(draw.chance(0.2) ? { paymentId: payment.id } : {}),
      };
      const shared = Object.fromEntries(
        ["types", "states", "dateFrom", "dateTo"].filter(() => draw.chance(0.3)).map((name) => [name, FILTERS[name]?.value()]),
      );
      const many = Object.fromEntries(Object.entries(chosen).map(([name, id]) => [`${name}s`, [id]]));
      const sortDirection = draw.pick(["asc", "desc"]);
      const found = await walk((each) => bank.system.get(`/internal/Transactions?${inQuery(each)}`), {
        ...chosen,
        ...shared,
        sortDirection,
      });
      expectSame(
        found,
        inOrder(keep(busy.transactions, { ...many, ...shared }), sortDirection),
        `${draw.note} ${JSON.stringify({ ...chosen, ...shared })}`,
      );
    }
  });

  test("without any filter tells everything, counted when asked and on pages by number", async () => {
    const all = inOrder(busy.transactions, "desc");
    const ask = async (query: Query): Promise<Page> =>
      bodyOf(await bank.system.get(`/internal/Transactions?${inQuery(query)}`)) as unknown as Page;
    expect((await ask({ pageSize: 5 })).totalCount).toBeUndefined();
    expect((await ask({ pageSize: 5, includeTotalCount: true })).totalCount).toBe(all.length);
    for (const pageSize of [7, 100]) {
      for (let pageNumber = 1; (pageNumber - 1) * pageSize < all.length + pageSize; pageNumber++) {
        const { items } = await ask({ pageNumber, pageSize });
        expect(items.map(({ id }) => id)).toEqual(all.slice((pageNumber - 1) * pageSize, pageNumber * pageSize).map(({ id }) => id));
      }
    }
  });

  test("of a tenant shows the sides on its own accounts and no others", async () => {
    for (const tenant of ["default", "north", "south", "west"]) {
      const calls = bank.systemOf(tenant);
      const own = busy.transactions.filter(({ accountId }) => busy.tenantOf.get(accountId) === tenant);
      expectSame(await walk((each) => calls.get(`/internal/Transactions?${inQuery(each)}`), {}), inOrder(own, "desc"), tenant);
      const { id } = draw.pick(busy.transactions.filter(({ accountId }) => busy.tenantOf.get(accountId) !== tenant));
      expect((await calls.get(`/internal/Transactions/${id}`)).status).toBe(404);
      const foreign = { paymentIds: busy.payments.slice(0, 100).map((payment) => payment.id) };
      const seen = await walk((each) => calls.post("/internal/Transactions/query", each), foreign);
      expectSame(seen, inOrder(keep(own, foreign), "desc"), tenant);
    }
  });

  test("of a transfer is empty: none has been made", async () => {
    const id = busy.payments[0]?.id ?? "";
    expect(bodyOf(await bank.system.get(`/internal/Transactions?transferId=${id}`))).toMatchObject({
      items: [],
      nextCursor: null,
      totalCount: 0,
    });
    expect(bodyOf(await bank.system.post("/internal/Transactions/query", { transferIds: [id] }))).toMatchObject({
      items: [],
      nextCursor: null,
    });
  });
});

describe("a transaction by its id", () => {
  test("is what the list says of it; a draft's, and an id of none, are 404", async () => {
    for (const item of draw.list(20, () => draw.pick(busy.transactions))) {
      const { place: _, ...expected } = item;
      expect(bodyOf(await bank.system.get(`/internal/Transactions/${item.id.toUpperCase()}`))).toMatchObject(expected);
    }
    const draft = busy.payments.find(({ state }) => state === "draft");
    const posted = busy.payments.find(({ state }) => state === "posted");
    const ids = [
      `${draft?.id.slice(0, 34)}02`,
      posted?.id,
      `${posted?.id.slice(0, 34)}01`,
      `${posted?.id.slice(0, 34)}64`,
      `${posted?.id.slice(0, 34)}ff`,
      "x",
    ];
    for (const id of ids) expect((await bank.system.get(`/internal/Transactions/${id}`)).status).toBe(404);
  });
});

describe("a client's own list", () => {
  const clientOf = (clientId: string): { calls: TestCalls; own: BusyTransaction[] } => {
    const accounts = new Set(busy.accounts.filter((account) => account.clientId === clientId).map(({ id }) => id));
    const tenant = busy.tenantOf.get([...accounts][0] ?? "") ?? "";
    return {
      calls: bank.clientCalls(clientId, tenant === "default" ? undefined : tenant),
      own: busy.transactions.filter(({ accountId }) => accounts.has(accountId)),
    };
  };

  test("holds its own transactions by every filter, and not whose account is on the other side", async () => {
    const names = ["direction", "types", "states", "amountFrom", "amountTo", "dateFrom", "dateTo", "search"];
    for (const { clientId } of busy.accounts.filter((account) => account.clientId !== null)) {
      const { calls, own } = clientOf(clientId ?? "");
      for (let round = 0; round < 5; round++) {
        const query = Object.fromEntries(names.filter(() => draw.chance(0.2)).map((name) => [name, FILTERS[name]?.value()]));
        const found = await walk((each) => calls.get(`/Transactions?${inQuery(each)}`), query);
        const expected = inOrder(keep(own, query), "desc").map(({ counterAccountId: _counter, ...item }) => item);
        expect(
          found.map(({ id }) => id),
          `${draw.note} ${JSON.stringify(query)}`,
        ).toEqual(expected.map(({ id }) => id));
        for (const [index, { place: _place, ...item }] of expected.entries()) {
          expect(found[index]).toMatchObject(item);
          expect(found[index]).not.toHaveProperty("counterAccountId");
        }
      }
    }
  });

  test("of another's account is 404 like one that never was, alone or among its own", async () => {
    const [mine, other] = draw.two(busy.accounts.filter((account) => account.clientId !== null));
    const { calls } = clientOf(mine.clientId ?? "");
    const bare = busy.accounts.find((account) => account.clientId === null);
    for (const id of [other.id, bare?.id ?? "", "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00"]) {
      for (const query of [
        `accountId=${id}`,
        `accountIds=${id}`,
        `accountIds=${mine.id}&accountIds=${id}`,
        `accountId=${mine.id}&accountIds=${id}`,
      ]) {
        const answer = await calls.get(`/Transactions?${query}`);
        expect([answer.status, answer.body["code"], answer.body["detail"]]).toEqual([404, "notFound", null]);
      }
    }
    expect((await calls.get(`/Transactions?accountId=${mine.id}&accountIds=${mine.id}`)).status).toBe(200);
  });
});
