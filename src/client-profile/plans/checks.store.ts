// What must hold of plans, and the locks on their tables: for `verify`.

import { addOnly, check, type Verifiable } from "#platform/checks.ts";
import { auditCheck } from "#platform/platform-checks.store.ts";

/** The checks and locks of plans. */
export const planVerifiable: Pick<Verifiable, "checks" | "locks"> = {
  checks: [
    check(
      "INV-23",
      "every client has a plan that there is",
      `select jsonb_build_object('clientId', c.id) as place, 'there is no such plan' as message, 'a plan' as expected, c.plan_code as actual
       from client_profile.client c
       where not exists (select from client_profile.plan p where p.code = c.plan_code)`,
    ),
    // The first plan came with the database.
    auditCheck(
      "the audit tells of every new plan",
      "plan.created",
      "select 'plan:' || p.code as subject from client_profile.plan p where p.code <> 'standard'",
    ),
  ],
  locks: [
    {
      table: "client_profile.plan",
      addOnly: false,
      triggers: ["plan_is_kept"],
      constraints: ["plan_code_is_a_name"],
      appInserts: "all",
      appUpdates: ["version", "updated_at"],
    },
    addOnly("client_profile.plan_version", ["plan_version_is_immutable"], {
      appInserts: "all",
      constraints: ["plan_version_starts_at_one", "plan_monthly_fee_is_an_amount"],
    }),
    addOnly("client_profile.plan_limit", ["plan_limit_is_immutable"], { appInserts: "all", constraints: ["plan_limit_is_of_its_kind"] }),
    addOnly("client_profile.plan_fee", ["plan_fee_is_immutable"], { appInserts: "all", constraints: ["plan_fee_is_of_its_kind"] }),
  ],
};
