// Operation 32: the file holds what the list holds, to the digit, in every format; what was typed into a payment stays text; who exported
// what is in the audit trail.

import { inflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import { aBusyBank, type BusyBank, inOrder } from "../busy-bank.ts";
import { random } from "../random.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

const PATH = "/internal/Transactions/report";
const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const draw = random();
let bank: LedgerApp;
let busy: BusyBank;
beforeAll(async () => {
  bank = await openLedgerApp();
  busy = await aBusyBank(bank, draw, 60);
}, 60_000);
afterAll(() => bank.close());

type File = { readonly status: number; readonly type: string; readonly disposition: string; readonly bytes: Buffer };

async function ask(query: string, subject = "exporter", method: "GET" | "HEAD" = "GET"): Promise<File> {
  const token = await bank.mint({ audience: "system", scope: "ledger.read", subject });
  const answer = await bank.app.inject({ method, url: `${PATH}?${query}`, headers: { authorization: `Bearer ${token}` } });
  const { headers } = answer;
  return {
    status: answer.statusCode,
    type: String(headers["content-type"]),
    disposition: String(headers["content-disposition"]),
    bytes: answer.rawPayload,
  };
}

type Item = Readonly<Record<string, unknown>> & { readonly id: string };

async function listed(query: string): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page = bodyOf(await bank.system.get(`/internal/Transactions?${query}&pageSize=100${cursor === "" ? "" : `&cursor=${cursor}`}`));
    items.push(...(page["items"] as Item[]));
    cursor = page["nextCursor"] as string | null;
  }
  return items;
}

/** Records of a CSV text whose cells may be quoted. */
function readCsv(text: string): string[][] {
  return text
    .split(/\r\n(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? ""),
    );
}

/** The cells of the first sheet, as texts. */
function readXlsx(bytes: Buffer): string[][] {
  const start = 30 + bytes.readUInt16LE(26);
  const xml = inflateRawSync(bytes.subarray(start)).toString();
  expect(xml).not.toContain("<f>");
  const text = (cell: string): string => cell.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  return [...xml.matchAll(/<row>(.*?)<\/row>/g)].map(([, row = ""]) =>
    [...row.matchAll(/<c\/>|<t xml:space="preserve">([^<]*)<\/t>/g)].map(([, cell = ""]) => text(cell)),
  );
}

const cellsOf = (item: Item, guard: (text: string) => string): string[] =>
  Object.entries(item).map(([name, value]) => {
    // To a reader that divides cells by semicolons a cell begins behind each of them.
    if (name === "metadata")
      return Object.keys(value as object).length === 0 ? "" : JSON.stringify(value).replace(/;(?=[=-])/g, guard(";"));
    const text = typeof value === "string" ? value : typeof value === "number" ? value.toString() : "";
    return name === "description" ? guard(text) : text;
  });

const FILTERS = (): string[] => {
  const account = draw.pick(busy.accounts);
  return [
    "",
    `accountId=${account.id}`,
    "states=pending&states=cancelled",
    "types=fee",
    "sortDirection=asc",
    `accountId=${account.id}&sortDirection=asc&types=fee`,
  ];
};

describe("the file", () => {
  test("holds what the list of the same filters holds, in its order, in every format", async () => {
    for (const query of FILTERS()) {
      const items = await listed(query);
      const json = await ask(`${query}&format=json`);
      expect(json.type).toBe("application/json; charset=utf-8");
      expect(JSON.parse(json.bytes.toString())).toEqual(items);
      const csv = await ask(query);
      expect(csv.type).toBe("text/csv; charset=utf-8; header=present");
      const [names, ...records] = readCsv(csv.bytes.toString());
      expect(names?.length).toBe(21);
      if (items[0] !== undefined) expect(names).toEqual(Object.keys(items[0]));
      expect(records).toEqual(items.map((item) => cellsOf(item, (text) => text)));
      const xlsx = await ask(`${query}&format=xlsx`);
      expect(xlsx.type).toBe(XLSX);
      expect(readXlsx(xlsx.bytes)).toEqual([names, ...items.map((item) => cellsOf(item, (text) => text))]);
    }
    expect((await listed("")).map(({ id }) => id)).toEqual(inOrder(busy.transactions, "desc").map(({ id }) => id));
  });

  test("of nothing has its names, or an empty list", async () => {
    const query = "dateFrom=2024-01-01&dateTo=2024-01-31";
    expect(readCsv((await ask(query)).bytes.toString()).length).toBe(1);
    expect((await ask(`${query}&format=json`)).bytes.toString()).toBe("[]\n");
    expect(readXlsx((await ask(`${query}&format=xlsx`)).bytes).length).toBe(1);
  });

  test("is called by its days", async () => {
    const name = async (query: string): Promise<string> => (await ask(query)).disposition;
    expect(await name("dateFrom=2024-01-01&dateTo=2024-01-31")).toBe('attachment; filename="transactions_2024-01-01_2024-01-31.csv"');
    expect(await name("dateTo=2024-12-31&format=json")).toBe('attachment; filename="transactions_2024-01-01_2024-12-31.json"');
    expect(await name("format=xlsx")).toMatch(/^attachment; filename="transactions_\d{4}-\d\d-\d\d_now\.xlsx"$/);
  });

  test.each([
    ...["=1+1", '=HYPERLINK("http://x";"y")', "+1", "-1", "@x", "＝1", "'=1", '"=1', ",=1"].map((text) => [text, `'${text}`]),
    ["\t=1", "'\t'=1"],
    [";=1", "';'=1"],
    ["a;-1", "a;'-1"],
  ] as [string, string][])("makes no formula of %j, but %j", async (text, guarded) => {
    const [from, to] = [await bank.anAccount(), await bank.anAccount({ type: "clearing" })];
    bodyOf(await bank.transfer(aTransfer(from, to, "12.34", { externalId: unique("guard"), description: text, metadata: { note: text } })));
    const items = await listed(`accountId=${from.id}`);
    const [names, ...records] = readCsv((await ask(`accountId=${from.id}`)).bytes.toString());
    expect(records).toEqual(items.map((item) => cellsOf(item, (each) => (each === text ? guarded : each === ";" ? ";'" : each))));
    // Figures of our own stay figures, also where they begin with a minus.
    const [, column = ""] = [names, names?.indexOf("balanceAfter")].map(String);
    expect(records[0]?.[Number(column)]).toBe("12.34");
    expect(records[0]?.filter((cell) => /^[=+@\t\r]/.test(cell))).toEqual([]);
    expect(readXlsx((await ask(`accountId=${from.id}&format=xlsx`)).bytes).slice(1)).toEqual(
      items.map((item) => cellsOf(item, (each) => each)),
    );
  });

  test("keeps amounts to the digit, of any currency and size", async () => {
    for (const [currency, amount] of [
      ["EUR", "9999999999999.99"],
      ["JPY", "999999999999999"],
      ["KWD", "999999999999.999"],
      ["KWD", "0.001"],
    ] as const) {
      const [from, to] = [await bank.anAccount({ currency, type: "clearing" }), await bank.anAccount({ currency, type: "clearing" })];
      bodyOf(await bank.transfer(aTransfer(from, to, amount)));
      const records = readCsv((await ask(`accountId=${from.id}`)).bytes.toString());
      expect(records[1]?.slice(5, 8)).toEqual([amount, currency, `-${amount}`]);
      expect(readXlsx((await ask(`accountId=${from.id}&format=xlsx`)).bytes)[1]?.slice(5, 8)).toEqual([amount, currency, `-${amount}`]);
    }
  });
});

describe("the query", () => {
  test.each([
    ["format=pdf", "format"],
    ["dateFrom=2023-01-01&dateTo=2024-01-02", "dateTo"],
    ["dateFrom=2020-01-01", "dateFrom"],
    ["dateFrom=0001-01-01&dateTo=9999-12-31", "dateTo"],
    ["pageSize=10", "pageSize"],
    ["cursor=x", "cursor"],
    ["search=x", "search"],
    ["accountId=1", "accountId"],
  ])("400 for %s, which is named", async (query, field) => {
    const { status, body } = await bank.system.get(`${PATH}?${query}`);
    expect([status, Object.keys(body["errors"] ?? {})]).toEqual([400, [field]]);
  });

  test("takes 366 days", async () => {
    expect((await ask("dateFrom=2024-01-01&dateTo=2024-12-31")).status).toBe(200);
    expect((await ask("dateFrom=2023-01-01&dateTo=2024-01-01")).status).toBe(200);
    expect((await ask("dateFrom=2023-01-01T00:00:00Z&dateTo=2024-01-02T00:00:00.001Z")).status).toBe(400);
  });

  test("of an account that is not the tenant's is 404, and nobody is told of an export", async () => {
    const north = busy.accounts.find(({ id }) => busy.tenantOf.get(id) === "north")?.id ?? "";
    const before = await audited();
    expect((await bank.systemOf("south").get(`${PATH}?accountId=${north}`)).status).toBe(404);
    expect((await bank.systemOf("north").get(`${PATH}?accountId=${north}`)).status).toBe(200);
    expect((await audited()).length).toBe(before.length + 2);
  });
});

type Audit = { readonly action: string; readonly actor_id: string; readonly detail: Readonly<Record<string, unknown>> };

async function audited(): Promise<Audit[]> {
  const { rows } = await bank.owner.query<Audit>(
    "select action, actor_id, detail from platform.audit_entry where action like 'transactions.%' order by id",
  );
  return rows;
}

test.each(["csv", "xlsx", "json"])("HEAD says what the %s file would be, exports nothing, and tells of no export", async (format) => {
  const query = `accountId=${busy.accounts[0]?.id ?? ""}&dateFrom=2026-01-01&dateTo=2026-12-31&format=${format}`;
  const get = await ask(query);
  const before = await audited();
  const head = await ask(query, "exporter", "HEAD");
  expect(head).toEqual({ ...get, bytes: Buffer.alloc(0) });
  expect((await ask("accountId=0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00", "exporter", "HEAD")).status).toBe(404);
  expect((await ask("dateFrom=2020-01-01&dateTo=2022-01-01", "exporter", "HEAD")).status).toBe(400);
  expect(await audited()).toEqual(before);
});

test("who exported what is told before the first row, and how many rows it were after the last", async () => {
  const account = busy.accounts[0]?.id ?? "";
  const rows = (await listed(`accountId=${account}&types=fee&types=transfer`)).length;
  expect((await ask(`accountId=${account}&types=fee&types=transfer&format=json`, "auditor")).status).toBe(200);
  const [started, done] = (await audited()).slice(-2);
  expect(started).toMatchObject({
    action: "transactions.exportStarted",
    actor_id: "auditor",
    detail: { accountId: account, types: "fee,transfer", states: "", format: "json" },
  });
  expect(done).toMatchObject({ action: "transactions.exported", actor_id: "auditor", detail: { accountId: account, rows, isWhole: true } });
});
