// What a worker of the load does next. Amounts and balances are of one size, so that money is short as often as not.

import type { Random } from "../../random.ts";
import { CURRENCIES, type Known, type KnownAccount, type KnownPayment } from "./known.ts";
import type { LineOrder, Operation, Order } from "./operation.ts";

type Kind = Operation["kind"] | "reversal" | "again";

/** How often, in parts of the sum. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  transfer: 26,
  draft: 20,
  pend: 14,
  post: 12,
  cancel: 7,
  reversal: 5,
  again: 2,
  batch: 5,
  openAccount: 1,
  block: 1,
  unblock: 6,
  limit: 3,
  rename: 1,
  close: 2,
  readAccount: 14,
  readPayment: 7,
  readTotals: 2,
};

export function nextOperation(draw: Random, known: Known, serves: ReadonlySet<Operation["kind"]>): Operation {
  for (;;) {
    const operation = operationOf(drawKind(draw), draw, known, serves);
    if (operation !== null && serves.has(operation.kind)) return operation;
  }
}

function drawKind(draw: Random): Kind {
  const kinds = Object.entries(WEIGHTS) as [Kind, number][];
  let left = draw.integer(
    1,
    kinds.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [kind, weight] of kinds) {
    left -= weight;
    if (left <= 0) return kind;
  }
  return "transfer";
}

/** Null: there is nothing to do it with. */
function operationOf(kind: Kind, draw: Random, known: Known, serves: ReadonlySet<Operation["kind"]>): Operation | null {
  switch (kind) {
    case "transfer":
      return { kind, order: newOrder(draw, known) };
    case "draft":
      return { kind, order: withExpiry(draw, newOrder(draw, known)), pends: draw.chance(0.3) };
    case "batch":
      return { kind, orders: draw.list(draw.integer(2, 6), () => newOrder(draw, known, false)), isAtomic: draw.chance(0.5) };
    case "again": {
      // The same externalId with the same content, under a key of its own.
      const payments = known.payments(() => true);
      if (payments.length === 0) return null;
      const { order, isDrafted, pends } = draw.pick(payments);
      return isDrafted ? { kind: "draft", order, pends } : { kind: "transfer", order };
    }
    case "reversal":
      return reversal(draw, known, serves);
    case "pend":
    case "post":
    case "cancel":
      return move(kind, draw, known);
    case "openAccount":
      return { kind, type: "client", currency: draw.pick(CURRENCIES), clientId: draw.pick(known.clientIds), name: known.newName() };
    case "readPayment": {
      const payments = known.payments(() => true);
      return payments.length === 0 ? null : { kind, paymentId: draw.pick(payments).id };
    }
    case "readTotals":
      return { kind };
    default:
      return ofAccount(kind, draw, known);
  }
}

function ofAccount(kind: "block" | "unblock" | "limit" | "rename" | "close" | "readAccount", draw: Random, known: Known): Operation | null {
  if (kind === "readAccount") return { kind, accountId: draw.pick(known.accounts).id };
  const guarded = known.accounts.filter(({ type }) => type === "client" || type === "reserve");
  const { id: accountId, currency } = draw.pick(guarded);
  if (kind === "limit") return { kind, accountId, currency, limit: BigInt(draw.integer(0, 3) * 1_500) };
  if (kind === "rename") return { kind, accountId, name: known.newName() };
  if (kind === "block" || kind === "unblock") {
    const debit = draw.chance(0.7);
    return { kind, accountId, debit, credit: !debit || draw.chance(0.3) };
  }
  // One of those that were opened on the way: the first ones are needed to the end.
  const extra = guarded.slice(CURRENCIES.length * (known.clientIds.length + 1)).filter(({ isClosed }) => !isClosed || draw.chance(0.1));
  return extra.length === 0 ? null : { kind, accountId: draw.pick(extra).id };
}

/** A payment in the right state, or (more rarely) in any. */
function move(kind: "pend" | "post" | "cancel", draw: Random, known: Known): Operation | null {
  const from = { pend: ["draft"], post: ["pending"], cancel: ["draft", "pending"] }[kind];
  const isAny = draw.chance(0.15);
  const payments = known.payments(({ state }) => isAny || from.includes(state));
  if (payments.length === 0) return null;
  const payment = draw.pick(payments);
  if (kind === "pend") return { kind, paymentId: payment.id, reason: draw.chance(0.2) ? known.newName() : null };
  if (kind === "cancel") return { kind, paymentId: payment.id, reason: draw.chance(0.5) ? known.newName() : null };
  const [line] = payment.order.lines;
  return { kind, paymentId: payment.id, parts: draw.chance(0.35) ? parts(draw, payment) : null, currency: line?.currency ?? "" };
}

/** Some of the lines, some of them in part; at least one. */
function parts(draw: Random, { order, lineIds }: KnownPayment): ReadonlyMap<string, bigint> {
  const must = draw.integer(0, lineIds.length - 1);
  return new Map(
    lineIds.flatMap((id, index): [string, bigint][] => {
      const whole = order.lines[index]?.amount ?? 1n;
      if (index !== must && draw.chance(0.4)) return [];
      return [[id, draw.chance(0.5) ? whole : BigInt(draw.integer(1, Number(whole)))]];
    }),
  );
}

/** Mostly of a payment that can be reversed, with its lines as they were booked as far as is known. */
function reversal(draw: Random, known: Known, serves: ReadonlySet<Operation["kind"]>): Operation | null {
  const isAny = draw.chance(0.2);
  const payments = known.payments(
    ({ state, isReversed, order }) => isAny || (state === "posted" && !isReversed && order.reverses === null),
  );
  if (payments.length === 0) return null;
  const { id, order, booked } = draw.pick(payments);
  const lines = (draw.chance(0.05) ? order.lines : booked).map(({ debit, credit, ...rest }) => ({ ...rest, debit: credit, credit: debit }));
  const reversing = known.newOrder(lines, { reverses: id });
  return serves.has("draft") && draw.chance(0.3)
    ? { kind: "draft", order: reversing, pends: draw.chance(0.5) }
    : { kind: "transfer", order: reversing };
}

function newOrder(draw: Random, known: Known, mayDepend = true): Order {
  const currency = draw.pick(CURRENCIES);
  const lines = draw.list(draw.chance(0.75) ? 1 : draw.integer(2, 5), () => newLine(draw, known, currency));
  const account = known.accounts.find(({ id }) => id === lines[0]?.debit);
  const depends = mayDepend && account !== undefined && draw.chance(0.04);
  return known.newOrder(lines, depends ? { ifVersion: { accountId: account.id, version: account.version } } : {});
}

function newLine(draw: Random, known: Known, currency: string): LineOrder {
  // Now and then one of another currency, or one that is closed.
  const accounts = draw.chance(0.02)
    ? known.accounts
    : known.accounts.filter((account) => account.currency === currency && isUsual(draw, account));
  const [debit, credit] = draw.two(accounts);
  return { debit: debit.id, credit: credit.id, amount: BigInt(draw.integer(1, 6_000)), currency };
}

function isUsual(draw: Random, { isClosed }: KnownAccount): boolean {
  return !isClosed || draw.chance(0.1);
}

const EXPIRING = 0.08;

function withExpiry(draw: Random, order: Order): Order {
  if (!draw.chance(EXPIRING)) return order;
  return { ...order, expiresAt: new Date(Date.now() + draw.integer(200, 4_000)).toISOString() };
}
