// The shell of plans: the bank says what a plan is, and which client has which. What a client's plan allows is asked for here by whoever
// moves its money or opens its accounts.

import { writeAudit } from "#platform/audit.ts";
import type { Currency } from "#platform/currency.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { type PageRequest, readPage, writeCursor } from "#platform/page.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import { refuse } from "../problems.ts";
import type { AmountKind, TermsWords } from "./contract.ts";
import { type Fee, isSame, type Limit, readTerms, type Terms } from "./plan.ts";
import * as store from "./plan.store.ts";

/** A plan in the version that holds. */
export type Plan = Terms & { readonly code: string; readonly version: number; readonly createdAt: Date; readonly updatedAt: Date };

/** What a client's plan limits. Minor units; what is not listed has no limit. */
export type PlanLimits = {
  readonly planCode: string;
  /** How many accounts may be open at once. */
  readonly accountsMax: number | null;
  readonly amounts: readonly { readonly kind: AmountKind; readonly currency: Currency; readonly amountMinor: bigint }[];
};

const MARK = "plans";

export async function listPlans(
  tx: Tx,
  request: PageRequest,
): Promise<{ plans: Plan[]; page: { pageNumber: number; pageSize: number; nextCursor: string | null } }> {
  const { pageSize } = request;
  const start = readPage(request, MARK);
  const rows = await store.findPlans(tx, "after" in start ? start.after : "", "skip" in start ? start.skip : 0, pageSize + 1);
  const shown = rows.slice(0, pageSize);
  const nextCursor = rows.length > pageSize ? writeCursor(shown.at(-1)?.code ?? "", MARK) : null;
  return { plans: await withTerms(tx, shown), page: { pageNumber: request.pageNumber ?? 1, pageSize, nextCursor } };
}

/**
 * Creates the plan, or adds a version to it that holds from now on for everybody who has it. What is said once more changes nothing. Refuses
 * with 400 for terms that contradict themselves.
 */
export async function putPlan(tx: Tx, code: string, words: TermsWords, tenant: string): Promise<Plan> {
  const terms = readTerms(words);
  if ("errors" in terms) return refusePlatform("validationFailed", { errors: terms.errors });
  const held = await store.holdPlan(tx, code);
  if (held !== null && isSame(await findPlan(tx, code), terms)) return await findPlan(tx, code);
  const version = (held ?? 0) + 1;
  await store.insertVersion(tx, code, version, terms);
  if (held !== null) await store.setVersion(tx, code, version);
  await writeAudit(tx, { action: held === null ? "plan.created" : "plan.changed", subject: `plan:${code}`, detail: { version } });
  await publish(tx, { type: "plan.changed", subject: `plan:${code}`, tenant, data: { code, version } });
  return await findPlan(tx, code);
}

/**
 * Gives the client another plan. Refuses with 404, 400 for a plan that does not exist, 409 invalidState for a client that is rejected,
 * closed, or only kept for its retention.
 */
export async function choosePlan(tx: Tx, clientId: string, visibleTo: string | null, code: string): Promise<void> {
  const client = (await store.lockClient(tx, clientId, visibleTo)) ?? refusePlatform("notFound");
  const { tenant, status, planCode, isRestricted } = client;
  if (planCode === code) return;
  if ((await store.findPlan(tx, code)) === null) refusePlatform("validationFailed", { errors: { code: ["There is no such plan."] } });
  if (status === "rejected" || status === "closed" || isRestricted) {
    const detail = isRestricted ? "The client's data only wait for the end of their retention." : `The client is ${status}.`;
    refuse("invalidState", { detail, members: { clientStatus: status } });
  }
  await store.setPlanOfClient(tx, clientId, code);
  const subject = `client:${clientId}`;
  await writeAudit(tx, { action: "client.planChanged", subject, detail: { from: planCode, to: code } });
  await publish(tx, { type: "client.planChanged", subject, tenant, data: { clientId, from: planCode, to: code } });
}

/** The plan of a client; null where there is no such client that `visibleTo` may see (null: any). */
export async function findPlanOfClient(tx: Tx, clientId: string, visibleTo: string | null): Promise<Plan | null> {
  const row = await store.findPlanOfClient(tx, clientId, visibleTo);
  return row === null ? null : ((await withTerms(tx, [row]))[0] ?? null);
}

/** What the client's plan limits; null where there is no such client. Hold the client before where that must stay so. */
export async function findPlanLimits(tx: Tx, clientId: string): Promise<PlanLimits | null> {
  const row = await store.findPlanOfClient(tx, clientId, null);
  if (row === null) return null;
  const limits = (await store.findLimits(tx, [row])).map(toLimit);
  const accounts = limits.find((limit) => limit.kind === "accounts");
  return {
    planCode: row.code,
    accountsMax: accounts?.kind === "accounts" ? accounts.accountsMax : null,
    amounts: limits.filter((limit) => limit.kind !== "accounts"),
  };
}

async function findPlan(tx: Tx, code: string): Promise<Plan> {
  const row = await store.findPlan(tx, code);
  const [plan] = row === null ? [] : await withTerms(tx, [row]);
  invariant(plan, "a plan vanished");
  return plan;
}

async function withTerms(tx: Tx, rows: readonly store.PlanRow[]): Promise<Plan[]> {
  const [limits, fees] = [await store.findLimits(tx, rows), await store.findFees(tx, rows)];
  return rows.map((row) => ({
    ...row,
    limits: limits.filter(({ code }) => code === row.code).map(toLimit),
    fees: fees.filter(({ code }) => code === row.code).map(toFee),
  }));
}

function toLimit({ kind, currency, amountMinor, accountsMax }: store.LimitRow): Limit {
  if (kind === "accounts") {
    invariant(accountsMax !== null, "a limit of accounts without a number");
    return { kind, accountsMax };
  }
  invariant(currency !== null && amountMinor !== null, "a limit without an amount");
  return { kind, currency, amountMinor };
}

function toFee({ kind, transferType, currency, amountMinor, millionths, minimumMinor }: store.FeeRow): Fee {
  if (kind === "foreignExchange") {
    invariant(millionths !== null && minimumMinor !== null, "a fee of foreign exchange without a share");
    return { kind, currency, millionths, minimumMinor };
  }
  invariant(amountMinor !== null, "a fee without an amount");
  if (kind === "accountMonthly") return { kind, currency, amountMinor };
  invariant(transferType !== null, "a fee of transfers without a rail");
  return { kind, transferType, currency, amountMinor };
}
