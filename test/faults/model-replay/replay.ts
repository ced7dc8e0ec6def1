// Plays all accepted changes, in the order of their sequence, through the model, and holds every answer that told of one against it.

import { Claims, type Told } from "./claims.ts";
import {
  type Account,
  Books,
  cancel,
  draft,
  type Obstacle,
  obstaclesOfDraft,
  obstaclesOfPend,
  obstaclesOfPost,
  obstaclesOfTransfer,
  type Payment,
  pend,
  post,
  transfer,
} from "./model.ts";
import type { Call, Change, History, Order } from "./operation.ts";
import { Past, type Span } from "./timeline.ts";
import { accountOnTheWire, differences, paymentOnTheWire } from "./wire.ts";

/** Clocks of the caller and of the database are one machine's, but are not read at the same instant. */
const CLOCK_SLACK_MS = 50;

export class Replay {
  readonly faults: string[] = [];
  readonly spans: Span[] = [];
  readonly accounts = new Map<string, Past<Account>>();
  readonly payments = new Map<string, Past<Payment>>();
  /** The changes that an answer told of, by payment or account and sequence: for what is read later. */
  readonly last: number;
  readonly #claims: Claims;
  #lastClaimants: readonly Timed[] = [];
  /** The account that the closing before this change has made its client's default. */
  #heir: string | null = null;

  constructor(history: History) {
    this.#claims = new Claims(history);
    let before = 0;
    for (const change of history.changes) {
      if (change.sequence !== before + 1) this.faults.push(`sequence ${change.sequence} follows ${before}`);
      before = change.sequence;
      this.#play(change);
    }
    this.last = before;
    this.#expectNoneMissing(history);
  }

  /** The books after the change of that number. */
  booksAt(sequence: number): Books {
    return new Books({
      account: (id) => this.accounts.get(id)?.at(sequence),
      payment: (id) => this.payments.get(id)?.at(sequence),
    });
  }

  #play(change: Change): void {
    const books = this.booksAt(change.sequence);
    const claimants = this.#claimantsOf(books, change);
    if (claimants === null) return;
    this.#lastClaimants = claimants;
    for (const account of books.touched.accounts) keep(this.accounts, account.id, change.sequence, account);
    for (const payment of books.touched.payments) keep(this.payments, payment.id, change.sequence, payment);
    this.spans.push({
      sequence: change.sequence,
      startedAt: Math.min(...claimants.map(({ startedAt }) => startedAt)),
      endedAt: Math.min(...claimants.map(({ endedAt }) => endedAt)),
    });
  }

  #claimantsOf(books: Books, change: Change): readonly Timed[] | null {
    try {
      return change.change.startsWith("account.") ? this.#playAccount(books, change) : this.#playPayment(books, change);
    } catch (error) {
      return this.#fault(`${change.change} at ${change.sequence} of ${change.subject} cannot be played: ${String(error)}`);
    }
  }

  // ── Payments ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #playPayment(books: Books, change: Change): readonly Timed[] | null {
    const { subject: id, sequence } = change;
    const payment = books.payment(id);
    if (payment === undefined) return this.#playNew(books, change);
    const expected = {
      draft: ["payment.pending", "payment.cancelled"],
      pending: ["payment.posted", "payment.cancelled"],
      posted: [],
      cancelled: [],
    };
    if (!(expected[payment.state] as string[]).includes(change.change))
      return this.#fault(`${change.change} at ${sequence} of payment ${id}, which is ${payment.state}`);
    if (change.change === "payment.cancelled") return this.#playCancel(books, payment, sequence);
    const isPend = change.change === "payment.pending";
    const told = this.#claims.moversOf(id, isPend ? "pend" : "post");
    if (told.length === 0) return this.#fault(`${change.change} at ${sequence} of payment ${id}: nobody asked for it`);
    const parts = isPend ? null : partsOf(payment, told);
    this.#expectNone(
      isPend ? obstaclesOfPend(books, payment.lines) : obstaclesOfPost(books, payment, parts),
      `${change.change} at ${sequence}`,
    );
    this.#expectInTime(payment.order, told, sequence);
    if (isPend) pend(books, payment, this.#reasonOf(id, told), sequence);
    else post(books, payment, parts, sequence);
    this.#compare(books, id, told);
    return callsOf(told);
  }

  #playNew(books: Books, { subject: id, sequence, change }: Change): readonly Timed[] | null {
    const told = this.#claims.makersOf(id);
    const [first] = told;
    if (first === undefined || first.order === null) return this.#fault(`${change} at ${sequence} of payment ${id}: nobody asked for it`);
    const { order, call } = first;
    const wanted = call.operation.kind !== "draft" ? "payment.posted" : call.operation.pends ? "payment.pending" : "payment.drafted";
    if (change !== wanted)
      return this.#fault(`${change} at ${sequence} is the first change of payment ${id}, which was asked to be ${wanted}`);
    this.#expectVersion(books, order, sequence);
    this.#expectInTime(order, told, sequence);
    if (wanted === "payment.posted") {
      this.#expectNone(obstaclesOfTransfer(books, order), `${wanted} at ${sequence}`);
      transfer(books, id, order, sequence);
    } else {
      this.#expectNone(obstaclesOfDraft(books, order), `${wanted} at ${sequence}`);
      draft(books, id, order, sequence);
      const drafted = books.payment(id);
      if (wanted === "payment.pending" && drafted !== undefined) {
        this.#expectNone(obstaclesOfPend(books, order.lines), `${wanted} at ${sequence}`);
        pend(books, drafted, null, sequence);
      }
    }
    this.#compare(
      books,
      id,
      told.filter(({ payment }) => payment["sequence"] === sequence),
    );
    return callsOf(told);
  }

  #playCancel(books: Books, payment: Payment, sequence: number): readonly Timed[] | null {
    const told = this.#claims.moversOf(payment.id, "cancel");
    const expired = payment.order.expiresAt;
    if (told.length === 0 && expired === null)
      return this.#fault(`payment.cancelled at ${sequence} of payment ${payment.id}: nobody asked for it`);
    const isExpiry = expired !== null && (told.length === 0 || told[0]?.payment["reason"] === "expired");
    const reason = isExpiry ? "expired" : this.#reasonOf(payment.id, told);
    cancel(books, payment, reason, sequence);
    this.#compare(books, payment.id, told);
    return isExpiry
      ? [{ startedAt: Date.parse(expired) - CLOCK_SLACK_MS, endedAt: Number.POSITIVE_INFINITY }, ...callsOf(told)]
      : callsOf(told);
  }

  /** Several may have asked with different reasons: one of theirs stands (or that of an earlier change, if they gave none), and all are told. */
  #reasonOf(id: string, told: readonly Told[]): string | null {
    const reason = (told[0]?.payment["reason"] ?? null) as string | null;
    const asked = told.map(({ call: { operation } }) => ("reason" in operation ? operation.reason : null));
    if (asked.includes(reason)) return reason;
    if (!asked.includes(null)) this.faults.push(`payment ${id} was changed for ${String(reason)}, which nobody said`);
    return null;
  }

  /** All who were told of this change were told the same, and what the model says. */
  #compare(books: Books, id: string, told: readonly Told[]): void {
    const payment = books.payment(id);
    if (payment === undefined) return;
    const expected = paymentOnTheWire(payment, (each) => books.account(each));
    // Whether it has been reversed since is no part of the change; reads tell it.
    for (const { call, payment: body } of told)
      this.#expectEqual(call, body, { ...expected, reversedByPaymentId: body["reversedByPaymentId"] });
  }

  #expectInTime({ expiresAt }: Order, told: readonly Told[], sequence: number): void {
    if (expiresAt === null) return;
    const limit = Date.parse(expiresAt) + CLOCK_SLACK_MS;
    if (told.every(({ call }) => call.startedAt > limit))
      this.faults.push(`the change ${sequence} was made after the payment had expired at ${expiresAt}`);
  }

  #expectVersion(books: Books, { ifVersion }: Order, sequence: number): void {
    if (ifVersion === null) return;
    const found = books.account(ifVersion.accountId)?.version;
    if (found !== ifVersion.version)
      this.faults.push(`the change ${sequence} was to be made at version ${ifVersion.version} and was made at ${found}`);
  }

  // ── Accounts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #playAccount(books: Books, { subject: id, sequence, change }: Change): readonly Timed[] | null {
    if (change === "account.opened") return this.#playOpening(books, id, sequence);
    const account = books.account(id);
    if (account === undefined) return this.#fault(`${change} at ${sequence} of account ${id}, which was never opened`);
    const claimants = this.#claims
      .termsOf(id)
      .filter(({ answer, operation }) => answer.body["version"] === account.version + 1 && changeBy(operation.kind) === change);
    // Whoever asked for what another one had just done is told the same version: the maker is whose wish explains the answer.
    const wanted = (call: Call): Account => withTerms({ ...account, version: account.version + 1 }, call);
    const first = claimants.find((call) => differences(call.answer.body, accountOnTheWire(wanted(call))).length === 0) ?? claimants[0];
    if (first === undefined && this.#heir === id) return this.#playHeir(books, account);
    if (first === undefined)
      return this.#fault(`${change} at ${sequence} of account ${id}, version ${account.version + 1}: nobody was told of it`);
    if (account.isClosed) this.faults.push(`${change} at ${sequence} of account ${id}, which is closed`);
    const changed = wanted(first);
    if (changed.isClosed && account.isDefault) this.#heir = this.#heirOf(account, sequence);
    if (changed.isClosed && (account.balance !== 0n || account.onTheWay !== 0))
      this.faults.push(`account ${id} was closed at ${sequence} with ${account.balance} and ${account.onTheWay} lines on their way`);
    if (changed.floor !== null && changed.balance - changed.held < changed.floor)
      this.faults.push(`the change ${sequence} leaves account ${id} below its limit`);
    books.put(changed);
    for (const call of claimants) this.#expectEqual(call, call.answer.body, accountOnTheWire(changed));
    return claimants;
  }

  /** Closing a default hands this on, in the same commit. */
  #playHeir(books: Books, account: Account): readonly Timed[] {
    this.#heir = null;
    books.put({ ...account, isDefault: true, version: account.version + 1 });
    return this.#lastClaimants;
  }

  /** The client's next open account of the currency, in the order of opening. */
  #heirOf({ id, clientId, currency }: Pick<Account, "id" | "clientId" | "currency">, sequence: number): string | null {
    for (const past of this.accounts.values()) {
      const other = past.at(sequence);
      if (other === undefined || other.id === id || other.isClosed || other.currency !== currency) continue;
      if (clientId !== null && other.clientId === clientId) return other.id;
    }
    return null;
  }

  #playOpening(books: Books, id: string, sequence: number): readonly Timed[] | null {
    const calls = this.#claims.openersOf(id);
    const [first] = calls;
    if (first === undefined || first.operation.kind !== "openAccount")
      return this.#fault(`account ${id} was opened at ${sequence}: nobody asked for it`);
    const { type, currency, name, clientId } = first.operation;
    const isGuarded = type === "client" || type === "reserve";
    books.put({
      id,
      currency,
      category: { client: "liability", reserve: "liability", clearing: "liability", settlement: "asset", fee: "income" }[type],
      isCreditNormal: type !== "settlement",
      floor: isGuarded ? 0n : null,
      name,
      clientId,
      isDefault: clientId !== null && this.#heirOf({ id, clientId, currency }, sequence) === null,
      isClosed: false,
      isDebitBlocked: false,
      isCreditBlocked: false,
      balance: 0n,
      held: 0n,
      incoming: 0n,
      onTheWay: 0,
      entries: 0,
      version: 1,
    });
    const account = books.account(id);
    if (account !== undefined) for (const call of calls) this.#expectEqual(call, call.answer.body, accountOnTheWire(account));
    return calls;
  }

  // ── Verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whoever was told of a change finds it in the journal. */
  #expectNoneMissing(history: History): void {
    for (const id of this.#claims.subjects)
      if (this.#claims.changesOf(id).length === 0) this.faults.push(`somebody was told of ${id}, which the journal does not know`);
    for (const call of history.calls) {
      const { kind } = call.operation;
      if (call.answer.status !== 200 || (kind !== "pend" && kind !== "post" && kind !== "cancel")) continue;
      const { paymentId } = call.operation as { readonly paymentId: string };
      const wanted = { pend: "payment.pending", post: "payment.posted", cancel: "payment.cancelled" }[kind];
      if (!this.#claims.changesOf(paymentId).some(({ change }) => change === wanted))
        this.faults.push(`call ${call.number} was told that its ${kind} of ${paymentId} was done; the journal has no such change`);
    }
  }

  #expectNone(obstacles: readonly Obstacle[], what: string): void {
    const show = (value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);
    if (obstacles.length > 0)
      this.faults.push(`${what} was accepted in spite of ${JSON.stringify(obstacles, (_, value: unknown) => show(value))}`);
  }

  #expectEqual(call: Call, body: unknown, expected: unknown): void {
    const different = differences(body, expected);
    if (different.length > 0)
      this.faults.push(`the answer of call ${call.number} (${call.operation.kind}) is not the model's: ${different.join("; ")}`);
  }

  #fault(text: string): null {
    this.faults.push(text);
    return null;
  }
}

type Timed = { readonly startedAt: number; readonly endedAt: number };

const callsOf = (told: readonly Told[]): Timed[] => told.map(({ call }) => call);

function keep<T>(pasts: Map<string, Past<T>>, id: string, sequence: number, value: T): void {
  const past = pasts.get(id) ?? new Past<T>();
  past.add(sequence, value);
  pasts.set(id, past);
}

/** What was asked to be booked of each line, in the order of the payment's lines; null: everything. Whoever asked otherwise was refused. */
function partsOf(payment: Payment, told: readonly Told[]): readonly bigint[] | null {
  for (const { call, payment: body } of told) {
    const parts = partsAsked(call, body);
    if (parts !== null) return payment.lines.map((_, index) => parts[index] ?? 0n);
  }
  return null;
}

/** By line; null: everything. `body` tells the lines' ids. */
export function partsAsked({ operation }: Call, body: Readonly<Record<string, unknown>>): readonly bigint[] | null {
  if (operation.kind !== "post" || operation.parts === null) return null;
  const { parts } = operation;
  return (body["transactions"] as readonly { readonly id: string }[]).map(({ id }) => parts.get(id) ?? 0n);
}

function changeBy(kind: Call["operation"]["kind"]): string | null {
  if (kind === "block") return "account.blocked";
  if (kind === "unblock") return "account.unblocked";
  if (kind === "close") return "account.closed";
  return kind === "limit" || kind === "rename" ? "account.changed" : null;
}

/** The account as that call wants it. */
export function withTerms(account: Account, { operation }: Call): Account {
  switch (operation.kind) {
    case "limit":
      return { ...account, floor: -operation.limit };
    case "rename":
      return { ...account, name: operation.name };
    case "close":
      return { ...account, isClosed: true, isDefault: false };
    case "block":
    case "unblock": {
      const to = operation.kind === "block";
      return {
        ...account,
        isDebitBlocked: operation.debit ? to : account.isDebitBlocked,
        isCreditBlocked: operation.credit ? to : account.isCreditBlocked,
      };
    }
    default:
      return account;
  }
}
