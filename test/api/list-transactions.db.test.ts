// Operation 30 for one account: the statement, its pages and its bounds.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import { random } from "../random.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

type Transaction = Readonly<Record<string, unknown>> & {
  readonly accountSequence: number;
  readonly amount: string;
  readonly createdAt: string;
};
type Page = { items: Transaction[]; pageNumber: number; pageSize: number; nextCursor: string | null; totalCount: number };

const read = async (accountId: string, query: Record<string, string | number> = {}): Promise<Page> => {
  const text = new URLSearchParams({
    accountId,
    ...Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
  });
  return bodyOf(await bank.system.get(`/internal/Transactions?${text.toString()}`)) as Page;
};
const numbers = ({ items }: Page): number[] => items.map(({ accountSequence }) => accountSequence);
const down = (from: number, to: number): number[] => Array.from({ length: Math.max(0, from - to + 1) }, (_, i) => from - i);
const up = (from: number, to: number): number[] => down(to, from).reverse();

/** An account with that many entries: 0.01, 0.02, 0.03 … came in. */
async function anAccountWith(entries: number): Promise<{ account: TestAccount; source: TestAccount }> {
  const [account, source] = [await bank.anAccount({ type: "clearing" }), await bank.anAccount()];
  for (let done = 0; done < entries; done += 50) {
    const transactions = Array.from({ length: Math.min(50, entries - done) }, (_, i) =>
      aLine(source, account, ((done + i + 1) / 100).toFixed(2)),
    );
    bodyOf(await bank.transfer({ externalId: unique("history"), transactions }));
  }
  return { account, source };
}

describe("an entry", () => {
  test("holds every field in the documented order, seen from its own account", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount({ type: "settlement" })];
    const order = aTransfer(payer, payee, "30.00", {
      type: "withdrawal",
      description: "Cash",
      reference: "R1",
      metadata: { b: "1", a: "2" },
      valueDate: "2024-02-29",
    });
    const payment = bodyOf(await bank.transfer(order));
    const expected = (side: "debit" | "credit") => ({
      id: `${String(payment["id"]).slice(0, 34)}${side === "debit" ? "02" : "03"}`,
      paymentId: payment["id"],
      accountId: side === "debit" ? payer.id : payee.id,
      counterAccountId: side === "debit" ? payee.id : payer.id,
      direction: side,
      amount: "30.00",
      currency: "EUR",
      balanceAfter: side === "debit" ? "70.00" : "-30.00",
      type: "withdrawal",
      state: "posted",
      description: "Cash",
      reference: "R1",
      counterpartyName: null,
      counterpartyAccount: null,
      transferId: null,
      valueDate: "2024-02-29",
      createdAt: payment["createdAt"],
      postedAt: payment["postedAt"],
      sequence: payment["sequence"],
      accountSequence: side === "debit" ? 2 : 1,
      metadata: { a: "2", b: "1" },
    });
    expect(Object.entries((await read(payer.id)).items[0] ?? {})).toEqual(Object.entries(expected("debit")));
    expect(Object.entries((await read(payee.id)).items[0] ?? {})).toEqual(Object.entries(expected("credit")));
  });

  test("of a line says the line's type and description, else the payment's; the balance runs line by line", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const transactions = [aLine(payer, payee, "1.00", { type: "fee", description: "Fee" }), aLine(payer, payee, "2.00")];
    const payment = bodyOf(await bank.transfer({ externalId: unique("lines"), type: "withdrawal", description: "All", transactions }));
    const { items } = await read(payer.id, { sortDirection: "asc" });
    expect(items.slice(1)).toMatchObject([
      { id: `${String(payment["id"]).slice(0, 34)}02`, type: "fee", description: "Fee", balanceAfter: "9.00", accountSequence: 2 },
      { id: `${String(payment["id"]).slice(0, 34)}04`, type: "withdrawal", description: "All", balanceAfter: "7.00", accountSequence: 3 },
    ]);
    expect(new Set(items.map(({ sequence }) => sequence)).size).toBe(2);
  });

  test("of an account without any is not there", async () => {
    expect(await read((await bank.anAccount()).id)).toEqual({ items: [], pageNumber: 1, pageSize: 20, nextCursor: null, totalCount: 0 });
  });
});

describe("pages", () => {
  let account: TestAccount;
  let source: TestAccount;
  beforeAll(async () => {
    ({ account, source } = await anAccountWith(105));
  });

  test("come newest first, twenty at a time, unless asked otherwise", async () => {
    const first = await read(account.id);
    expect(numbers(first)).toEqual(down(105, 86));
    expect(first).toMatchObject({ pageNumber: 1, pageSize: 20, totalCount: 105 });
    expect(numbers(await read(account.id, { sortDirection: "asc" }))).toEqual(up(1, 20));
    expect(first.items[0]).toMatchObject({ amount: "1.05", balanceAfter: "55.65" });
  });

  test.each([
    [{ pageNumber: 6, sortDirection: "desc" }, down(5, 1)],
    [{ pageNumber: 7 }, []],
    [{ pageNumber: 2, pageSize: 100 }, down(5, 1)],
    [{ pageNumber: 105, pageSize: 1 }, [1]],
    [{ pageNumber: 106, pageSize: 1 }, []],
    [{ pageNumber: 11, pageSize: 10, sortDirection: "asc" }, up(101, 105)],
    [{ pageNumber: 500 }, []],
  ])("by number: %j", async (query, expected) => {
    const page = await read(account.id, query);
    expect(numbers(page)).toEqual(expected);
    expect(page.totalCount).toBe(105);
    if (expected.at(-1) === ("sortDirection" in query && query.sortDirection === "asc" ? 105 : 1)) expect(page.nextCursor).toBeNull();
  });

  test.each(["asc", "desc"])("by cursor, %s: every entry once, whatever the page's size", async (sortDirection) => {
    for (const pageSize of [1, 7, 35, 100]) {
      const seen: number[] = [];
      let cursor: string | null = null;
      do {
        const page: Page = await read(account.id, { pageSize, sortDirection, ...(cursor === null ? {} : { cursor }) });
        seen.push(...numbers(page));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual(sortDirection === "asc" ? up(1, 105) : down(105, 1));
    }
  });

  test("a cursor stays right while entries arrive: going down none is seen twice, going up none is missed", async () => {
    const { account: busy, source: from } = await anAccountWith(30);
    const arrive = async (): Promise<unknown> => await bank.transfer(aTransfer(from, busy, "1.00"));
    const walk = async (sortDirection: string): Promise<number[]> => {
      const seen: number[] = [];
      let cursor: string | null = null;
      let pages = 0;
      do {
        const page: Page = await read(busy.id, { pageSize: 8, sortDirection, ...(cursor === null ? {} : { cursor }) });
        seen.push(...numbers(page));
        cursor = page.nextCursor;
        if (pages++ < 5) await Promise.all([arrive(), arrive()]);
      } while (cursor !== null);
      return seen;
    };
    expect(await walk("desc")).toEqual(down(30, 1));
    const [before] = numbers(await read(busy.id, { pageSize: 1 }));
    expect(await walk("asc")).toEqual(up(1, (before ?? 0) + 10));
  });

  test.each([
    ["pageSize=0", "pageSize"],
    ["pageSize=-1", "pageSize"],
    ["pageSize=101", "pageSize"],
    ["pageSize=1000000000", "pageSize"],
    ["pageSize=1.5", "pageSize"],
    ["pageSize=ten", "pageSize"],
    ["pageSize=", "pageSize"],
    ["pageNumber=0", "pageNumber"],
    ["pageNumber=-1", "pageNumber"],
    ["pageNumber=501", "pageNumber"],
    ["pageNumber=101&pageSize=100", "pageNumber"],
    ["pageNumber=1000000000", "pageNumber"],
    ["pageNumber=1000000001", "pageNumber"],
    ["pageNumber=99999999999999999999", "pageNumber"],
    ["pageNumber=1e3", "pageNumber"],
    ["sortDirection=up", "sortDirection"],
    ["sortDirection=DESC", "sortDirection"],
    ["sortBy=sequence", "sortBy"],
    ["sortBy=amount&sortBy=amount", "sortBy"],
    ["dateFrom=yesterday", "dateFrom"],
    ["dateFrom=2024-02-30", "dateFrom"],
    ["dateTo=2024-01-01T00:00:00", "dateTo"],
    ["dateTo=2024-01-01T00:00:00%2B02:00", "dateTo"],
    ["dateTo=2024-01-01&dateTo=2024-01-02", "dateTo"],
    ["cursor=", "cursor"],
    ["cursor=x", "cursor"],
    ["cursor=%00", "cursor"],
    [`cursor=${"x".repeat(201)}`, "cursor"],
    ["limit=10", "limit"],
    ["__proto__=x", "__proto__"],
    ["constructor=x", "constructor"],
  ])("400 for %s, which is named", async (query, field) => {
    const { status, body } = await bank.system.get(`/internal/Transactions?accountId=${account.id}&${query}`);
    expect([status, body["code"], Object.keys(body["errors"] as object)]).toEqual([400, "validationFailed", [field]]);
  });

  test("400 for a cursor of another account, another order, a forged place, or beside a page number", async () => {
    const { nextCursor } = await read(account.id);
    const [mark = "", digest = ""] = Buffer.from(nextCursor ?? "", "base64url")
      .toString()
      .split(" ");
    const forged = (place: string): string => Buffer.from(`${mark} ${digest} desc ${place}`).toString("base64url");
    expect((await bank.system.get(`/internal/Transactions?accountId=${account.id}&cursor=${forged("9.9.9")}`)).status).toBe(200);
    const queries = [
      `accountId=${source.id}&cursor=${nextCursor}`,
      `accountId=${account.id}&sortDirection=asc&cursor=${nextCursor}`,
      `clientId=${account.id}&cursor=${nextCursor}`,
      `cursor=${nextCursor}`,
      `accountId=${account.id}&cursor=${nextCursor}&pageNumber=2`,
      ...["", "-1", "1.5", "1e3.1.1", "x", "1.1", "1.1.1.1", "1.-1.1", `${"9".repeat(19)}.1.1`, "1 or 1=1", "NaN.1.1", "1.1.1000"].map(
        (place) => `accountId=${account.id}&cursor=${forged(place)}`,
      ),
    ];
    for (const query of queries) {
      const { status, body } = await bank.system.get(`/internal/Transactions?${query}`);
      expect([query, status, Object.keys(body["errors"] as object)]).toEqual([query, 400, ["cursor"]]);
    }
  });

  test("a cursor whose place lies outside the account is an empty or a whole list, never a fault", async () => {
    const at = async (place: string, sortDirection: string): Promise<number[]> => {
      const { nextCursor } = await read(account.id, { sortDirection, pageSize: 1 });
      const [mark = "", digest = ""] = Buffer.from(nextCursor ?? "", "base64url")
        .toString()
        .split(" ");
      const cursor = Buffer.from(`${mark} ${digest} ${sortDirection} ${place}`).toString("base64url");
      return numbers(await read(account.id, { cursor, sortDirection }));
    };
    const far = "9".repeat(18);
    expect(await at(`${far}.0.0`, "desc")).toEqual([]);
    expect(await at(`${far}.${far}.999`, "desc")).toEqual(down(105, 86));
    expect(await at(`0.${far}.999`, "desc")).toEqual(down(105, 86));
    expect(await at(`${far}.${far}.999`, "asc")).toEqual([]);
    expect(await at("0.0.0", "asc")).toEqual(up(1, 20));
  });
});

describe("bounds", () => {
  test("of any dates give exactly the entries booked within them", async () => {
    const draw = random();
    const [account, source] = [await bank.anAccount({ type: "clearing" }), await bank.anAccount()];
    for (let i = 0; i < 40; i++) bodyOf(await bank.transfer(aTransfer(source, account, "1.00")));
    const all = (await read(account.id, { pageSize: 100, sortDirection: "asc" })).items;
    const times = all.map(({ createdAt }) => createdAt);
    for (let round = 0; round < 60; round++) {
      const [dateFrom, dateTo] = [draw.pick(times), draw.pick(times)];
      const page = await read(account.id, { dateFrom, dateTo, pageSize: 100, sortDirection: "asc" });
      const expected = all.filter(({ createdAt }) => createdAt >= dateFrom && createdAt < dateTo);
      expect(numbers(page), `${draw.note} ${dateFrom} ${dateTo}`).toEqual(expected.map(({ accountSequence }) => accountSequence));
      expect(page).toMatchObject({ totalCount: expected.length, nextCursor: null });
      const newest = await read(account.id, { dateFrom, dateTo, pageSize: 3 });
      expect(numbers(newest)).toEqual(
        expected
          .map(({ accountSequence }) => accountSequence)
          .reverse()
          .slice(0, 3),
      );
    }
  });

  test("a bare date means its whole day, from and to", async () => {
    const { account } = await anAccountWith(3);
    const [item] = (await read(account.id)).items;
    const day = String(item?.createdAt).slice(0, 10);
    const shift = (days: number): string => new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
    const count = async (dates: Record<string, string>): Promise<number> => (await read(account.id, dates)).totalCount;
    expect(await count({ dateFrom: day, dateTo: day })).toBe(3);
    expect(await count({ dateFrom: shift(-1), dateTo: shift(1) })).toBe(3);
    expect(await count({ dateTo: shift(-1) })).toBe(0);
    expect(await count({ dateFrom: shift(1) })).toBe(0);
    expect(await count({ dateFrom: shift(1), dateTo: shift(-1) })).toBe(0);
    expect(await count({ dateFrom: `${day}T00:00:00Z`, dateTo: `${shift(1)}T00:00:00.000Z` })).toBe(3);
  });

  test.each([
    ["0001-01-01", "9999-12-31", 3],
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", 3],
    ["9999-12-31", "9999-12-31", 0],
    ["0001-01-01", "0001-01-01", 0],
    ["9999-12-31T23:59:59Z", "0001-01-01", 0],
    ["1024-01-01", "2999-01-01", 3],
  ])("from %s to %s, a thousand years or more apart, cost nothing", async (dateFrom, dateTo, expected) => {
    const { account } = await anAccountWith(3);
    const page = await read(account.id, { dateFrom, dateTo });
    expect([page.totalCount, page.items.length, page.nextCursor]).toEqual([expected, expected, null]);
  });

  test("between two milliseconds are kept to the nanosecond", async () => {
    const { account } = await anAccountWith(1);
    const at = (await read(account.id)).items[0]?.createdAt ?? "";
    const after = at.replace("Z", "000001Z");
    expect((await read(account.id, { dateFrom: at })).totalCount).toBe(1);
    expect((await read(account.id, { dateFrom: after })).totalCount).toBe(0);
    expect((await read(account.id, { dateTo: at })).totalCount).toBe(0);
    expect((await read(account.id, { dateTo: after })).totalCount).toBe(1);
  });

  test("pages by cursor stay within them", async () => {
    const { account, source } = await anAccountWith(10);
    const middle = bodyOf(await bank.transfer(aTransfer(source, account, "5.00")));
    for (let i = 0; i < 10; i++) bodyOf(await bank.transfer(aTransfer(source, account, "1.00")));
    const bound = { dateFrom: String(middle["createdAt"]), pageSize: 4 };
    const all = (await read(account.id, { ...bound, pageSize: 100 })).items.map(({ accountSequence }) => accountSequence);
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page: Page = await read(account.id, { ...bound, ...(cursor === null ? {} : { cursor }) });
      seen.push(...numbers(page));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(all);
    expect(all).toContain(11);

    // A cursor of the same list with other bounds begins at the nearest bound.
    const rising = (await read(account.id, { pageSize: 1, sortDirection: "asc" })).nextCursor ?? "";
    expect(numbers(await read(account.id, { ...bound, pageSize: 100, sortDirection: "asc", cursor: rising }))).toEqual(all.toReversed());
    const falling = (await read(account.id, { pageSize: 1 })).nextCursor ?? "";
    expect(numbers(await read(account.id, { dateTo: bound.dateFrom, pageSize: 100, cursor: falling }))).toEqual(down(21 - all.length, 1));
  });
});

describe("the account", () => {
  test("is named by a uuid in any letter case", async () => {
    const { account } = await anAccountWith(1);
    expect((await read(account.id.toUpperCase())).items).toHaveLength(1);
    for (const query of ["?accountId=", "?accountId=1", `?accountId=${account.id}&accountId=${account.id}`]) {
      const { status, body } = await bank.system.get(`/internal/Transactions${query}`);
      expect([status, Object.keys(body["errors"] as object)[0]]).toEqual([400, "accountId"]);
    }
  });

  test("that does not exist is 404", async () => {
    expect(await bank.system.get(`/internal/Transactions?accountId=${NOBODY}`)).toMatchObject({ status: 404, body: { code: "notFound" } });
  });
});
