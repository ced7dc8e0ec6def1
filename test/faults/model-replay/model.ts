// The ledger in one thread: what each command does to accounts and payments, and every reason for which it must be refused. Written from
// the contract alone (decisions 7, 15, 21; sections 4.4 and 5.7); it shares nothing with the product. Pure.
//
// Figures are minor units, credit positive.

import type { LineOrder, Order } from "./operation.ts";

export type Account = {
  readonly id: string;
  readonly currency: string;
  readonly category: string;
  readonly isCreditNormal: boolean;
  /** Balance less holds never falls below; null: no floor. */
  readonly floor: bigint | null;
  readonly name: string;
  readonly clientId: string | null;
  /** The first open account of its client in its currency, in the order of opening. */
  readonly isDefault: boolean;
  readonly isClosed: boolean;
  readonly isDebitBlocked: boolean;
  readonly isCreditBlocked: boolean;
  readonly balance: bigint;
  readonly held: bigint;
  readonly incoming: bigint;
  /** Lines of pending payments that touch it. */
  readonly onTheWay: number;
  readonly entries: number;
  /** Rises by one with each entry, with each hold that is set or taken back (on both sides of its line), and with each change of terms. */
  readonly version: number;
};

export type PaymentState = "draft" | "pending" | "posted" | "cancelled";

/** `booked` is null until the payment is posted; less than the amount after a partial capture, 0 for a line released whole. */
export type Line = LineOrder & { readonly booked: bigint | null };

export type Stand = { readonly accountId: string; readonly entries: number; readonly balance: bigint; readonly held: bigint };

export type Payment = {
  readonly id: string;
  readonly order: Order;
  readonly state: PaymentState;
  readonly lines: readonly Line[];
  readonly sequence: number;
  readonly reason: string | null;
  /** The touched accounts as its last change left them. */
  readonly stands: readonly Stand[];
  /** The payment that undoes this one or is to undo it; null also after that one was cancelled. */
  readonly reversal: string | null;
  /** Set when the reversal is posted. */
  readonly reversedBy: string | null;
};

/** One of the reasons why a command cannot be accepted. */
export type Obstacle = { readonly code: string; readonly accountId?: string; readonly available?: bigint; readonly required?: bigint };

/** The books at one point of the sequence. Changes go to a layer above and leave it as it was. */
export class Books {
  readonly #below: Pick<Books, "account" | "payment"> | null;
  readonly #accounts = new Map<string, Account>();
  readonly #payments = new Map<string, Payment>();

  constructor(below: Pick<Books, "account" | "payment"> | null = null) {
    this.#below = below;
  }

  account(id: string): Account | undefined {
    return this.#accounts.get(id) ?? this.#below?.account(id);
  }

  payment(id: string): Payment | undefined {
    return this.#payments.get(id) ?? this.#below?.payment(id);
  }

  put(account: Account): void {
    this.#accounts.set(account.id, account);
  }

  putPayment(payment: Payment): void {
    this.#payments.set(payment.id, payment);
  }

  get touched(): { readonly accounts: readonly Account[]; readonly payments: readonly Payment[] } {
    return { accounts: [...this.#accounts.values()], payments: [...this.#payments.values()] };
  }
}

// ── What stands in the way ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Everything that forbids to post a new payment in one step. */
export function obstaclesOfTransfer(books: Books, order: Order): Obstacle[] {
  const found = [...obstaclesOfLines(books, order.lines), ...obstaclesOfReversal(books, order)];
  return found.length > 0 ? found : obstaclesOfFunds(books, order.lines, (line) => line.amount);
}

/** A draft moves nothing and holds nothing: its accounts must be there, open and in its currency. */
export function obstaclesOfDraft(books: Books, order: Order): Obstacle[] {
  const found = obstaclesOfLines(books, order.lines).filter(({ code }) => code !== "accountBlocked");
  return [...found, ...obstaclesOfReversal(books, order)];
}

export function obstaclesOfPend(books: Books, lines: readonly LineOrder[]): Obstacle[] {
  const found = obstaclesOfLines(books, lines);
  if (found.length > 0) return found;
  const holds = new Map<string, bigint>();
  for (const { debit, amount } of lines) holds.set(debit, (holds.get(debit) ?? 0n) + amount);
  return [...holds].flatMap(([id, required]) => {
    const account = books.account(id);
    if (account === undefined || !account.isCreditNormal) return [];
    return shortOf(account, required);
  });
}

/** Of a pending payment. The money is held: nothing but a block of the accounts can be in the way, of lines of which something is booked. */
export function obstaclesOfPost(books: Books, payment: Payment, parts: readonly bigint[] | null): Obstacle[] {
  if (isReversalInPart(payment, parts)) return [{ code: "validationFailed" }];
  return obstaclesOfLines(
    books,
    payment.lines.filter((_, index) => parts === null || (parts[index] ?? 0n) > 0n),
  );
}

/** A reversal undoes a payment, not some of it. */
export function isReversalInPart({ order, lines }: Payment, parts: readonly bigint[] | null): boolean {
  return order.reverses !== null && parts !== null && lines.some(({ amount }, index) => amount !== parts[index]);
}

function obstaclesOfLines(books: Books, lines: readonly LineOrder[]): Obstacle[] {
  return lines.flatMap(({ debit, credit, currency }) =>
    [debit, credit].flatMap((id): Obstacle[] => {
      const account = books.account(id);
      if (account === undefined) return [{ code: "notFound" }];
      const found: Obstacle[] = [];
      if (account.isClosed) found.push({ code: "accountClosed", accountId: id });
      if (id === debit ? account.isDebitBlocked : account.isCreditBlocked) found.push({ code: "accountBlocked", accountId: id });
      if (account.currency !== currency) found.push({ code: "currencyMismatch", accountId: id });
      return found;
    }),
  );
}

function obstaclesOfFunds(books: Books, lines: readonly LineOrder[], amountOf: (line: LineOrder) => bigint): Obstacle[] {
  const net = new Map<string, bigint>();
  for (const line of lines) {
    net.set(line.debit, (net.get(line.debit) ?? 0n) + amountOf(line));
    net.set(line.credit, (net.get(line.credit) ?? 0n) - amountOf(line));
  }
  return [...net].flatMap(([id, required]) => {
    const account = books.account(id);
    return account === undefined || required <= 0n ? [] : shortOf(account, required);
  });
}

function shortOf(account: Account, required: bigint): Obstacle[] {
  if (account.floor === null) return [];
  const available = account.balance - account.held - account.floor;
  return required > available ? [{ code: "insufficientFunds", accountId: account.id, available, required }] : [];
}

/** A posted payment that is no reversal itself, with the lines that were booked, their sides exchanged, once. */
function obstaclesOfReversal(books: Books, order: Order): Obstacle[] {
  if (order.reverses === null) return [];
  const original = books.payment(order.reverses);
  if (original === undefined) return [{ code: "notFound" }];
  const isReversible = original.state === "posted" && original.order.reverses === null && original.reversal === null;
  const swapped = (lines: readonly LineOrder[]): string[] =>
    lines.map((line) => `${line.credit} ${line.debit} ${line.amount} ${line.currency}`);
  const booked = original.lines.flatMap((line) => (line.booked ? [`${line.debit} ${line.credit} ${line.booked} ${line.currency}`] : []));
  const isSame = swapped(order.lines).toSorted().join() === booked.toSorted().join();
  return isReversible && isSame ? [] : [{ code: "invalidState" }];
}

// ── What is done ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export function transfer(books: Books, id: string, order: Order, sequence: number): void {
  const lines = order.lines.map((line) => ({ ...line, booked: line.amount }));
  for (const line of lines) book(books, line, line.amount);
  settle(books, { ...fresh(id, order, sequence), lines, state: "posted" });
}

export function draft(books: Books, id: string, order: Order, sequence: number): void {
  settle(books, fresh(id, order, sequence));
}

export function pend(books: Books, payment: Payment, reason: string | null, sequence: number): void {
  for (const line of payment.lines) hold(books, line, line.amount);
  settle(books, { ...payment, state: "pending", reason: reason ?? payment.reason, sequence });
}

/** `parts`: what is booked of each line; a line that is not named is released. Null: everything. */
export function post(books: Books, payment: Payment, parts: readonly bigint[] | null, sequence: number): void {
  const lines = payment.lines.map((line, index) => ({ ...line, booked: parts === null ? line.amount : (parts[index] ?? 0n) }));
  for (const line of lines) hold(books, line, -line.amount);
  for (const line of lines) if (line.booked > 0n) book(books, line, line.booked);
  settle(books, { ...payment, lines, state: "posted", sequence });
}

export function cancel(books: Books, payment: Payment, reason: string | null, sequence: number): void {
  if (payment.state === "pending") for (const line of payment.lines) hold(books, line, -line.amount);
  settle(books, { ...payment, state: "cancelled", reason: reason ?? payment.reason, sequence });
}

function fresh(id: string, order: Order, sequence: number): Payment {
  const lines = order.lines.map((line) => ({ ...line, booked: null }));
  return { id, order, state: "draft", lines, sequence, reason: null, stands: [], reversal: null, reversedBy: null };
}

function change(books: Books, id: string, by: (account: Account) => Account): void {
  const account = books.account(id);
  if (account === undefined) throw new Error(`the model has no account ${id}`);
  books.put(by(account));
}

function book(books: Books, { debit, credit }: LineOrder, amount: bigint): void {
  change(books, debit, (account) => ({
    ...account,
    balance: account.balance - amount,
    entries: account.entries + 1,
    version: account.version + 1,
  }));
  change(books, credit, (account) => ({
    ...account,
    balance: account.balance + amount,
    entries: account.entries + 1,
    version: account.version + 1,
  }));
}

function hold(books: Books, { debit, credit }: LineOrder, amount: bigint): void {
  const of = (account: Account): bigint => (account.isCreditNormal ? amount : 0n);
  const next = (account: Account): Account => ({
    ...account,
    onTheWay: account.onTheWay + (amount > 0n ? 1 : -1),
    version: account.version + 1,
  });
  change(books, debit, (account) => ({ ...next(account), held: account.held + of(account) }));
  change(books, credit, (account) => ({ ...next(account), incoming: account.incoming + of(account) }));
}

/** Keeps the payment with the stands of its accounts, and what it means for the one that it reverses. */
function settle(books: Books, payment: Payment): void {
  const ids = new Set(payment.lines.flatMap(({ debit, credit }) => [debit, credit]));
  const stands = [...ids].map((accountId): Stand => {
    const { entries = 0, balance = 0n, held = 0n } = books.account(accountId) ?? {};
    return { accountId, entries, balance, held };
  });
  books.putPayment({ ...payment, stands });
  const original = payment.order.reverses === null ? undefined : books.payment(payment.order.reverses);
  if (original === undefined) return;
  const isOver = payment.state === "cancelled";
  books.putPayment({ ...original, reversal: isOver ? null : payment.id, reversedBy: payment.state === "posted" ? payment.id : null });
}
