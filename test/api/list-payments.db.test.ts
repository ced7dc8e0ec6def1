// GET /v2/internal/Payments against a model: every pair of filters, metadata among them, in its order; and what is no filter.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, unique } from "../builders.ts";
import { aBusyBank, type BusyBank, type BusyPayment } from "../busy-bank.ts";
import { random } from "../random.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

const PATH = "/v2/internal/Payments";
const draw = random();
let bank: LedgerApp;
let busy: BusyBank;
beforeAll(async () => {
  bank = await openLedgerApp();
  busy = await aBusyBank(bank, draw, 80);
}, 60_000);
afterAll(() => bank.close());

type Query = Readonly<Record<string, unknown>>;
type Page = { items: BusyPayment[]; nextCursor: string | null; totalCount?: number };

const inQuery = (query: Query): string =>
  new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, String(each)])),
  ).toString();

async function walk(query: Query, calls = bank.system): Promise<BusyPayment[]> {
  const items: BusyPayment[] = [];
  let cursor: string | null = null;
  do {
    const paging = { pageSize: draw.pick([1, 4, 20, 100]), ...(cursor === null ? {} : { cursor }) };
    const page: Page = bodyOf(await calls.get(`${PATH}?${inQuery({ ...query, ...paging })}`)) as unknown as Page;
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
}

const placeOf = (payment: BusyPayment): number => payment.postedSequence ?? payment.createdSequence;
const datedAt = (payment: BusyPayment): string => payment.postedAt ?? payment.createdAt;
const inOrder = (payments: readonly BusyPayment[], direction: string): BusyPayment[] =>
  payments.toSorted((a, b) => (direction === "asc" ? 1 : -1) * (placeOf(a) - placeOf(b)));

const FILTERS: Readonly<Record<string, { value: () => unknown; keeps: (payment: BusyPayment, value: never) => boolean }>> = {
  externalId: { value: () => draw.pick(busy.payments).externalId, keeps: (payment, value: string) => payment.externalId === value },
  accountId: {
    value: () => draw.pick(busy.accounts).id,
    keeps: (payment, id: string) => payment.transactions.some((line) => line.debitAccountId === id || line.creditAccountId === id),
  },
  clientId: {
    value: () => draw.pick(busy.accounts.filter(({ clientId }) => clientId !== null)).clientId,
    keeps: (payment, id: string) => payment.clientId === id,
  },
  states: {
    value: () => draw.pick([["draft"], ["pending"], ["posted"], ["cancelled"], ["draft", "pending"], ["pending", "posted"]]),
    keeps: (payment, states: string[]) => states.includes(payment.state),
  },
  types: { value: () => draw.pick([["deposit"], ["fee", "transfer"]]), keeps: (payment, types: string[]) => types.includes(payment.type) },
  dateFrom: { value: () => datedAt(draw.pick(busy.payments)), keeps: (payment, value: string) => datedAt(payment) >= value },
  dateTo: { value: () => datedAt(draw.pick(busy.payments)), keeps: (payment, value: string) => datedAt(payment) < value },
  "metadata.channel": {
    value: () => draw.pick(["web", "app", "WEB", ""]),
    keeps: (payment, value: string) => payment.metadata["channel"] === value,
  },
  "metadata.batch": { value: () => draw.pick(["7", "8"]), keeps: (payment, value: string) => payment.metadata["batch"] === value },
};

const names = Object.keys(FILTERS);
const pairs = names.flatMap((a, i) => names.slice(i).map((b) => (a === b ? [a] : [a, b])));

describe("the list", () => {
  test.each(pairs)("by %s %s finds what a model finds, in its order", async (...chosen) => {
    for (let round = 0; round < 3; round++) {
      const query = Object.fromEntries(chosen.filter(Boolean).map((name) => [name, FILTERS[name]?.value()]));
      const sortDirection = draw.pick(["asc", "desc"]);
      const found = await walk({ ...query, sortDirection });
      const kept = busy.payments.filter((payment) =>
        Object.entries(query).every(([name, value]) => FILTERS[name]?.keeps(payment, value as never)),
      );
      const note = `${draw.note} ${JSON.stringify(query)}`;
      expect(
        found.map(({ id }) => id),
        note,
      ).toEqual(inOrder(kept, sortDirection).map(({ id }) => id));
      for (const { createdSequence: _, ...payment } of kept)
        expect(
          found.find(({ id }) => id === payment.id),
          note,
        ).toEqual(payment);
    }
  });

  test("without any filter holds every payment once, drafts among them", async () => {
    expect((await walk({})).map(({ id }) => id)).toEqual(inOrder(busy.payments, "desc").map(({ id }) => id));
  });

  test("of a tenant holds its own payments alone", async () => {
    const seen = new Map<string, number>();
    for (const tenant of ["default", "north", "south", "west"]) {
      const own = await walk({}, bank.systemOf(tenant));
      expect(own.map(({ id }) => id)).toEqual(
        inOrder(
          busy.payments.filter(({ id }) => own.some((each) => each.id === id)),
          "desc",
        ).map(({ id }) => id),
      );
      for (const { id } of own) seen.set(id, (seen.get(id) ?? 0) + 1);
      for (const { id } of own.slice(0, 3)) expect((await bank.systemOf(tenant).get(`${PATH}/${id}`)).status).toBe(200);
      const foreign = busy.payments.filter(({ id }) => !own.some((each) => each.id === id)).slice(0, 3);
      for (const { id } of foreign) expect((await bank.systemOf(tenant).get(`${PATH}/${id}`)).status).toBe(404);
    }
    expect([...seen.values()].every((count) => count === 1)).toBe(true);
    expect(seen.size).toBe(busy.payments.length);
  });

  test("of an account shows a payment with several lines there once, also one whose lines there were all released", async () => {
    const [a, b, c] = [
      await bank.anAccount({ type: "clearing" }),
      await bank.anAccount({ type: "clearing" }),
      await bank.anAccount({ type: "clearing" }),
    ];
    const transactions = [aLine(a, b, "1.00"), aLine(b, a, "2.00"), aLine(a, c, "3.00")];
    const { id, transactions: lines } = bodyOf(
      await bank.system.post(PATH, { externalId: unique("lines"), transactions, state: "pending" }),
    ) as {
      id: string;
      transactions: { id: string }[];
    };
    bodyOf(await bank.system.post(`${PATH}/${id}/post`, { transactions: [{ id: lines[0]?.id, amount: "1.00" }] }));
    for (const account of [a, b, c]) expect((await walk({ accountId: account.id })).map((payment) => payment.id)).toEqual([id]);
  });
});

describe("the query", () => {
  test.each([
    ["metadata.=1", "metadata."],
    ["metadata=1", "metadata"],
    ["metadata.a.b=1", "metadata.a.b"],
    ["metadata.%C3%A4=1", "metadata.ä"],
    [`metadata.${"x".repeat(41)}=1`, `metadata.${"x".repeat(41)}`],
    ["Metadata.a=1", "Metadata.a"],
    ["metadata.a=1&metadata.a=2", "metadata.a"],
    [`metadata.a=${"x".repeat(501)}`, "metadata.a"],
    ["metadata.a=%00", "metadata.a"],
    ["states=open", "states.0"],
    ["states=posted&states=open", "states.1"],
    ["types=x", "types.0"],
    ["accountId=1", "accountId"],
    ["clientId=x", "clientId"],
    ["sortBy=amount", "sortBy"],
    ["sortDirection=up", "sortDirection"],
    ["pageSize=101", "pageSize"],
    ["pageNumber=501", "pageNumber"],
    ["includeTotalCount=maybe", "includeTotalCount"],
    ["cursor=x", "cursor"],
    ["dateFrom=2024-02-30", "dateFrom"],
    ["__proto__=1", "__proto__"],
  ])("400 for %s, which is named", async (query, field) => {
    const { status, body } = await bank.system.get(`${PATH}?${query}`);
    expect([status, body["code"], Object.keys(body["errors"] ?? {})]).toEqual([400, "validationFailed", [field]]);
  });

  test("takes metadata names as they are, also those of an object's own members", async () => {
    const [from, to] = [await bank.anAccount(), await bank.anAccount({ type: "clearing" })];
    const metadata = { constructor: "x", "a-b_C9": "%' or 1=1 --", toString: "" };
    const order = { externalId: unique("names"), metadata, transactions: [aLine(from, to, "1.00")] };
    const { id } = bodyOf(await bank.transfer(order));
    for (const [name, value] of Object.entries(metadata)) {
      expect((await walk({ [`metadata.${name}`]: value })).map((payment) => payment.id)).toEqual([id]);
      expect(await walk({ [`metadata.${name}`]: `${value}x` })).toEqual([]);
    }
  });

  test("counts when asked", async () => {
    const page = bodyOf(await bank.system.get(`${PATH}?pageSize=1&includeTotalCount=true&states=posted`));
    expect(page["totalCount"]).toBe((await walk({ states: ["posted"] })).length);
  });
});
