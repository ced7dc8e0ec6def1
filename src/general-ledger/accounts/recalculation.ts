// Operation 23: what is stored on accounts is set to what their entries and pending payments give. Sound accounts are left as they are,
// and payments go on meanwhile: an account is locked only while the last few entries are added up (see recalculate_accounts).

import type { Caller } from "#platform/access.ts";
import { writeAudit, writeAudits } from "#platform/audit.ts";
import { onConstraint, type Tx } from "#platform/db.ts";
import { enqueue, job, type JobContext } from "#platform/jobs.ts";
import { newId } from "#platform/new-id.ts";
import { Problem } from "#platform/problem.ts";
import { Nullable, strictObject, Type, Uuid } from "#platform/schema.ts";
import { normalSide } from "../payments/payment.ts";
import { refuse } from "../problems.ts";
import { money } from "../views.ts";
import { refuseAbsent } from "./account-figures.ts";
import * as store from "./account-figures.store.ts";
import type { RecalculateAccounts, RecalculatedAccounts } from "./read-contract.ts";

const GROUP = 100;
/** So many groups a job takes in one go; the next job goes on behind them. */
const GROUPS_PER_JOB = 50;

const payload = strictObject({ runId: Uuid, tenant: Nullable(Type.String()), after: Nullable(Uuid) });

/** Goes through all accounts of a tenant (null: of the bank), group by group, each in a transaction of its own. Safe to repeat. */
export const recalculateAllAccounts = job({
  name: "general_ledger.recalculate_accounts",
  payload,
  async run({ runId, tenant, after }, context) {
    let last = after;
    for (let group = 0; group < GROUPS_PER_JOB && !context.signal.aborted; group++) {
      const next = await recalculateGroup(runId, tenant, last, context);
      if (next === null) return;
      last = next;
    }
    const rest = { runId, tenant, after: last };
    await context.db.write(context.actor, (tx) => enqueue(tx, recalculateAllAccounts, rest, { key: `${keyOf(tenant)} ${runId}` }));
  },
});

/** Of orders that wait to begin only the last one stands. */
function keyOf(tenant: string | null): string {
  return `general_ledger.recalculate_accounts ${tenant ?? ""}`;
}

/** The last account of the group behind `after`; null: there is none. */
async function recalculateGroup(
  runId: string,
  tenant: string | null,
  after: string | null,
  { db, actor }: JobContext,
): Promise<string | null> {
  const ids = await db.read(actor, (tx) => store.nextIds(tx, after, GROUP, tenant));
  const attempt = (some: readonly string[]): Promise<unknown> => db.write(actor, (tx) => recalculate(tx, some, runId));
  try {
    if (ids.length > 0) await attempt(ids);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // One account stands in the way of its group only: the others are set right one by one.
    for (const id of ids) {
      await attempt([id]).catch(async (refusal: unknown) => {
        if (!isRefusal(refusal)) throw refusal;
        const record = { action: "account.recalculationRefused", subject: `account:${id}`, detail: { run: runId } };
        await db.write(actor, (tx) => writeAudit(tx, record));
      });
    }
  }
  return ids.at(-1) ?? null;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Problem && error.status === 409;
}

/** The named accounts at once, or all of them by a job. 404 names every account that there is not. */
export async function recalculateAccounts(tx: Tx, body: RecalculateAccounts, { tenant }: Caller): Promise<RecalculatedAccounts> {
  const runId = newId();
  if (body.accountIds == null) {
    await enqueue(tx, recalculateAllAccounts, { runId, tenant, after: null }, { key: keyOf(tenant) });
    await writeAudit(tx, { action: "accounts.recalculationOrdered", subject: `recalculation:${runId}`, detail: { tenant } });
    return { items: [], jobId: runId };
  }
  const ids = [...new Set(body.accountIds)];
  refuseAbsent(body.accountIds, await store.findKnownIds(tx, ids, tenant));
  const accounts = new Map((await recalculate(tx, ids, runId)).map((account) => [account.accountId, account]));
  return { items: ids.flatMap((id) => accounts.get(id) ?? []).map(toItem), jobId: null };
}

/** Every run is told of, with each account that it changed. */
async function recalculate(tx: Tx, ids: readonly string[], runId: string): Promise<store.RecalculatedAccount[]> {
  const accounts = await onConstraint(store.recalculateAccounts(tx, ids), "account_floor_is_kept", () =>
    refuse("insufficientFunds", {
      detail: "The entries leave one of the accounts below its credit limit. Raise that first; nothing was changed.",
    }),
  );
  const changed = accounts.filter((account) => account.changed);
  // In one statement: where something was changed, the ledger's head is held by now.
  await writeAudits(tx, [
    ...changed.map(({ accountId, previousBalance, balance, previousHeld, held }) => ({
      action: "account.recalculated",
      subject: `account:${accountId}`,
      detail: {
        run: runId,
        previousBalanceMinor: previousBalance.toString(),
        balanceMinor: balance.toString(),
        previousHeldMinor: previousHeld.toString(),
        heldMinor: held.toString(),
      },
    })),
    {
      action: "accounts.recalculated",
      subject: `recalculation:${runId}`,
      detail: { accounts: accounts.length, changed: changed.length },
    },
  ]);
  return accounts;
}

function toItem({ accountId, currency, creditNormal, ...figures }: store.RecalculatedAccount): RecalculatedAccounts["items"][number] {
  return {
    accountId,
    previousBalance: money(normalSide(figures.previousBalance, { creditNormal }), currency),
    balance: money(normalSide(figures.balance, { creditNormal }), currency),
    previousHeldAmount: money(figures.previousHeld, currency),
    heldAmount: money(figures.held, currency),
    changed: figures.changed,
  };
}
