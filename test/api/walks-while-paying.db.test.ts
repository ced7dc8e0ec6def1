// Walking all pages of a list while payments arrive and change: what was there when the walk began is met once and only once, newest
// first; a walk upwards also meets all that came after.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import { random, type Random } from "../random.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PAYMENTS = "/v2/internal/Payments";
let bank: LedgerApp;
let client: TestAccount;
let clearing: TestAccount[];
beforeAll(async () => {
  bank = await openLedgerApp();
  client = await bank.aFundedAccount("100000.00");
  clearing = [await bank.anAccount({ type: "clearing" }), await bank.anAccount({ type: "clearing" })];
});
afterAll(() => bank.close());

type Page = { items: { readonly id: string; readonly state: string }[]; nextCursor: string | null };

/** Payments in every state; gives the ids of those that may still change. */
async function makePayments(draw: Random, size: number): Promise<string[]> {
  const open: string[] = [];
  for (let i = 0; i < size; i++) {
    const lines = draw.list(draw.pick([1, 2]), () => aLine(client, draw.pick(clearing), "1.00"));
    const body = { externalId: unique("walk"), transactions: lines };
    if (draw.chance(0.4)) bodyOf(await bank.transfer(body));
    else open.push(String(bodyOf(await bank.system.post(PAYMENTS, { ...body, state: draw.pick(["draft", "pending", "pending"]) }))["id"]));
  }
  return open;
}

async function change(draw: Random, open: string[]): Promise<void> {
  for (let i = 0; i < 3 && open.length > 0; i++) {
    const id = open.splice(draw.integer(0, open.length - 1), 1)[0];
    const step = draw.pick(["post", "post", "cancel", "pend"]);
    const answer = await bank.system.post(`${PAYMENTS}/${id}/${step}`, {});
    if (answer.status === 200 && step === "pend" && id !== undefined) open.push(id);
  }
  bodyOf(await bank.transfer(aTransfer(client, draw.pick(clearing), "1.00")));
  bodyOf(await bank.system.post(PAYMENTS, { ...aTransfer(client, draw.pick(clearing), "1.00"), ...oneLine(draw), state: "pending" }));
}

/** Operation 42 takes lists of lines alone. */
function oneLine(draw: Random): object {
  const nothing = { debitAccountId: undefined, creditAccountId: undefined, amount: undefined, currency: undefined };
  return { ...nothing, transactions: [aLine(client, draw.pick(clearing), "1.00")] };
}

const LISTS: readonly (readonly [name: string, path: () => string])[] = [
  ["an account's transactions", () => `/internal/Transactions?accountId=${client.id}`],
  ["a client's transactions", () => `/internal/Transactions?clientId=${client.clientId}`],
  ["all transactions", () => "/internal/Transactions?"],
  ["an account's payments", () => `${PAYMENTS}?accountId=${client.id}`],
  ["all payments", () => `${PAYMENTS}?`],
];

test.each(LISTS)("%s, newest first: none of what was there is lost, none is met twice", { timeout: 60_000 }, async (_name, pathOf) => {
  for (let round = 0; round < 2; round++) {
    const draw = random();
    const open = await makePayments(draw, 25);
    const path = pathOf();
    const list = async (query: string): Promise<Page> => bodyOf(await bank.system.get(`${path}&${query}`)) as unknown as Page;
    const whole = await wholeOf(list);
    const first = await list("pageSize=4");
    const seen = first.items.map(({ id }) => id);
    for (let cursor = first.nextCursor; cursor !== null; ) {
      if (seen.length < 100) await change(draw, open);
      const page: Page = await list(`pageSize=${seen.length < 40 ? 4 : 60}&cursor=${cursor}`);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen.length, draw.note).toBe(new Set(seen).size);
    // A draft becomes a transaction when it is pended: it may be met then, below, and needs not be.
    const old = new Set(whole);
    expect(
      seen.filter((id) => old.has(id)),
      draw.note,
    ).toEqual(whole);
  }
});

test.each(LISTS)(
  "%s, oldest first: all that was there and all that is booked at once meanwhile is met, each once",
  { timeout: 60_000 },
  async (_name, pathOf) => {
    const draw = random();
    const open = await makePayments(draw, 20);
    const path = pathOf();
    const list = async (query: string): Promise<Page> =>
      bodyOf(await bank.system.get(`${path}&sortDirection=asc&${query}`)) as unknown as Page;
    const before = await wholeOf(list);
    const seen: string[] = [];
    const arrived: string[] = [];
    let pages = 0;
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Page = await list(`pageSize=${pages < 25 ? 5 : 100}${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      if (pages++ > 25 || cursor === null) continue;
      await change(draw, open);
      const { id } = bodyOf(await bank.transfer(aTransfer(client, draw.pick(clearing), "1.00")));
      arrived.push(String(id).slice(0, 34));
    }
    expect(seen.length, draw.note).toBe(new Set(seen).size);
    expect(
      before.filter((id) => !seen.includes(id)),
      draw.note,
    ).toEqual([]);
    const met = new Set(seen.map((id) => id.slice(0, 34)));
    expect(
      arrived.filter((id) => !met.has(id)),
      draw.note,
    ).toEqual([]);
  },
);

async function wholeOf(list: (query: string) => Promise<Page>): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page = await list(`pageSize=100${cursor === "" ? "" : `&cursor=${cursor}`}`);
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  return ids;
}
