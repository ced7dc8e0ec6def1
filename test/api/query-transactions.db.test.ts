// Operations 28 and 31 with input that nobody honest sends: each fault is named, nothing is a fault of ours, and no text is anything but text.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PATH = "/internal/Transactions/query";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
let bank: LedgerApp;
let client: TestAccount;
let source: TestAccount;
beforeAll(async () => {
  bank = await openLedgerApp();
  client = await bank.aClientAccount();
  source = await bank.anAccount({ type: "clearing" });
  for (const description of ["plain", "100%", "a_b", "back\\slash", "it's", 'say "no"', "Ünïcode", "＝1+1"]) {
    bodyOf(await bank.transfer(aTransfer(source, client, "1.00", { externalId: unique("text"), description, reference: "R" })));
  }
});
afterAll(() => bank.close());

const found = async (body: object): Promise<string[]> =>
  (bodyOf(await bank.system.post(PATH, { accountIds: [client.id], ...body }))["items"] as { description: string }[]).map(
    ({ description }) => description,
  );

describe("a search", () => {
  test.each([
    ["%", ["100%"]],
    ["_", ["a_b"]],
    ["\\", ["back\\slash"]],
    ["'", ["it's"]],
    ['"', ['say "no"']],
    ["ÜNÏ", ["Ünïcode"]],
    ["PLAIN", ["plain"]],
    ["' or 1=1 --", []],
    ["'; drop table general_ledger.entry; --", []],
    ["$1", []],
    ["%%", []],
    ["a%b", []],
    [".*", []],
    ["\\x", []],
    ["＝", ["＝1+1"]],
    [" ", ['say "no"']],
    ["x".repeat(100), []],
  ])("for %j takes it as it stands", async (search, expected) => {
    expect(await found({ search })).toEqual(expected);
    const own = bodyOf(await bank.clientCalls(client.clientId ?? "").get(`/Transactions?search=${encodeURIComponent(search)}`));
    expect((own["items"] as { description: string }[]).map(({ description }) => description)).toEqual(expected);
  });
});

describe("the body", () => {
  test.each<[object, string]>([
    [{ sortBy: "amount desc" }, "sortBy"],
    [{ sortBy: "1; drop table x" }, "sortBy"],
    [{ sortBy: "sequence" }, "sortBy"],
    [{ sortBy: ["amount"] }, "sortBy"],
    [{ sortDirection: "desc nulls first" }, "sortDirection"],
    [{ accountIds: ["1"] }, "accountIds.0"],
    [{ accountIds: NOBODY }, "accountIds"],
    [{ accountIds: [NOBODY, "' or 1=1"] }, "accountIds.1"],
    [{ accountIds: Array.from({ length: 101 }, () => NOBODY) }, "accountIds"],
    [{ clientIds: [null] }, "clientIds.0"],
    [{ paymentIds: [{}] }, "paymentIds.0"],
    [{ types: ["deposit", "salary"] }, "types.1"],
    [{ states: ["draft"] }, "states.0"],
    [{ currencies: ["eur"] }, "currencies.0"],
    [{ currencies: ["EUR' or '1'='1"] }, "currencies.0"],
    [{ direction: "both" }, "direction"],
    [{ amountFrom: "-1" }, "amountFrom"],
    [{ amountFrom: "1,00" }, "amountFrom"],
    [{ amountTo: "1e400" }, "amountTo"],
    [{ amountTo: "NaN" }, "amountTo"],
    [{ dateFrom: "2024-02-30" }, "dateFrom"],
    [{ dateTo: "infinity" }, "dateTo"],
    [{ dateTo: 20240101 }, "dateTo"],
    [{ search: "" }, "search"],
    [{ search: "x".repeat(101) }, "search"],
    [{ pageSize: "20" }, "pageSize"],
    [{ pageSize: 0 }, "pageSize"],
    [{ pageSize: 101 }, "pageSize"],
    [{ pageNumber: 1_000_000_000 }, "pageNumber"],
    [{ pageNumber: 0 }, "pageNumber"],
    [{ cursor: "x" }, "cursor"],
    [{ cursor: "x".repeat(201) }, "cursor"],
    [{ accountId: NOBODY }, "accountId"],
    [{ limit: 10 }, "limit"],
  ])("400 for %j, which is named", async (body, field) => {
    const { status, body: answer } = await bank.system.post(PATH, body);
    expect([status, answer["code"], Object.keys(answer["errors"] ?? {})]).toEqual([400, "validationFailed", [field]]);
  });

  test("may be empty lists and nulls: no filter at all", async () => {
    const nothing = { accountIds: [], clientIds: [], paymentIds: [], transferIds: [], types: [], states: [], currencies: [] };
    const nulls = { direction: null, amountFrom: null, amountTo: null, dateFrom: null, dateTo: null, search: null, sortBy: null };
    const [plain, filled] = [await bank.system.post(PATH, {}), await bank.system.post(PATH, { ...nothing, ...nulls })];
    expect(bodyOf(filled)).toEqual(bodyOf(plain));
    expect((bodyOf(plain)["items"] as unknown[]).length).toBe(16);
  });

  test("finds nothing for ids of nobody, and takes amounts as numbers", async () => {
    for (const name of ["accountIds", "clientIds", "paymentIds", "transferIds"])
      expect(bodyOf(await bank.system.post(PATH, { [name]: [NOBODY] }))).toMatchObject({ items: [], nextCursor: null, totalCount: 0 });
    expect((await found({ amountFrom: 1, amountTo: 1.0 })).length).toBe(8);
    expect((await found({ amountFrom: 1.001 })).length).toBe(0);
    expect((await found({ amountFrom: "0.999", amountTo: "1.0000000000000000000000000000000000001" })).length).toBe(8);
  });

  test("reaches over a thousand years, and over none", async () => {
    expect((await found({ dateFrom: "0001-01-01", dateTo: "9999-12-31" })).length).toBe(8);
    expect((await found({ dateFrom: "9999-12-31", dateTo: "0001-01-01" })).length).toBe(0);
    const whole = bodyOf(await bank.system.post(PATH, { dateFrom: "0001-01-01", dateTo: "9999-12-31T23:59:59.999999999Z" }));
    expect((whole["items"] as unknown[]).length).toBe(16);
  });

  test("sorted gives a cursor of its own, that of another order is refused", async () => {
    const { nextCursor } = bodyOf(await bank.system.post(PATH, { sortBy: "amount", pageSize: 3 }));
    expect((await bank.system.post(PATH, { sortBy: "amount", pageSize: 3, cursor: nextCursor })).status).toBe(200);
    for (const other of [
      {},
      { sortBy: "createdAt" },
      { sortBy: "amount", sortDirection: "asc" },
      { sortBy: "amount", accountIds: [client.id] },
    ])
      expect((await bank.system.post(PATH, { ...other, cursor: nextCursor })).status).toBe(400);
    const [mark = "", digest = ""] = Buffer.from(String(nextCursor), "base64url").toString().split(" ");
    for (const place of ["", "1", "x 0.1.1", "1 x", "- 0.1", `${"9".repeat(31)} 0.1.1`]) {
      const cursor = Buffer.from(`${mark} ${digest} amount desc ${place}`).toString("base64url");
      expect((await bank.system.post(PATH, { sortBy: "amount", cursor })).status).toBe(400);
    }
  });
});

test.each(["createdAt", "postedAt", "valueDate", "amount"] as const)(
  "%s orders the lists by query as it orders this one",
  async (sortBy) => {
    const [account, payer] = [await bank.aClientAccount(), await bank.anAccount()];
    for (const [amount, valueDate] of [
      ["5.00", "2026-03-01"],
      ["0.50", "2026-01-01"],
      ["12.00", "2026-02-01"],
    ])
      bodyOf(await bank.transfer(aTransfer(payer, account, String(amount), { externalId: unique("order"), valueDate })));
    const own = bank.clientCalls(account.clientId ?? "");
    for (const sortDirection of ["asc", "desc"]) {
      const idsOf = (page: Readonly<Record<string, unknown>>): unknown[] => (page["items"] as { id: string }[]).map(({ id }) => id);
      const whole = idsOf(bodyOf(await bank.system.post(PATH, { accountIds: [account.id], sortBy, sortDirection })));
      for (const get of [
        (query: string) => bank.system.get(`/internal/Transactions?${query}`),
        (query: string) => own.get(`/Transactions?${query}`),
      ]) {
        const query = `accountId=${account.id}&sortBy=${sortBy}&sortDirection=${sortDirection}&pageSize=2`;
        const first = bodyOf(await get(query));
        const rest = bodyOf(await get(`${query}&cursor=${String(first["nextCursor"])}`));
        expect([...idsOf(first), ...idsOf(rest)]).toEqual(whole);
        expect((await get(`accountId=${account.id}&cursor=${String(first["nextCursor"])}`)).status).toBe(400);
      }
    }
  },
);
