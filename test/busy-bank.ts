// A bank with a little of everything that lists tell of: payments of one step and of two in every state, whole and in part, in several
// currencies, tenants and words. What the lists must say of it is kept beside, made from the answers alone.

import { aLine, aTransfer, unique } from "./builders.ts";
import type { Random } from "./random.ts";
import { bodyOf, type LedgerApp, type TestAccount } from "./setup/ledger.ts";

type Line = {
  readonly id: string;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amount: string;
  readonly currency: string;
  readonly type: string;
  readonly description: string | null;
  readonly state: string;
};

/** A PaymentDto, as far as lists need it, with the sequence that created it. */
export type BusyPayment = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly externalId: string;
  readonly state: string;
  readonly type: string;
  readonly clientId: string | null;
  readonly sequence: number;
  readonly postedSequence: number | null;
  readonly createdSequence: number;
  readonly createdAt: string;
  readonly postedAt: string | null;
  readonly description: string | null;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly transactions: readonly Line[];
};

/** A transaction as the lists must show it, and where it stands. */
export type BusyTransaction = {
  readonly id: string;
  readonly paymentId: string;
  readonly accountId: string;
  readonly counterAccountId: string;
  readonly direction: "debit" | "credit";
  readonly amount: string;
  readonly currency: string;
  readonly type: string;
  readonly state: string;
  readonly description: string | null;
  readonly reference: string | null;
  readonly createdAt: string;
  readonly postedAt: string | null;
  readonly sequence: number;
  readonly place: readonly [sequence: number, slot: number];
};

export type BusyBank = {
  readonly accounts: readonly TestAccount[];
  readonly payments: readonly BusyPayment[];
  readonly transactions: readonly BusyTransaction[];
  readonly tenantOf: ReadonlyMap<string, string>;
};

const PATH = "/v2/internal/Payments";
const TYPES = ["deposit", "withdrawal", "transfer", "fee", "adjustment"] as const;
const WORDS = ["Rent", "100% sure", "a_b", "back\\slash", "ÄPFEL", "rent again", "O'Brien", null] as const;
const CURRENCIES = ["EUR", "JPY", "KWD"] as const;
const AMOUNTS = { EUR: ["0.01", "5.00", "10.50", "99.99"], JPY: ["1", "10", "500"], KWD: ["0.001", "1.005", "10.500"] } as const;

/** Opens accounts and makes that many payments. */
export async function aBusyBank(bank: LedgerApp, draw: Random, size: number): Promise<BusyBank> {
  const tenantOf = new Map<string, string>();
  const accounts: TestAccount[] = [];
  for (const currency of CURRENCIES) {
    for (const tenant of ["default", "north", "south"]) {
      const own = tenant === "default" ? {} : { tenant };
      const client = await bank.aClientAccount({ currency, ...own });
      const caller = tenant === "default" ? bank.system : bank.systemOf(tenant);
      const other = bodyOf(await caller.post("/v2/internal/Accounts", { type: "clearing", currency })) as TestAccount;
      for (const account of [client, other]) {
        accounts.push(account);
        tenantOf.set(account.id, tenant);
      }
    }
  }
  const clearing = accounts.filter(({ clientId }) => clientId === null);
  for (const account of accounts.filter(({ clientId }) => clientId !== null)) {
    const source = clearing.find(({ currency }) => currency === account.currency) ?? account;
    bodyOf(await bank.transfer(aTransfer(source, account, "100000", { type: "deposit" })));
  }
  const open: string[] = [];
  const created = new Map<string, number>();
  for (let i = 0; i < size; i++) {
    const payment = await aPayment(bank, draw, accounts);
    created.set(String(payment["id"]), Number(payment["sequence"]));
    if (payment["state"] !== "posted") open.push(String(payment["id"]));
    if (open.length > 0 && draw.chance(0.6)) await goOn(bank, draw, draw.pick(open));
  }
  const rows = await bank.owner.query<{ id: string }>("select id from general_ledger.payment");
  const payments: BusyPayment[] = [];
  for (const { id } of rows.rows) {
    const body = bodyOf(await bank.system.get(`${PATH}/${id}`));
    payments.push({ ...body, createdSequence: created.get(id) ?? Number(body["sequence"]) } as unknown as BusyPayment);
  }
  return { accounts, payments, transactions: payments.flatMap(transactionsOf), tenantOf };
}

async function aPayment(bank: LedgerApp, draw: Random, accounts: readonly TestAccount[]): Promise<Readonly<Record<string, unknown>>> {
  const lines = draw.list(draw.pick([1, 1, 1, 2, 5]), () => {
    const currency = draw.pick(CURRENCIES);
    const [debit, credit] = draw.two(accounts.filter((account) => account.currency === currency));
    const words = draw.chance(0.5) ? { description: draw.pick(WORDS), type: draw.pick(TYPES) } : {};
    return aLine(debit, credit, draw.pick<string>(AMOUNTS[currency]), words);
  });
  const body = {
    externalId: unique("busy"),
    type: draw.pick(TYPES),
    description: draw.pick(WORDS),
    reference: draw.pick([null, "R1", "r2"]),
    metadata: draw.pick<object | null>([null, { channel: "web" }, { channel: "app", batch: "7" }, { channel: "web", batch: "7" }]),
    transactions: lines,
  };
  if (draw.chance(0.5)) return bodyOf(await bank.transfer(body));
  return bodyOf(await bank.system.post(PATH, { ...body, state: draw.pick(["draft", "pending"]) }));
}

/** The next step of a payment, whichever is open; one that is not open is refused, which is well. */
async function goOn(bank: LedgerApp, draw: Random, id: string): Promise<void> {
  const step = draw.pick(["pend", "pend", "post", "post", "part", "cancel"]);
  if (step !== "part") {
    await bank.system.post(`${PATH}/${id}/${step}`, {});
    return;
  }
  const { transactions } = bodyOf(await bank.system.get(`${PATH}/${id}`)) as unknown as BusyPayment;
  const captured = transactions.slice(0, Math.max(1, transactions.length - 1)).map((line) => ({ id: line.id, amount: smallest(line) }));
  await bank.system.post(`${PATH}/${id}/post`, { transactions: captured });
}

function smallest({ currency }: Line): string {
  return AMOUNTS[currency as keyof typeof AMOUNTS][0];
}

/** Drafts are no transactions; what is booked stands where it was posted, the rest where its payment was created. */
function transactionsOf(payment: BusyPayment): BusyTransaction[] {
  if (payment.state === "draft") return [];
  return payment.transactions.flatMap((line, index) =>
    ([0, 1] as const).map((side): BusyTransaction => {
      const isBooked = line.state === "posted";
      return {
        id: `${payment.id.slice(0, 34)}${(2 * (index + 1) + side).toString(16).padStart(2, "0")}`,
        paymentId: payment.id,
        accountId: side === 0 ? line.debitAccountId : line.creditAccountId,
        counterAccountId: side === 0 ? line.creditAccountId : line.debitAccountId,
        direction: side === 0 ? "debit" : "credit",
        amount: line.amount,
        currency: line.currency,
        type: line.type,
        state: line.state,
        description: line.description ?? payment.description,
        reference: payment.reference,
        createdAt: payment.createdAt,
        postedAt: isBooked ? payment.postedAt : null,
        sequence: payment.sequence,
        place: [isBooked ? (payment.postedSequence ?? 0) : payment.createdSequence, 2 * (index + 1) + side],
      };
    }),
  );
}

/** In the order of the lists. */
export function inOrder<T extends { readonly place: readonly [number, number] }>(items: readonly T[], direction: string): T[] {
  const sorted = items.toSorted((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1]);
  return direction === "asc" ? sorted : sorted.reverse();
}
