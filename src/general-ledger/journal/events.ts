// The feed: every accepted change of the ledger once, in the order of its commits. A reader at "after x" can never miss a change that
// becomes visible later, because the head gives numbers in commit order; a hole in them is a bug that stops the feed, never a gap in it.

import type { Tx } from "#platform/db.ts";
import { invariant } from "#platform/problem.ts";
import type { EventPage, LedgerEvent } from "./contract.ts";
import * as store from "./event.store.ts";
import { toAccountEvent, toPaymentEvent } from "./views.ts";

/** `tenant`: whose changes; null: everybody's. */
export type EventRequest = { readonly after: number; readonly limit: number; readonly tenant: string | null };

/** How many changes a confined reader's page looks at: what others did costs no more than these, and lastSequence passes it by. */
const confinedWindow = (limit: number): number => Math.max(500, 2 * limit);
/** A page ends early behind so many lines of payments: fifty for one payment are allowed, fifty thousand for one answer are not. */
const LINES_MAX = 5_000;

/** The next changes after a number, on the snapshot of `tx`. */
export async function readEvents(tx: Tx, { after, limit, tenant }: EventRequest): Promise<EventPage> {
  const first = BigInt(after) + 1n;
  const head = await store.findHead(tx);
  if (head < first) return { items: [], lastSequence: after, hasMore: false };
  const last = smaller(head, first + BigInt(tenant === null ? limit : confinedWindow(limit)) - 1n);
  const changes = await store.findChanges(tx, first, last);
  invariant(
    changes.length === Number(last - first + 1n) && changes.every(({ sequence }, i) => sequence === first + BigInt(i)),
    `the journal has a hole between ${first} and ${last}`,
  );

  const subjects = await findSubjects(tx, changes, tenant);
  const { visible, through } = cut(changes, subjects, limit, last);
  return { items: await describe(tx, visible, subjects), lastSequence: Number(through), hasMore: through < head };
}

type Subjects = {
  readonly payments: ReadonlyMap<string, store.PaymentRow>;
  readonly accounts: ReadonlyMap<string, store.AccountRow>;
};

async function findSubjects(tx: Tx, changes: readonly store.ChangeRow[], tenant: string | null): Promise<Subjects> {
  const { payment = [], account = [] } = Object.groupBy(changes, ({ change }) => (change.startsWith("payment.") ? "payment" : "account"));
  const payments = payment.length === 0 ? [] : await store.findChangedPayments(tx, idsOf(payment), tenant);
  const accounts = account.length === 0 ? [] : await store.findChangedAccounts(tx, idsOf(account), tenant);
  const found = { payments: new Map(payments.map((row) => [row.id, row])), accounts: new Map(accounts.map((row) => [row.id, row])) };
  // Who sees everything sees that something is missing; to the others it looks like somebody else's.
  if (tenant === null)
    for (const change of changes) invariant(isIn(found, change), `change ${change.sequence} is of something that is not there`);
  return found;
}

/** The first changes that may be seen, and up to where the page has come with them. */
function cut(
  changes: readonly store.ChangeRow[],
  subjects: Subjects,
  limit: number,
  last: bigint,
): { visible: store.ChangeRow[]; through: bigint } {
  const visible: store.ChangeRow[] = [];
  let lines = 0;
  for (const change of changes) {
    if (!isIn(subjects, change)) continue;
    visible.push(change);
    lines += subjects.payments.get(change.subject)?.lineCount ?? 0;
    if (visible.length === limit || lines >= LINES_MAX) return { visible, through: change.sequence };
  }
  return { visible, through: last };
}

async function describe(tx: Tx, changes: readonly store.ChangeRow[], { payments, accounts }: Subjects): Promise<LedgerEvent[]> {
  const paymentIds = idsOf(changes.filter(({ subject }) => payments.has(subject)));
  const rows = paymentIds.length === 0 ? [] : await store.findLines(tx, paymentIds);
  const lines = Map.groupBy(rows, ({ paymentId }) => paymentId);
  const drafted = [...lines].filter(([, [line]]) => line?.isDrafted).map(([id]) => id);
  const dates = drafted.length === 0 ? [] : await store.findValueDates(tx, drafted);
  const dateAt = new Map(dates.map(({ batchId, place, valueDate }) => [`${batchId} ${place}`, valueDate]));
  return changes.map((change) => {
    const payment = payments.get(change.subject);
    if (payment !== undefined) {
      const own = lines.get(payment.id) ?? [];
      const valueDate = own[0]?.isDrafted ? dateAt.get(`${change.batchId} ${change.place}`) : payment.valueDate;
      invariant(valueDate, `change ${change.sequence} of a payment is not told`);
      return toPaymentEvent(change, payment, own, valueDate);
    }
    const account = accounts.get(change.subject);
    invariant(account, "a change that may be seen is of nothing");
    return toAccountEvent(change, account);
  });
}

function isIn({ payments, accounts }: Subjects, { subject }: store.ChangeRow): boolean {
  return payments.has(subject) || accounts.has(subject);
}

function idsOf(changes: readonly store.ChangeRow[]): string[] {
  return [...new Set(changes.map(({ subject }) => subject))];
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
