// What is asked of the books while they grow: figures at an instant, statements, and a page of every kind of list, with filters that match
// much, little and nothing. Each is a request of the documented API.

import type { BookFacts } from "./facts.store.ts";

/** Of the median, or of the 99th percentile; milliseconds. */
export type Goal = { readonly of: "p50" | "p99"; readonly ms: number };

export type Request = { readonly method: "GET" | "POST"; readonly path: string; readonly body?: object };

export type Read = {
  readonly title: string;
  readonly goal: Goal | null;
  /** What is asked; `answer` of the request before, when `first` makes one. */
  readonly ask: (facts: BookFacts, random: () => number, answer: string) => Request;
  /** Asked before, and not measured: a cursor comes from there. */
  readonly first?: (facts: BookFacts, random: () => number) => Request;
  /** The answer is 400: too much would have to be read. */
  readonly isRefused?: true;
};

/** Goals of section "growth" in the README. */
const FAST: Goal = { of: "p50", ms: 5 };
const PAGE: Goal = { of: "p99", ms: 50 };

const get = (path: string): Request => ({ method: "GET", path });
const post = (path: string, body: object): Request => ({ method: "POST", path, body });
const oneOf = (list: readonly string[], random: () => number): string => list[Math.floor(random() * list.length)] ?? "";
const instant = ({ from, until }: BookFacts, random: () => number): string =>
  new Date(from.getTime() + random() * (until.getTime() - from.getTime())).toISOString();
const hottest = (facts: BookFacts): string => facts.accounts[0] ?? "";
const anyAccount = (facts: BookFacts, random: () => number): string => oneOf(facts.accounts, random);
const weekBefore = (end: string): string => new Date(Date.parse(end) - 7 * 86_400_000).toISOString();

function read(title: string, goal: Goal | null, ask: (facts: BookFacts, random: () => number) => Request): Read {
  return { title, goal, ask };
}

const CURSOR = /"nextCursor":"([^"]+)"/;

/** The page behind the one that `first` gives. */
function nextPage(title: string, goal: Goal, first: (facts: BookFacts, random: () => number) => Request): Read {
  let asked = get("");
  return {
    title,
    goal,
    first: (facts, random) => (asked = first(facts, random)),
    ask: (_facts, _random, answer) => {
      const cursor = CURSOR.exec(answer)?.[1];
      if (cursor === undefined) return asked;
      return asked.method === "GET" ? get(`${asked.path}&cursor=${cursor}`) : { ...asked, body: { ...asked.body, cursor } };
    },
  };
}

const BALANCES = "/internal/Accounts/calculateBalances";
const balanceOf = (accountId: string, atDate: string, basis = "booked"): Request =>
  post(BALANCES, { accountIds: [accountId], atDate, basis });

const figures: readonly Read[] = [
  read("balance of the hottest account at an instant", FAST, (f, r) => balanceOf(hottest(f), instant(f, r))),
  read("balance of the hottest account by value date", null, (f, r) => balanceOf(hottest(f), instant(f, r), "valued")),
  read("balance of any account at an instant", FAST, (f, r) => balanceOf(anyAccount(f, r), instant(f, r))),
  read("an account by its id", null, (f, r) => get(`/v2/ledger/internal/Accounts/${anyAccount(f, r)}`)),
  read("sums over a client's accounts", null, (f, r) =>
    get(`/v2/ledger/internal/Accounts/getAggregatedAmounts?clientId=${oneOf(f.clients, r)}`),
  ),
  read("sums over all accounts", null, () => get("/v2/ledger/internal/Accounts/getAggregatedAmounts")),
];

const TRANSACTIONS = "/internal/Transactions?pageSize=50";
const QUERY = "/internal/Transactions/query";
const ofHottest = (f: BookFacts): string => `${TRANSACTIONS}&accountId=${hottest(f)}`;
const search = (body: object): Request => post(QUERY, { pageSize: 50, ...body });

const hundred = (f: BookFacts, r: () => number): string[] => [hottest(f), ...Array.from({ length: 99 }, () => anyAccount(f, r))];
/** The last page that may be asked for by number. */
const LAST = { pageSize: 100, pageNumber: 100 };

/** By number, so that as much is read as may be. */
function ofNothing(what: string, filter: object): Read {
  return read(`transactions of the hottest account by ${what} (none), by number`, PAGE, (f) =>
    search({ accountIds: [hottest(f)], pageNumber: 1, ...filter }),
  );
}

/** Some thousands of the hottest account's transactions. */
function threeDays(facts: BookFacts, random: () => number): { dateFrom: string; dateTo: string } {
  const dateTo = instant(facts, random);
  return { dateFrom: new Date(Date.parse(dateTo) - 3 * 86_400_000).toISOString(), dateTo };
}

const transactions: readonly Read[] = [
  read("transactions of the hottest account, newest", FAST, (f) => get(ofHottest(f))),
  read("transactions of the hottest account before an instant", FAST, (f, r) => get(`${ofHottest(f)}&dateTo=${instant(f, r)}`)),
  nextPage("transactions of the hottest account, next page", FAST, (f, r) => get(`${ofHottest(f)}&dateTo=${instant(f, r)}`)),
  read("transactions of any account", PAGE, (f, r) => get(`${TRANSACTIONS}&accountId=${anyAccount(f, r)}`)),
  read("transactions of a client", PAGE, (f, r) => get(`${TRANSACTIONS}&clientId=${oneOf(f.clients, r)}`)),
  read("transactions, all, newest", PAGE, () => get(TRANSACTIONS)),
  read("transactions, all, oldest", PAGE, () => get(`${TRANSACTIONS}&sortDirection=asc`)),
  read("transactions, all, page 100", PAGE, () => get(`${TRANSACTIONS}&pageNumber=100`)),
  read("transactions, all, with a total", PAGE, () => get(`${TRANSACTIONS}&includeTotalCount=true`)),
  nextPage("transactions, all, next page before an instant", PAGE, (f, r) => get(`${TRANSACTIONS}&dateTo=${instant(f, r)}`)),
  read("transactions of a week", PAGE, (f, r) => {
    const until = instant(f, r);
    return get(`${TRANSACTIONS}&dateFrom=${weekBefore(until)}&dateTo=${until}`);
  }),
  read("transactions of type fee (2 %)", PAGE, () => get(`${TRANSACTIONS}&types=fee`)),
  read("transactions of type adjustment (none)", PAGE, () => get(`${TRANSACTIONS}&types=adjustment`)),
  read("transactions, pending", PAGE, () => get(`${TRANSACTIONS}&states=pending`)),
  read("transactions, cancelled", PAGE, () => get(`${TRANSACTIONS}&states=cancelled`)),
  read("transactions of a payment", PAGE, (f, r) =>
    get(`${TRANSACTIONS}&paymentId=${f.payments[Math.floor(r() * f.payments.length)]?.id}`),
  ),
  read("transactions of 20 accounts", PAGE, (f, r) => search({ accountIds: Array.from({ length: 20 }, () => anyAccount(f, r)) })),
  read("transactions of the hottest account of type adjustment (none)", PAGE, (f) => get(`${ofHottest(f)}&types=adjustment`)),
  read("transactions of the hottest account and 99 others", PAGE, (f, r) => search({ accountIds: hundred(f, r) })),
  read("transactions of the hottest account and 99 others, page 100 of 100", PAGE, (f, r) =>
    search({ ...LAST, accountIds: hundred(f, r) }),
  ),
  read("transactions of the hottest account of type transfer, page 100 of 100", PAGE, (f) =>
    search({ ...LAST, accountIds: [hottest(f)], types: ["transfer"] }),
  ),
  { ...ofNothing("types", { types: ["adjustment"] }), isRefused: true },
  { ...ofNothing("a text", { search: "no such text" }), isRefused: true },
  { ...ofNothing("an amount", { amountFrom: "99999999" }), isRefused: true },
  read("transactions of the hottest account and 99 others in three days by amount", PAGE, (f, r) =>
    search({ accountIds: hundred(f, r), sortBy: "amount", ...threeDays(f, r) }),
  ),
  read("transactions of the hottest account in three days by amount", PAGE, (f, r) =>
    search({ accountIds: [hottest(f)], sortBy: "amount", ...threeDays(f, r) }),
  ),
  read("transactions with a text (none)", PAGE, () => search({ search: "no such text" })),
  read("transactions of an amount", PAGE, () => search({ amountFrom: "42.00", amountTo: "42.10", direction: "credit" })),
  read("transactions of an account by amount", PAGE, (f, r) => search({ accountIds: [anyAccount(f, r)], sortBy: "amount" })),
];

const PAYMENTS = "/v2/internal/Payments?pageSize=50";
const aPayment = (f: BookFacts, r: () => number) => f.payments[Math.floor(r() * f.payments.length)];

const payments: readonly Read[] = [
  read("payments, newest", PAGE, () => get(PAYMENTS)),
  nextPage("payments, next page before an instant", PAGE, (f, r) => get(`${PAYMENTS}&dateTo=${instant(f, r)}`)),
  read("payments by externalId", PAGE, (f, r) => get(`${PAYMENTS}&externalId=${aPayment(f, r)?.externalId}`)),
  read("payments of an account", PAGE, (f, r) => get(`${PAYMENTS}&accountId=${aPayment(f, r)?.accountId}`)),
  read("payments of the hottest account", PAGE, (f) => get(`${PAYMENTS}&accountId=${hottest(f)}`)),
  read("payments of a client", PAGE, (f, r) => get(`${PAYMENTS}&clientId=${oneOf(f.clients, r)}`)),
  read("payments, drafts", PAGE, () => get(`${PAYMENTS}&states=draft`)),
  read("payments, pending", PAGE, () => get(`${PAYMENTS}&states=pending`)),
  read("payments, cancelled", PAGE, () => get(`${PAYMENTS}&states=cancelled`)),
  read("payments of type fee (2 %)", PAGE, () => get(`${PAYMENTS}&types=fee`)),
  read("payments of type adjustment (none)", PAGE, () => get(`${PAYMENTS}&types=adjustment`)),
  read("payments by metadata (one)", PAGE, (f, r) => get(`${PAYMENTS}&metadata.order=${oneOf(f.orders, r)}`)),
  read("payments by metadata (3 %)", PAGE, () => get(`${PAYMENTS}&metadata.channel=app`)),
  read("payments by metadata (none)", PAGE, () => get(`${PAYMENTS}&metadata.order=none`)),
  read("payments of a week, drafts", PAGE, (f, r) => {
    const until = instant(f, r);
    return get(`${PAYMENTS}&states=draft&dateFrom=${weekBefore(until)}&dateTo=${until}`);
  }),
];

const ACCOUNTS = "/v2/ledger/internal/Accounts?pageSize=50";

const accounts: readonly Read[] = [
  read("accounts, newest", PAGE, () => get(ACCOUNTS)),
  nextPage("accounts, next page", PAGE, (f, r) => get(`${ACCOUNTS}&createdTo=${instant({ ...f, from: opened(f) }, r)}`)),
  read("accounts of a client", PAGE, (f, r) => get(`${ACCOUNTS}&clientIds=${oneOf(f.clients, r)}`)),
  read("accounts by a text (one)", PAGE, (f, r) => get(`${ACCOUNTS}&search=${numberOf(f, r)}`)),
  read("accounts by a text (a few hundred)", PAGE, (f, r) => get(`${ACCOUNTS}&search=Account%20${numberOf(f, r).slice(-4)}`)),
  read("accounts by a text (all)", PAGE, () => get(`${ACCOUNTS}&search=account`)),
  read("accounts by a text (none)", PAGE, () => get(`${ACCOUNTS}&search=no%20such%20name`)),
  read("accounts by two letters (none)", PAGE, () => get(`${ACCOUNTS}&search=zq`)),
  read("accounts by number", PAGE, (f, r) => get(`${ACCOUNTS}&accountNumbers=${numberOf(f, r)}`)),
  read("accounts by kind (all)", PAGE, () => get(`${ACCOUNTS}&currencies=EUR&types=client&statuses=active`)),
  read("accounts by kind (one)", PAGE, () => get(`${ACCOUNTS}&types=settlement`)),
  read("accounts by balance (all)", PAGE, () => get(`${ACCOUNTS}&currencies=EUR&balanceFrom=1.00`)),
  read("accounts by balance (none)", PAGE, () => get(`${ACCOUNTS}&currencies=EUR&balanceFrom=1.00&balanceTo=2.00`)),
  read("accounts of a time, by name", PAGE, (f, r) => {
    const until = Date.parse(instant({ ...f, from: opened(f) }, r));
    return get(
      `${ACCOUNTS}&createdFrom=${new Date(until - 3_600_000).toISOString()}&createdTo=${new Date(until).toISOString()}&sortBy=name`,
    );
  }),
  read("accounts, all, with a total", null, () => get(`${ACCOUNTS}&includeTotalCount=true`)),
];

/** Accounts were opened in the 200 days before the first payment. */
function opened({ from }: BookFacts): Date {
  return new Date(from.getTime() - 200 * 86_400_000);
}

function numberOf(facts: BookFacts, random: () => number): string {
  return `BENCH${String(1 + Math.floor(random() * facts.accounts.length)).padStart(9, "0")}`;
}

const events: readonly Read[] = [
  read("events behind a number", PAGE, (f, r) => get(`/internal/Events?after=${Math.floor(r() * f.lastSequence)}`)),
];

export const READS: readonly Read[] = [...figures, ...transactions, ...payments, ...accounts, ...events];
