// Searching where there are more accounts than a search may look at: pages come in order of opening, nothing is lost or doubled while
// accounts are opened, whatever is asked costs a bounded number of looks, and what cannot be bounded is refused with a sentence.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestCalls } from "./setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "./setup/ledger.ts";

const SEARCH = "/v2/ledger/internal/Accounts/search";
const SUMS = "/v2/ledger/internal/Accounts/getAggregatedAmounts";
const COUNT = 24_000;
const CROWDED = "0197b0a4-4b1c-7cc0-8000-00000000c000";

type Page = {
  readonly items: readonly { readonly id: string; readonly createdAt: string }[];
  readonly nextCursor: string | null;
  readonly totalCount?: number;
};
type Filter = Readonly<Record<string, unknown>>;

let bank: LedgerApp;
let north: TestCalls;
beforeAll(async () => {
  bank = await openLedgerApp();
  north = bank.systemOf("north");
  await bank.owner.query("set session_replication_role = replica");
  await bank.owner.query(ACCOUNTS, [COUNT, CROWDED]);
  await bank.owner.query("set session_replication_role = origin");
  await bank.owner.query(PROFILES);
}, 120_000);
afterAll(() => bank.close());

/**
 * Pounds are the older half, half of all belongs to one client, two thirds to the north. One in 8000 is a fee account; one in 3000 has a name of
 * its own, one in five is a savings account, and all savings accounts are in the older half.
 */
const ACCOUNTS = `
  insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, status, floor_minor, balance_minor)
  select ('0197b0a4-4b1c-7cc0-8000-' || lpad(to_hex(n), 12, '0'))::uuid, case when n % 8000 = 0 then null when n % 2 = 0 then $2::uuid else gen_random_uuid() end,
         case when n % 3 = 0 then 'south' else 'north' end, case when n <= $1 / 2 then 'GBP' else 'EUR' end, true,
         case when n % 9 = 0 then 'closed' else 'active' end::general_ledger.account_status, case when n % 8000 = 0 then null else 0 end, n
  from generate_series(1, $1::int) n`;
const PROFILES = `
  insert into general_ledger.account_profile (account_id, owner_tenant, number, name, type, category, created_at)
  select a.id, a.tenant, 'MANY' || a.balance_minor,
         case when a.balance_minor % 3000 = 0 then 'Zephyr ' else '' end || case when a.balance_minor % 5 = 0 and a.currency = 'GBP' then 'savings' else 'account' end,
         case when a.client_id is null then 'fee' else 'client' end::general_ledger.account_type,
         case when a.client_id is null then 'income' else 'liability' end::general_ledger.account_category,
         timestamptz '2025-01-01T00:00:00Z' + a.balance_minor * interval '1 minute'
  from general_ledger.account a`;

const search = async (filter: Filter, calls: TestCalls = bank.system): Promise<Page> =>
  bodyOf(await calls.post(SEARCH, { pageSize: 100, ...filter })) as unknown as Page;
const idsOf = ({ items }: Page): string[] => items.map(({ id }) => id);

/** What a simple query over all accounts finds, newest first. */
async function expected(condition: string): Promise<string[]> {
  const { rows } = await bank.owner.query<{ id: string }>(
    `select a.id from general_ledger.account a join general_ledger.account_profile p on p.account_id = a.id
     where ${condition} order by p.created_at desc, a.id desc`,
  );
  return rows.map(({ id }) => id);
}

/** Pages by cursor, short and empty ones allowed: all of them, or so many. */
async function walk(
  filter: Filter,
  calls: TestCalls = bank.system,
  pagesMax = 15,
): Promise<{ ids: string[]; pages: number; isAll: boolean }> {
  const ids: string[] = [];
  let page = await search(filter, calls);
  let pages = 1;
  for (; page.nextCursor !== null && pages < pagesMax; pages++) {
    ids.push(...idsOf(page));
    page = await search({ ...filter, cursor: page.nextCursor }, calls);
  }
  return { ids: [...ids, ...idsOf(page)], pages, isAll: page.nextCursor === null };
}

/** What was walked is where a simple query begins, and all of it where the walk came to its end. */
function expectWalked({ ids, isAll }: { readonly ids: readonly string[]; readonly isAll: boolean }, wanted: readonly string[]): void {
  expect(ids).toEqual(wanted.slice(0, isAll ? undefined : ids.length));
  expect(isAll || ids.length >= 200).toBe(true);
}

describe("in order of opening", () => {
  test.each<[string, Filter, string]>([
    ["everything", {}, "true"],
    ["the older half", { currencies: ["GBP"] }, "a.currency = 'GBP'"],
    ["closed ones", { currencies: ["GBP", "EUR"], statuses: ["closed"] }, "a.status = 'closed'"],
    ["what is active and a client's", { statuses: ["active"], types: ["client"] }, "a.status = 'active' and p.type = 'client'"],
    ["a time", { createdFrom: "2025-01-02", createdTo: "2025-01-16" }, "p.created_at >= '2025-01-02' and p.created_at < '2025-01-17'"],
    ["one crowded client", { clientIds: [CROWDED] }, `a.client_id = '${CROWDED}'`],
    [
      "some of a crowded client",
      { clientIds: [CROWDED], currencies: ["GBP"], search: "savings" },
      `a.client_id = '${CROWDED}' and a.currency = 'GBP' and p.name like '%savings%'`,
    ],
    ["a piece that many have", { search: "ACCOUNT" }, "p.name like '%account%'"],
    ["a piece that some of the older have", { search: "savings" }, "p.name like '%savings%'"],
    ["a piece that few have", { search: "zephyr" }, "p.name like '%Zephyr%'"],
    ["a piece that few have, too short to be found by", { search: "ZE" }, "p.name like '%Zephyr%'"],
    ["a piece that nobody has", { search: "Mistral" }, "false"],
    ["balances of the older half", { currencies: ["GBP"], balanceTo: "20.00" }, "a.currency = 'GBP' and a.balance_minor <= 2000"],
    [
      "balances and a piece",
      { currencies: ["EUR"], balanceFrom: "130.00", search: "1" },
      "a.currency = 'EUR' and a.balance_minor >= 13000 and p.number like '%1%'",
    ],
  ])(
    "pages by cursor find %s, each once, also for a tenant",
    async (_, filter, condition) => {
      expectWalked(await walk(filter), await expected(condition));
      expectWalked(await walk(filter, north), await expected(`(${condition}) and a.tenant = 'north'`));
      expectWalked(await walk({ ...filter, sortDirection: "asc" }), (await expected(condition)).toReversed());
    },
    120_000,
  );

  test("every page of everything follows the one before", async () => {
    expect((await walk({}, bank.system, 1_000)).ids).toEqual(await expected("true"));
  });

  test("a page that had to look at too many accounts is short, and says where to go on", async () => {
    const first = await search({ currencies: ["GBP"], balanceTo: "1.00" });
    expect(first).toMatchObject({ items: [], nextCursor: expect.any(String) as string });
    expect((await walk({ currencies: ["GBP"], balanceTo: "1.00" })).pages).toBeLessThan(6);
  });

  test("pages by number are those by cursor, and are refused where too many would be looked at", async () => {
    const all = await expected("a.currency = 'GBP'");
    for (const pageNumber of [1, 2, 37, 100]) {
      expect(idsOf(await search({ currencies: ["GBP"], pageNumber }))).toEqual(all.slice((pageNumber - 1) * 100, pageNumber * 100));
    }
    const { status, body } = await bank.system.post(SEARCH, { currencies: ["GBP"], balanceTo: "1.00", pageNumber: 2 });
    expect([status, Object.keys(body["errors"] as object)]).toEqual([400, ["pageNumber"]]);
  });

  test("accounts that are opened meanwhile neither hide nor double others", async () => {
    const before = await expected("a.currency = 'EUR'");
    const seen: string[] = [];
    let page = await search({ currencies: ["EUR"], pageSize: 50 });
    for (let pages = 0; pages < 20 && page.nextCursor !== null; pages++) {
      await bank.anAccount();
      seen.push(...idsOf(page));
      page = await search({ currencies: ["EUR"], pageSize: 50, cursor: page.nextCursor });
    }
    expect(seen).toEqual(before.slice(0, seen.length));
    expect(seen.length).toBe(1_000);
    await bank.owner.query("update general_ledger.account set status = 'closed' where not credit_normal");
  });
});

describe("another order", () => {
  test.each(["name", "accountNumber", "balance"])("by %s is refused for too many accounts, and given for few", async (sortBy) => {
    for (const filter of [{}, { currencies: ["GBP"] }, { search: "account" }, { clientIds: [CROWDED] }]) {
      const { status, body } = await bank.system.post(SEARCH, { ...filter, sortBy });
      expect([filter, status, Object.keys(body["errors"] ?? {})]).toEqual([filter, 400, ["sortBy"]]);
    }
    const few = await search({ types: ["fee"], sortBy, sortDirection: "asc" });
    expect(idsOf(few)).toHaveLength(3);
    expect(idsOf(await search({ search: "zephyr", sortBy }))).toHaveLength(8);
  });
});

describe("how many there are", () => {
  test("is told of few, and of many only when asked for", async () => {
    expect((await search({ types: ["fee"] })).totalCount).toBe(3);
    expect((await search({ search: "Zephyr" })).totalCount).toBe(8);
    for (const [filter, condition] of [
      [{ currencies: ["GBP"] }, "a.currency = 'GBP'"],
      [{ search: "savings" }, "p.name like '%savings%'"],
      [{ currencies: ["GBP"], balanceTo: "50.00" }, "a.currency = 'GBP' and a.balance_minor <= 5000"],
    ] as const) {
      if (!("search" in filter)) expect((await search(filter)).totalCount).toBeUndefined();
      expect((await search({ ...filter, includeTotalCount: true })).totalCount).toBe((await expected(condition)).length);
    }
  });
});

test.each<[string, string]>([
  ["", "true"],
  ["?currencies=GBP", "a.currency = 'GBP'"],
  ["?statuses=closed&statuses=active&types=client", "p.type = 'client'"],
  ["?types=fee&types=client", "p.type in ('fee', 'client')"],
  [`?clientId=${CROWDED}`, `a.client_id = '${CROWDED}'`],
])("sums over many are those over each, for %j", async (query, condition) => {
  for (const [calls, tenant] of [
    [bank.system, "true"],
    [north, "a.tenant = 'north'"],
  ] as const) {
    const { rows } = await bank.owner.query<{ currency: string; category: string; count: number; balance: string }>(
      `select a.currency, p.category, count(*)::int as count, sum(case when a.credit_normal then a.balance_minor else -a.balance_minor end)::text as balance
       from general_ledger.account a join general_ledger.account_profile p on p.account_id = a.id
       where (${condition}) and ${tenant} group by 1, 2 order by 1, 2`,
    );
    const items = bodyOf(await calls.get(`${SUMS}${query}`))["items"] as readonly Readonly<Record<string, unknown>>[];
    expect(
      items.map(({ currency, category, accountsCount, balance }) => [currency, category, accountsCount, String(balance).replace(".", "")]),
    ).toEqual(rows.map(({ currency, category, count, balance }) => [currency, category, count, balance === "0" ? "000" : balance]));
  }
});

describe("whatever is asked", () => {
  test.each<[string, Filter]>([
    ["a balance that nobody has", { currencies: ["EUR"], balanceFrom: "80000000000000000.00" }],
    ["two letters that nobody has", { search: "qq" }],
    [
      "a thousand ids that never were",
      { accountIds: Array.from({ length: 1_000 }, (_, n) => `0197b0a4-4b1c-7cc0-9000-${String(n).padStart(12, "0")}`) },
    ],
    [
      "a thousand clients, one of them crowded",
      { clientIds: [CROWDED, ...Array.from({ length: 999 }, (_, n) => `0197b0a4-4b1c-7cc0-9000-${String(n).padStart(12, "0")}`)] },
    ],
    ["a thousand years", { createdFrom: "1500-01-01", createdTo: "2500-01-01" }],
    ["the last page by number", { pageNumber: 100 }],
  ])("is answered, however much it asks for: %s", async (_, filter) => {
    // What would read the accounts one by one would be cut off by the statement's time limit, and answered 503 each time.
    const answers = async (): Promise<boolean> =>
      search(filter).then(
        ({ items }) => Array.isArray(items),
        () => false,
      );
    expect((await answers()) || (await answers())).toBe(true);
  });
});
