// Pages by number far down an account with thousands of entries and, between them, lines that are not booked: they hold what a walk by
// cursor meets at that place, whatever is left out on the way, and the account's transactions are sorted as a model sorts them.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import { random } from "../random.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PAYMENTS = "/v2/internal/Payments";
const SEGMENT = 400;
const draw = random();
let bank: LedgerApp;
let busy: TestAccount;
let other: TestAccount;

type Item = Readonly<Record<"id" | "type" | "state" | "amount" | "valueDate" | "createdAt", string>> & { readonly postedAt: string | null };
type Page = { readonly items: readonly Item[]; readonly nextCursor: string | null; readonly totalCount?: number };

const twoPhase = async (state: string, lines: number): Promise<string> =>
  String(
    bodyOf(
      await bank.system.post(PAYMENTS, {
        externalId: unique("open"),
        state,
        transactions: Array.from({ length: lines }, () => aLine(other, busy, "1.00")),
      }),
    )["id"],
  );

/** Some hundred payments of one line or four on the busy account, in one batch. */
const manyPayments = async (): Promise<void> => {
  const payments = Array.from({ length: SEGMENT }, (_, index) =>
    index % 3 === 0
      ? {
          externalId: unique("deep"),
          transactions: Array.from({ length: 4 }, () => aLine(other, busy, draw.pick(["1.00", "2.00", "3.00"]))),
        }
      : aTransfer(index % 2 === 0 ? other : busy, index % 2 === 0 ? busy : other, draw.pick(["1.00", "5.00"]), {
          externalId: unique("deep"),
          type: index % 10 === 1 ? "fee" : "transfer",
          valueDate: draw.pick(["2026-01-01", "2026-02-01"]),
        }),
  );
  const { results } = bodyOf(await bank.system.post(`${PAYMENTS}/batch`, { payments })) as unknown as { results: { accepted: boolean }[] };
  expect(results.every(({ accepted }) => accepted)).toBe(true);
};

beforeAll(async () => {
  bank = await openLedgerApp();
  [busy, other] = [await bank.anAccount({ type: "clearing" }), await bank.anAccount()];
  await manyPayments();
  const posted = await twoPhase("pending", 2);
  const partly = await twoPhase("pending", 2);
  await manyPayments();
  await twoPhase("draft", 1);
  await twoPhase("pending", 3);
  bodyOf(await bank.system.post(`${PAYMENTS}/${posted}/post`, {}));
  const { transactions } = bodyOf(await bank.system.get(`${PAYMENTS}/${partly}`)) as unknown as { transactions: { id: string }[] };
  bodyOf(await bank.system.post(`${PAYMENTS}/${partly}/post`, { transactions: [{ id: transactions[1]?.id, amount: "0.50" }] }));
  const cancelled = await twoPhase("pending", 2);
  // More than one look takes in.
  for (let batch = 0; batch < 4; batch++) await manyPayments();
  bodyOf(await bank.system.post(`${PAYMENTS}/${cancelled}/cancel`, {}));
}, 120_000);
afterAll(() => bank.close());

const get = async (path: string): Promise<Page> => bodyOf(await bank.system.get(path)) as unknown as Page;

const walked = new Map<string, Promise<Item[]>>();

/** The whole list; read once. */
async function walk(path: string): Promise<Item[]> {
  const all = walked.get(path) ?? walkOnce(path);
  walked.set(path, all);
  return [...(await all)];
}

async function walkOnce(path: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await get(`${path}&pageSize=100${cursor === null ? "" : `&cursor=${cursor}`}`);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

const LISTS: readonly (readonly [string, () => string])[] = [
  ["the account's transactions", () => `/internal/Transactions?accountId=${busy.id}`],
  ["its transfers", () => `/internal/Transactions?accountId=${busy.id}&types=transfer`],
  ["its fees", () => `/internal/Transactions?accountId=${busy.id}&types=fee`],
  ["what is posted of it", () => `/internal/Transactions?accountId=${busy.id}&states=posted`],
  ["what is not", () => `/internal/Transactions?accountId=${busy.id}&states=pending&states=cancelled`],
  ["the account's payments", () => `${PAYMENTS}?accountId=${busy.id}`],
  ["its payments that are fees", () => `${PAYMENTS}?accountId=${busy.id}&types=fee`],
  ["all transactions", () => "/internal/Transactions?"],
  ["all payments", () => `${PAYMENTS}?`],
];

describe.each(LISTS)("%s", (_, list) => {
  test.each(["desc", "asc"])("are on pages by number what they are by cursor, %s, and are counted", async (direction) => {
    const path = `${list()}&sortDirection=${direction}`;
    const all = await walk(path);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const counted = await get(`${path}&pageSize=1&includeTotalCount=true`);
    expect(counted.totalCount).toBe(all.length);
    for (let round = 0; round < 6; round++) {
      const pageSize = draw.pick([1, 7, 20, 50, 100]);
      const last = Math.ceil(all.length / pageSize) + 1;
      const pageNumber = draw.chance(0.2) ? last - 1 : draw.integer(1, last);
      if (pageNumber < 1) continue;
      const page = await get(`${path}&pageSize=${pageSize}&pageNumber=${pageNumber}`);
      const from = (pageNumber - 1) * pageSize;
      const note = `${draw.note} page ${pageNumber} of ${pageSize}`;
      expect(page.items, note).toEqual(all.slice(from, from + pageSize));
      if (page.nextCursor === null) expect(from + pageSize, note).toBeGreaterThanOrEqual(all.length);
      else
        expect((await get(`${path}&pageSize=3&cursor=${page.nextCursor}`)).items, note).toEqual(
          all.slice(from + pageSize, from + pageSize + 3),
        );
    }
  });
});

const KEYS: Readonly<Record<string, (item: Item) => number | null>> = {
  amount: ({ amount }) => Number(amount),
  valueDate: ({ valueDate }) => Date.parse(valueDate),
  createdAt: ({ createdAt }) => Date.parse(createdAt),
  postedAt: ({ postedAt }) => (postedAt === null ? null : Date.parse(postedAt)),
};

describe.each([
  ["all that is posted", "&states=posted"],
  ["all, what is not booked among them", ""],
  ["fees", "&types=fee"],
])("sorted, %s", (_, filter) => {
  test.each(Object.keys(KEYS))(
    "by %s, equal ones stay in the ledger's order, and pages by number and cursor are cut from that",
    async (sortBy) => {
      const direction = draw.pick(["desc", "asc"]);
      const path = `/internal/Transactions?accountId=${busy.id}&sortDirection=${direction}${filter}`;
      const sign = direction === "desc" ? -1 : 1;
      const key = (item: Item): number => KEYS[sortBy]?.(item) ?? sign * Number.POSITIVE_INFINITY;
      // Array.sort keeps the order of equal ones.
      const expected = (await walk(path)).sort((a, b) => (key(a) === key(b) ? 0 : sign * (key(a) - key(b))));
      const ids = (items: readonly Item[]): string[] => items.map(({ id }) => id);
      const sorted = `${path}&sortBy=${sortBy}`;
      const pageNumber = draw.integer(1, Math.ceil(expected.length / 50) - 1);
      const page = await get(`${sorted}&pageSize=50&pageNumber=${pageNumber}`);
      const next = await get(`${sorted}&pageSize=100&cursor=${page.nextCursor}`);
      const from = 50 * (pageNumber - 1);
      const note = `${draw.note} ${direction} page ${pageNumber}`;
      expect(ids([...page.items, ...next.items]), note).toEqual(ids(expected.slice(from, from + 150)));
      expect([page.totalCount, next.totalCount], note).toEqual([expected.length, expected.length]);
    },
  );
});

test.each(["amount", "valueDate", "createdAt", "postedAt"])("a forged cursor of a list sorted by %s is no fault", async (sortBy) => {
  const path = `/internal/Transactions?accountId=${busy.id}&states=posted&sortBy=${sortBy}`;
  const { nextCursor } = await get(path);
  const [kind = "", digest = ""] = Buffer.from(String(nextCursor), "base64url").toString().split(" ");
  for (const value of ["-", "0", "1", "99", "20260231", "99999999999999999", "9".repeat(30)]) {
    for (const place of ["0.0.0", "0.1.2", `0.${"9".repeat(18)}.999`]) {
      const cursor = Buffer.from(`${kind} ${digest} ${sortBy} desc ${value} ${place}`).toString("base64url");
      expect((await bank.system.get(`${path}&cursor=${cursor}`)).status, `${value} ${place}`).toBe(200);
    }
  }
});
