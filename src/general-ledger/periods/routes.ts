// The period lock: days that are closed take no value any more.

import { isLocalDate } from "#platform/dates.ts";
import { writeAudit } from "#platform/audit.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { refusePlatform } from "#platform/problem.ts";
import { DateText, Nullable, strictObject } from "#platform/schema.ts";
import { generalLedgerProblems as problems, refuse } from "../problems.ts";
import * as store from "./period.store.ts";

const tags = ["GeneralLedger - System (1) / Periods"];
const PeriodLockDto = strictObject(
  { closedThrough: Nullable(DateText, { description: "The last closed day; null: no day is closed." }) },
  { title: "PeriodLockDto" },
);
const CloseDays = strictObject({ closedThrough: DateText }, { title: "CloseDays" });

/** Reads and moves the period lock. Ours to offer: the documentation has no such operation. */
export function periodEndpoints({ timeZone }: { readonly timeZone: string }): Endpoint[] {
  return [
    endpoint({
      id: "getPeriodLock",
      method: "GET",
      path: "/internal/PeriodLock",
      tags,
      summary: "The last day that is closed for value dates",
      audience: "system",
      scope: "ledger.read",
      reply: PeriodLockDto,
      work: "read",
      async handle(tx) {
        return { closedThrough: (await store.findPeriod(tx, timeZone)).closedThrough };
      },
    }),
    endpoint({
      id: "closePeriod",
      method: "PUT",
      path: "/internal/PeriodLock",
      tags,
      summary: "Close all days up to one that is over",
      description:
        "A payment that asks for a closed value date gets the next open day, and its answer shows both. Days are never opened again; the same day once more answers 200.",
      audience: "system",
      scope: "ledger.admin",
      body: CloseDays,
      reply: PeriodLockDto,
      problems: { invalidState: problems.invalidState },
      work: "write",
      async handle(tx, { body, caller }) {
        const { closedThrough } = body;
        // The books are the bank's: a white-label customer cannot close them.
        if (caller.tenant !== null) refusePlatform("forbidden", { detail: "Days are closed by the bank itself." });
        const period = await store.findPeriod(tx, timeZone);
        if (!isLocalDate(closedThrough) || closedThrough >= period.today) {
          refusePlatform("validationFailed", { errors: { closedThrough: ["The field must be a day that is over."] } });
        }
        if (period.closedThrough !== null && closedThrough < period.closedThrough) {
          refuse("invalidState", { detail: `The days up to ${period.closedThrough} are closed.` });
        }
        await writeAudit(tx, { action: "period.closed", subject: "ledger", detail: { closedThrough } });
        return { closedThrough: await store.closeDays(tx, closedThrough) };
      },
    }),
  ];
}
