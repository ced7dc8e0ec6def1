// The verdict on a run: strict serialisability of the ledger, from outside. The sequence is the order; the model says what each change
// must have done; the clock says between which changes an answer may stand.

import { refusedBy, type Refused, toldBy, isOfTerms } from "./claims.ts";
import {
  Books,
  isReversalInPart,
  type Obstacle,
  obstaclesOfDraft,
  obstaclesOfPend,
  obstaclesOfPost,
  obstaclesOfTransfer,
  transfer,
} from "./model.ts";
import { type Call, type History, type Order, toText } from "./operation.ts";
import { partsAsked, Replay, withTerms } from "./replay.ts";
import { type Seen, Timeline } from "./timeline.ts";
import { accountOnTheWire, differences, paymentOnTheWire } from "./wire.ts";

export type Verdict = {
  readonly faults: readonly string[];
  /** Reads and refusals that were held against the model. */
  readonly reads: number;
  readonly refusals: ReadonlyMap<string, number>;
  readonly widestWindow: number;
  /** Pairs of a payment's state and a command that were met: three commands, four states. */
  readonly pairs: ReadonlySet<string>;
};

export function judge(history: History): Verdict {
  return new Judge(history).verdict();
}

const CLOCK_SLACK_MS = 50;

class Judge {
  readonly #history: History;
  readonly #replay: Replay;
  readonly #faults: string[];
  readonly #refusals = new Map<string, number>();
  /** An answer that tells the ids of a payment's lines, by payment. */
  readonly #tellsLines = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #pairs = new Set<string>();
  #timeline: Timeline;
  #reads = 0;
  #widest = 0;

  constructor(history: History) {
    this.#history = history;
    this.#replay = new Replay(history);
    this.#faults = [...this.#replay.faults];
    for (const call of history.calls) for (const { payment } of toldBy(call)) this.#tellsLines.set(String(payment["id"]), payment);
    this.#timeline = new Timeline(this.#replay.spans, this.#replay.last);
  }

  verdict(): Verdict {
    const reads = this.#history.calls.filter(({ operation, answer }) => operation.kind.startsWith("read") && answer.status === 200);
    // What somebody has read was done when he had read it: nobody who asks afterwards may see less.
    const seen: Seen[] = reads.flatMap((call) => {
      const [first] = this.#explanations(call);
      return first === undefined ? [] : [{ endedAt: call.endedAt, sequence: first }];
    });
    this.#timeline = new Timeline(this.#replay.spans, this.#replay.last, seen);
    for (const call of this.#history.calls) {
      if (call.repeats !== null) this.#judgeRepeat(call);
      else if (call.operation.kind.startsWith("read")) this.#judgeRead(call);
      else this.#judgeWrite(call);
    }
    return { faults: this.#faults, reads: this.#reads, refusals: this.#refusals, widestWindow: this.#widest, pairs: this.#pairs };
  }

  #judgeRead(call: Call): void {
    this.#reads++;
    const { from, to } = this.#window(call);
    if (call.answer.status !== 200) this.#faults.push(`call ${call.number}: a read answered ${call.answer.status}`);
    else if (this.#explanations(call).length === 0)
      this.#faults.push(
        `call ${call.number} (${call.operation.kind}) reads what was at no point from ${from} to ${to}: ${call.answer.text.slice(0, 300)}`,
      );
  }

  /** An answer that tells of a change stands where that change was the payment's last one, and was asked for before it. */
  #judgeWrite(call: Call): void {
    const { from, to } = this.#window(call);
    for (const { payment } of toldBy(call)) {
      const sequence = Number(payment["sequence"]);
      if (sequence > to || (sequence < from && !this.#stoodWithin(String(payment["id"]), sequence, from)))
        this.#faults.push(`call ${call.number} (${call.operation.kind}) was told of ${sequence} and stands from ${from} to ${to}`);
      else if (!this.#isAsItWas(payment))
        this.#faults.push(`call ${call.number} was told of payment ${String(payment["id"])} as it never was`);
    }
    if (
      isOfTerms(call) &&
      call.answer.status === 200 &&
      !this.#accountStates(call, String(call.answer.body["id"])).some((at) => this.#hasTerms(call, at))
    )
      this.#faults.push(`call ${call.number} (${call.operation.kind}) answers the account as it was at no point from ${from} to ${to}`);
    for (const refused of refusedBy(call)) this.#judgeRefusal(refused, from, to);
    const { operation } = call;
    const state = "paymentId" in operation ? this.#replay.payments.get(operation.paymentId)?.at(from)?.state : undefined;
    if (state !== undefined) this.#pairs.add(`${state} ${operation.kind}`);
  }

  /** The account is then as the call wanted it. */
  #hasTerms(call: Call, at: number): boolean {
    const account = this.#replay.accounts.get(String(call.answer.body["id"]))?.at(at);
    return account !== undefined && differences(accountOnTheWire(account), accountOnTheWire(withTerms(account, call))).length === 0;
  }

  #stoodWithin(paymentId: string, sequence: number, from: number): boolean {
    return this.#replay.payments.get(paymentId)?.at(from)?.sequence === sequence;
  }

  #isAsItWas(body: Readonly<Record<string, unknown>>): boolean {
    const payment = this.#replay.payments.get(String(body["id"]))?.at(Number(body["sequence"]));
    if (payment === undefined) return false;
    const expected = paymentOnTheWire(payment, (id) => this.#replay.accounts.get(id)?.at(this.#replay.last));
    // Whether it has been reversed since is told by reads.
    return differences(body, { ...expected, reversedByPaymentId: body["reversedByPaymentId"] }).length === 0;
  }

  /** A deliberate repeat under the same key gets the same bytes. */
  #judgeRepeat(call: Call): void {
    const first = this.#history.calls.find(({ number }) => number === call.repeats);
    if (first === undefined) return;
    // What says nothing of the books was not kept: the same verdict comes under another trace id.
    const said = ({ status, body, text }: Call["answer"]): string => (status === 400 ? `400 ${String(body["code"])}` : `${status} ${text}`);
    if (said(first.answer) !== said(call.answer))
      this.#faults.push(
        `call ${call.number} repeats ${first.number}: ${call.answer.status} ${call.answer.text.slice(0, 250)} instead of ${first.answer.status} ${first.answer.text}`,
      );
  }

  // ── Reads ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The sequences at which the answer was true, among those at which it may have been given. */
  #explanations(call: Call): readonly number[] {
    const { operation } = call;
    if (operation.kind === "readAccount") return this.#accountStates(call, operation.accountId);
    const { from, to } = this.#window(call);
    if (operation.kind === "readPayment") {
      const past = this.#replay.payments.get(operation.paymentId);
      return [from, ...(past?.changesWithin(from, to) ?? [])].filter((at) => {
        const payment = past?.at(at);
        const expected = payment && paymentOnTheWire(payment, (id) => this.#replay.accounts.get(id)?.at(this.#replay.last));
        return expected !== undefined && differences(call.answer.body, expected).length === 0;
      });
    }
    if (operation.kind !== "readTotals") return [];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index).filter((at) => this.#isTotalAt(call, at));
  }

  #accountStates(call: Call, id: string): readonly number[] {
    const { from, to } = this.#window(call);
    const past = this.#replay.accounts.get(id);
    return [from, ...(past?.changesWithin(from, to) ?? [])].filter((at) => {
      const account = past?.at(at);
      return account !== undefined && differences(call.answer.body, accountOnTheWire(account)).length === 0;
    });
  }

  #isTotalAt({ answer }: Call, at: number): boolean {
    const totals = new Map<string, { currency: string; count: number; balance: bigint; held: bigint; incoming: bigint }>();
    for (const past of this.#replay.accounts.values()) {
      const account = past.at(at);
      if (account === undefined) continue;
      const name = `${account.currency} ${account.category}`;
      const total = totals.get(name) ?? { currency: account.currency, count: 0, balance: 0n, held: 0n, incoming: 0n };
      total.count++;
      total.balance += account.isCreditNormal ? account.balance : -account.balance;
      total.held += account.held;
      total.incoming += account.incoming;
      totals.set(name, total);
    }
    const items = (answer.body["items"] ?? []) as readonly Readonly<Record<string, unknown>>[];
    return (
      items.length === totals.size &&
      items.every((item) => {
        const total = totals.get(`${String(item["currency"])} ${String(item["category"])}`);
        if (total === undefined) return false;
        const { currency, count, balance, held, incoming } = total;
        const money = (minor: bigint): string => toText(minor, currency);
        const expected = {
          accountsCount: count,
          balance: money(balance),
          heldAmount: money(held),
          availableBalance: money(balance - held),
          pendingIncomingAmount: money(incoming),
        };
        return differences(item, expected).length === 0;
      })
    );
  }

  // ── Refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A refusal must have been true at some point at which it may have been given. */
  #judgeRefusal(refused: Refused, from: number, to: number): void {
    const { call, problem } = refused;
    const code = String(problem["code"]);
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
    const touched = new Set<string>(this.#touchedBy(refused));
    const points = new Set([from]);
    for (const pasts of [this.#replay.accounts, this.#replay.payments])
      for (const id of touched) for (const at of pasts.get(id)?.changesWithin(from, to) ?? []) points.add(at);
    const reasons = [...points].map((at) => this.#obstacles(refused, at));
    if (reasons.some((obstacles) => obstacles.some((obstacle) => isToldBy(obstacle, problem, this.#currencyOf(obstacle))))) return;
    const shown = JSON.stringify(reasons.slice(0, 2), (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
    this.#faults.push(
      `call ${call.number} (${call.operation.kind}) was refused with ${JSON.stringify(problem).slice(0, 400)}, true at no point from ${from} to ${to}; there: ${shown}`,
    );
  }

  #touchedBy({ call: { operation }, order, before }: Refused): string[] {
    if (order !== null) {
      const all = [...before, order];
      return all.flatMap(({ lines, reverses }) => [
        ...lines.flatMap(({ debit, credit }) => [debit, credit]),
        ...(reverses === null ? [] : [reverses]),
      ]);
    }
    if (operation.kind === "pend" || operation.kind === "post" || operation.kind === "cancel") {
      const payment = this.#replay.payments.get(operation.paymentId)?.at(this.#replay.last);
      return [operation.paymentId, ...(payment?.lines.flatMap(({ debit, credit }) => [debit, credit]) ?? [])];
    }
    return "accountId" in operation ? [operation.accountId] : [];
  }

  #obstacles({ call, order, before }: Refused, at: number): readonly Obstacle[] {
    const { operation } = call;
    const books = new Books(this.#replay.booksAt(at));
    for (const [index, each] of before.entries()) {
      // An atomic batch is judged item by item, each after those before it.
      if (obstaclesOfTransfer(books, each).length > 0) return [];
      transfer(books, `item-${index}`, each, at);
    }
    if (order !== null) {
      const version = obstaclesOfVersion(books, order);
      if (operation.kind !== "draft") return [...version, ...obstaclesOfTransfer(books, order)];
      const drafted = [...version, ...obstaclesOfDraft(books, order), ...(operation.pends ? obstaclesOfPend(books, order.lines) : [])];
      return [...drafted, ...obstaclesOfTime(order, call).map(() => ({ code: "validationFailed" }))];
    }
    if (operation.kind === "pend" || operation.kind === "post" || operation.kind === "cancel")
      return this.#obstaclesOfMove(books, call, operation);
    return obstaclesOfTerms(books, call);
  }

  #obstaclesOfMove(
    books: Books,
    call: Call,
    { kind, paymentId }: { readonly kind: "pend" | "post" | "cancel"; readonly paymentId: string },
  ): readonly Obstacle[] {
    const payment = books.payment(paymentId);
    if (payment === undefined) return [{ code: "notFound" }];
    const parts = partsAsked(call, this.#tellsLines.get(paymentId) ?? { transactions: [] });
    if (isReversalInPart(payment, parts)) return [{ code: "validationFailed" }];
    const next = { pend: "pending", post: "posted", cancel: "cancelled" }[kind];
    if (payment.state === next) {
      // Done before: answered as it is, unless other amounts were asked for.
      const isOther = parts !== null && payment.lines.some(({ booked }, index) => booked !== parts[index]);
      return isOther ? [{ code: "invalidState" }] : [];
    }
    const from = { pend: ["draft"], post: ["pending"], cancel: ["draft", "pending"] }[kind];
    if (!from.includes(payment.state)) return [{ code: "invalidState" }];
    if (kind === "cancel") return [];
    const inTheWay = kind === "pend" ? obstaclesOfPend(books, payment.lines) : obstaclesOfPost(books, payment, parts);
    return [...inTheWay, ...obstaclesOfTime(payment.order, call)];
  }

  #currencyOf({ accountId }: Obstacle): string | undefined {
    return accountId === undefined ? undefined : this.#replay.accounts.get(accountId)?.at(this.#replay.last)?.currency;
  }

  #window(call: Call): { readonly from: number; readonly to: number } {
    const window = this.#timeline.window(call);
    this.#widest = Math.max(this.#widest, window.to - window.from);
    return window;
  }
}

function obstaclesOfTime({ expiresAt }: Order, { endedAt }: Call): readonly Obstacle[] {
  return expiresAt !== null && Date.parse(expiresAt) <= endedAt + CLOCK_SLACK_MS ? [{ code: "invalidState" }] : [];
}

function obstaclesOfVersion(books: Books, { ifVersion }: Order): readonly Obstacle[] {
  if (ifVersion === null || books.account(ifVersion.accountId)?.version === ifVersion.version) return [];
  return [{ code: "preconditionFailed", accountId: ifVersion.accountId }];
}

function obstaclesOfTerms(books: Books, call: Call): readonly Obstacle[] {
  const { operation } = call;
  const account = "accountId" in operation ? books.account(operation.accountId) : undefined;
  if (account === undefined) return [{ code: "notFound" }];
  const { balance, held, onTheWay, isClosed, isCreditNormal } = account;
  if (operation.kind === "close")
    return !isClosed && (balance !== 0n || onTheWay > 0) ? [{ code: "accountNotEmpty", accountId: account.id }] : [];
  if (isClosed) return [{ code: "accountClosed", accountId: account.id }];
  if (operation.kind !== "limit") return [];
  if (!isCreditNormal) return [{ code: "validationFailed" }];
  const { limit: available } = operation;
  const required = held - balance;
  return required > available ? [{ code: "insufficientFunds", accountId: account.id, available, required }] : [];
}

/** A refusal that names the account and the figures names those of the reason. */
function isToldBy(
  { code, accountId, available, required }: Obstacle,
  problem: Readonly<Record<string, unknown>>,
  currency: string | undefined,
): boolean {
  if (problem["code"] !== code) return false;
  if (problem["accountId"] !== undefined && accountId !== undefined && problem["accountId"] !== accountId) return false;
  if (available === undefined || required === undefined || currency === undefined) return true;
  return problem["available"] === toText(available, currency) && problem["required"] === toText(required, currency);
}
