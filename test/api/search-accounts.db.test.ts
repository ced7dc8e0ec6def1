// Operations 26 and 50: every filter alone and every pair of filters against a small model in memory, pages walked to the end, and what a
// hostile caller would try.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, aTransfer } from "../builders.ts";
import type { TestAnswer, TestCalls } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const SEARCH = "/v2/ledger/internal/Accounts/search";
const LIST = "/v2/ledger/internal/Accounts";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Page = {
  readonly items: readonly TestAccount[];
  readonly pageNumber: number;
  readonly pageSize: number;
  readonly nextCursor: string | null;
  readonly totalCount?: number;
};
type Filter = Readonly<Record<string, unknown>>;

let bank: LedgerApp;
let north: TestCalls;
/** All accounts of the bank as they stand when the searching begins, newest first. */
let all: TestAccount[];
let tenantOf: Map<string, string>;

beforeAll(async () => {
  bank = await openLedgerApp();
  north = bank.systemOf("north");
  await openTheBank();
  const ids = await bank.owner.query<{ id: string; tenant: string }>(
    "select a.id, a.tenant from general_ledger.account a join general_ledger.account_profile p on p.account_id = a.id order by p.created_at desc, a.id desc",
  );
  tenantOf = new Map(ids.rows.map(({ id, tenant }) => [id, tenant]));
  all = await Promise.all(ids.rows.map(({ id }) => bank.account(id)));
});
afterAll(() => bank.close());

const NAMES = [
  "100% Reserve_A",
  "Plain",
  "back\\slash",
  "Ünïcode £ 口座",
  "plain plain",
  "'; drop table x --",
  "under_score",
  "EUR account",
];

/** Forty accounts of two tenants, some funded, some closed or blocked, with names that mean something to LIKE. */
async function openTheBank(): Promise<void> {
  const clients = [await aClient(bank), await aClient(bank), await aClient(bank, { tenant: "north" })];
  const opened: TestAccount[] = [];
  const open = async (calls: TestCalls, changes: object): Promise<TestAccount> => {
    const account = bodyOf(await calls.post("/v2/internal/Accounts", anAccountOrder({ ...changes }))) as TestAccount;
    opened.push(account);
    return account;
  };
  for (let n = 0; n < 40; n++) {
    const currency = ["EUR", "USD", "JPY", "GBP"][n % 4];
    const type = ["client", "client", "settlement", "fee", "clearing"][n % 5];
    const clientId = type === "client" ? clients[n % 3] : undefined;
    await open(n % 3 === 2 ? north : bank.system, {
      currency,
      type,
      name: NAMES[n % NAMES.length],
      ...(clientId === undefined ? {} : { clientId }),
      ...(n % 2 === 0 ? { externalId: `ext_${n}%` } : {}),
    });
  }
  for (const [n, account] of opened.entries()) {
    const source = opened.find(({ id, currency, type }) => type === "settlement" && currency === account.currency && id !== account.id);
    if (source !== undefined && n % 2 === 0) await bank.transfer(aTransfer(source, account, `${n * 10}`, { type: "deposit" }));
  }
  const empty = opened.filter((_, n) => n % 7 === 1).map(({ id }) => id);
  await bank.owner.query("update general_ledger.account set status = 'closed' where id = any($1)", [empty]);
  await bank.owner.query("update general_ledger.account set status = 'blocked' where id = any($1)", [[opened[4]?.id, opened[5]?.id]]);
}

const pageOf = (answer: TestAnswer): Page => bodyOf(answer) as unknown as Page;
const search = async (filter: Filter, calls = bank.system): Promise<Page> => pageOf(await calls.post(SEARCH, { pageSize: 100, ...filter }));
const idsOf = (accounts: readonly TestAccount[]): string[] => accounts.map(({ id }) => id);
const text = (account: TestAccount, ...names: string[]): string =>
  names.map((name) => (typeof account[name] === "string" ? account[name].toLowerCase() : "")).join("\n");

/** What a filter means, said once more and simply. */
function fits(account: TestAccount, filter: Filter): boolean {
  const list = (name: string): readonly string[] => filter[name] as readonly string[];
  return Object.keys(filter).every((name) => {
    const given = filter[name];
    switch (name) {
      case "accountIds":
        return list(name).includes(account.id);
      case "accountNumbers":
        return list(name).some((number) => text(account, "accountNumber", "iban").split("\n").includes(number.toLowerCase()));
      case "clientIds":
        return account.clientId !== null && list(name).includes(account.clientId);
      case "currencies":
        return list(name).includes(account.currency);
      case "types":
        return list(name).includes(String(account["type"]));
      case "statuses":
        return list(name).includes(String(account["status"]));
      case "search":
        return text(account, "accountNumber", "iban", "name", "externalId").includes(String(given).toLowerCase());
      case "balanceFrom":
        return Number(account.balance) >= Number(given);
      case "balanceTo":
        return Number(account.balance) <= Number(given);
      case "createdFrom":
        return String(account["createdAt"]) >= String(given);
      case "createdTo":
        return String(account["createdAt"]) < String(given);
      default:
        throw new Error(`no meaning of ${name}`);
    }
  });
}

function filters(): Filter[] {
  const middle = all[20] as TestAccount;
  const older = all[30] as TestAccount;
  return [
    { accountIds: [...idsOf(all.slice(3, 19)), NOBODY] },
    {
      accountNumbers: [all[2]?.accountNumber, all[9]?.accountNumber, "nobody1"].concat(
        all.slice(0, 12).flatMap(({ iban }) => iban?.toLowerCase() ?? []),
      ),
    },
    { clientIds: [all.find(({ clientId }) => clientId !== null)?.clientId, NOBODY] },
    { currencies: ["EUR", "JPY"] },
    { currencies: ["USD"] },
    { types: ["client", "fee"] },
    { statuses: ["active"] },
    { statuses: ["closed", "blocked"] },
    { search: "plain" },
    { search: "%" },
    { search: "_" },
    { search: "\\" },
    { search: "EXT_1" },
    { currencies: ["EUR"], balanceFrom: "0.01" },
    { currencies: ["EUR"], balanceTo: "-0.01" },
    { currencies: ["JPY"], balanceFrom: "-100", balanceTo: "200" },
    { createdFrom: middle["createdAt"] },
    { createdTo: older["createdAt"] },
  ];
}

describe("a search", () => {
  test("without a filter finds every account, newest first, with all that is known of it", async () => {
    const page = await search({});
    expect(page.items).toEqual(all);
    expect(page).toMatchObject({ pageNumber: 1, pageSize: 100, nextCursor: null, totalCount: all.length });
  });

  test("by each filter and by each two of them finds what the model finds, whoever asks, by body and by query", async () => {
    const singles = filters();
    const pairs = singles.flatMap((one, at) => singles.slice(at).map((other) => ({ ...one, ...other })));
    let found = 0;
    for (const filter of pairs) {
      if (("balanceFrom" in filter || "balanceTo" in filter) && (filter["currencies"] as string[]).length !== 1) continue;
      const expected = idsOf(all.filter((account) => fits(account, filter)));
      const page = await search(filter);
      expect({ filter, ids: idsOf(page.items), total: page.totalCount }).toEqual({ filter, ids: expected, total: expected.length });
      const own = expected.filter((id) => tenantOf.get(id) === "north");
      expect({ filter, ids: idsOf((await search(filter, north)).items) }).toEqual({ filter, ids: own });
      expect(idsOf(pageOf(await bank.system.get(`${LIST}?pageSize=100&${queryOf(filter)}`)).items)).toEqual(expected);
      found += expected.length;
    }
    expect(found).toBeGreaterThan(500);
  }, 120_000);

  test("finds the same by POST on the list as by POST on its search", async () => {
    const body = { currencies: ["EUR"], pageSize: 3 };
    expect((await bank.system.post(LIST, body)).text).toBe((await bank.system.post(SEARCH, body)).text);
  });

  test("takes an empty list for no filter", async () => {
    const page = await search({ accountIds: [], accountNumbers: [], clientIds: [], currencies: [], types: [], statuses: [] });
    expect(idsOf(page.items)).toEqual(idsOf(all));
  });

  test.each(["%", "_", "\\", "%%", "100%", "r_s", "k\\s", "'", "--", "Ï", "£", "口座"])(
    "takes %j for itself, and for no wildcard",
    async (piece) => {
      const expected = all.filter((account) => fits(account, { search: piece }));
      expect(idsOf((await search({ search: piece })).items)).toEqual(idsOf(expected));
    },
  );

  test("finds a balance on the account's normal side, bounds included", async () => {
    const [debit] = all.filter(({ type, balance, currency }) => type === "settlement" && currency === "EUR" && Number(balance) > 0);
    const bounds = { currencies: ["EUR"], balanceFrom: debit?.balance, balanceTo: debit?.balance };
    expect(idsOf((await search(bounds)).items)).toContain(debit?.id);
    const numbers = `{"currencies":["EUR"],"balanceFrom":${debit?.balance},"balanceTo":${debit?.balance}}`;
    expect(idsOf(pageOf(await bank.system.post(SEARCH, numbers)).items)).toContain(debit?.id);
  });
});

function queryOf(filter: Filter): string {
  return Object.entries(filter)
    .flatMap(([name, value]) => [value].flat().map((each) => `${name}=${encodeURIComponent(String(each))}`))
    .join("&");
}

describe("the order", () => {
  const compare = (a: unknown, b: unknown): number => (a === b ? 0 : (a as string) < (b as string) ? -1 : 1);
  const keys: Record<string, (account: TestAccount) => unknown> = {
    createdAt: (account) => account["createdAt"],
    accountNumber: (account) => account.accountNumber.toLowerCase(),
    name: (account) => Buffer.from(String(account["name"]).toLowerCase()).toString("hex"),
    balance: (account) => BigInt(account.balance.replace(".", "")),
  };

  test.each(Object.keys(keys).flatMap((sortBy) => ["asc", "desc"].map((sortDirection) => [sortBy, sortDirection])))(
    "by %s %s holds over all pages, by cursor and by number, with nothing lost and nothing twice",
    async (sortBy, sortDirection) => {
      const key = keys[sortBy ?? ""] ?? String;
      const sign = sortDirection === "asc" ? 1 : -1;
      const expected = all.toSorted((a, b) => sign * (compare(key(a), key(b)) || compare(a.id, b.id)));
      const order = { sortBy, sortDirection, pageSize: 7 };
      const byCursor: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page: Page = await search({ ...order, ...(cursor === undefined ? {} : { cursor }) });
        byCursor.push(...idsOf(page.items));
        expect(page.totalCount).toBe(all.length);
        cursor = page.nextCursor;
      }
      const byNumber: string[] = [];
      for (let pageNumber = 1; pageNumber <= 7; pageNumber++) byNumber.push(...idsOf((await search({ ...order, pageNumber })).items));
      expect(byCursor).toEqual(idsOf(expected));
      expect(byNumber).toEqual(idsOf(expected));
    },
  );

  test("a page behind the last one is empty", async () => {
    expect(await search({ pageNumber: 100 })).toMatchObject({ items: [], pageNumber: 100, nextCursor: null, totalCount: all.length });
  });
});

describe("400", () => {
  const oneTooMany = Array.from({ length: 1001 }, () => NOBODY);
  const otherCursor = Buffer.from("transactions x 1").toString("base64url");
  const cursorOf = (mark: string, position: string): string => Buffer.from(`accounts ${mark} ${position}`).toString("base64url");
  test.each<[string, Filter, string]>([
    ["an unknown order", { sortBy: "balance; drop table x" }, "sortBy"],
    ["an order by a column of the table", { sortBy: "tenant" }, "sortBy"],
    ["an unknown direction", { sortDirection: "up" }, "sortDirection"],
    ["page 0", { pageNumber: 0 }, "pageNumber"],
    ["a page beyond row 10 000", { pageNumber: 501 }, "pageNumber"],
    ["a page far beyond", { pageNumber: 1_000_000_000 }, "pageNumber"],
    ["no rows", { pageSize: 0 }, "pageSize"],
    ["minus one row", { pageSize: -1 }, "pageSize"],
    ["a billion rows", { pageSize: 1_000_000_000 }, "pageSize"],
    ["1001 accounts", { accountIds: oneTooMany }, "accountIds"],
    ["1001 numbers", { accountNumbers: oneTooMany.map(() => "12345") }, "accountNumbers"],
    ["what is no id", { clientIds: ["1"] }, "clientIds.0"],
    ["what is no number", { accountNumbers: ["a b c"] }, "accountNumbers.0"],
    ["an unknown type", { types: ["wallet"] }, "types.0"],
    ["an unknown status", { statuses: ["open"] }, "statuses.0"],
    ["an empty search", { search: "" }, "search"],
    ["a search for a control character", { search: "a\u001fb" }, "search"],
    ["a long search", { search: "x".repeat(101) }, "search"],
    ["a balance without a currency", { balanceFrom: "1" }, "balanceFrom"],
    ["a balance in two currencies", { balanceTo: "1", currencies: ["EUR", "USD"] }, "balanceTo"],
    ["a balance with more digits than the currency", { balanceFrom: "1.5", currencies: ["JPY"] }, "balanceFrom"],
    ["a balance beyond the books", { balanceFrom: "90000000000000000.01", currencies: ["EUR"] }, "balanceFrom"],
    ["a balance in no currency", { balanceFrom: "1", currencies: ["XXX"] }, "currencies.0"],
    ["a day that is none", { createdFrom: "2026-02-30" }, "createdFrom"],
    ["an unknown field", { tenant: "north" }, "tenant"],
    ["a cursor of another list", { cursor: otherCursor }, "cursor"],
    ["a cursor of another order", { cursor: cursorOf("name desc", NOBODY) }, "cursor"],
    ["a cursor with an account that never was", { cursor: cursorOf("createdAt desc", NOBODY) }, "cursor"],
    ["a cursor that is no id", { cursor: cursorOf("createdAt desc", "' or 1=1 --") }, "cursor"],
    ["a cursor with a NUL", { cursor: cursorOf("createdAt desc", "\0") }, "cursor"],
    ["a cursor with a balance that is none", { sortBy: "balance", cursor: cursorOf("balance desc", `1e5:${NOBODY}`) }, "cursor"],
    [
      "a cursor with a balance beyond the books",
      { sortBy: "balance", cursor: cursorOf("balance desc", `9999999999999999999:${NOBODY}`) },
      "cursor",
    ],
    ["a cursor and a page", { pageNumber: 1, cursor: cursorOf("createdAt desc", NOBODY) }, "cursor"],
  ])("for %s", async (_, filter, field) => {
    const { status, body } = await bank.system.post(SEARCH, filter);
    expect([status, Object.keys(body["errors"] ?? {})]).toEqual([400, [field]]);
  });
});

describe("a tenant", () => {
  test("finds none of another tenant's accounts, whatever it names", async () => {
    const foreign = all.filter(({ id }) => tenantOf.get(id) !== "north");
    const named: Filter[] = [
      { accountIds: idsOf(foreign) },
      { accountNumbers: foreign.flatMap(({ accountNumber, iban }) => [accountNumber, iban ?? []].flat()) },
      { search: foreign[0]?.accountNumber },
    ];
    for (const filter of named) {
      expect((await search(filter)).items.length).toBeGreaterThan(0);
      expect(await search({ ...filter, includeTotalCount: true }, north)).toMatchObject({ items: [], totalCount: 0, nextCursor: null });
    }
  });

  test("cannot begin behind another tenant's account", async () => {
    const foreign = all.find(({ id }) => tenantOf.get(id) !== "north");
    const cursor = Buffer.from(`accounts createdAt desc ${foreign?.id}`).toString("base64url");
    expect((await bank.system.post(SEARCH, { cursor })).status).toBe(200);
    expect((await north.post(SEARCH, { cursor })).status).toBe(400);
  });
});

test("a thousand ids and a thousand numbers are one search", async () => {
  const never = Array.from({ length: 990 }, (_, n) => `0197b0a4-4b1c-7cc0-8000-${String(n).padStart(12, "0")}`);
  const numbers = Array.from({ length: 990 }, (_, n) => `never${n}`);
  const some = all.slice(0, 10);
  const filter = {
    accountIds: [...never, ...idsOf(some)],
    accountNumbers: [...numbers, ...some.map(({ accountNumber }) => accountNumber)],
  };
  expect(idsOf((await search(filter)).items)).toEqual(idsOf(some));
});
