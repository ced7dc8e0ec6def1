// What must hold of bulk imports: for `verify`.

import { addOnly, check, type Verifiable } from "#platform/checks.ts";
import { auditCheck } from "#platform/platform-checks.store.ts";

/** The checks of imports and the locks on their tables. */
export const importVerifiable: Verifiable = {
  checks: [
    check(
      "TRF-21",
      "every row of an import is accounted for, once",
      `select jsonb_build_object('tenant', r.tenant, 'importId', r.id) as place, 'the rows that were noted are not those that were settled' as message,
              r.rows || ' rows without a gap' as expected, coalesce(b.rows, 0) || ' rows in ' || coalesce(b.runs, 0) || ' runs' as actual
       from onboarding.import_run r
       left join (
         select tenant, import_id, sum(octet_length(marks)) / 8 as rows, count(*) filter (where first_row <> wanted) + 1 as runs
         from (
           select tenant, import_id, first_row, marks,
                  lag(first_row + octet_length(marks) / 8, 1, 1) over (partition by tenant, import_id order by first_row) as wanted
           from onboarding.import_batch
         ) w
         group by tenant, import_id
       ) b on (b.tenant, b.import_id) = (r.tenant, r.id)
       where r.rows <> coalesce(b.rows, 0) or b.runs > 1`,
    ),
    check(
      "TRF-21",
      "every row that made no client is told, and no other",
      `select jsonb_build_object('tenant', r.tenant, 'importId', r.id) as place, 'the faults of the import are not as many as it counts' as message,
              r.duplicates || ' in use, ' || r.faulty || ' at fault' as expected,
              coalesce(f.duplicates, 0) || ' in use, ' || coalesce(f.faulty, 0) || ' at fault, last of row ' || coalesce(f.last_row, 0) as actual
       from onboarding.import_run r
       left join (
         select tenant, import_id, max(row) as last_row, count(*) filter (where code = 'duplicateExternalId') as duplicates,
                count(*) filter (where code <> 'duplicateExternalId') as faulty
         from onboarding.import_fault
         group by tenant, import_id
       ) f on (f.tenant, f.import_id) = (r.tenant, r.id)
       where (r.duplicates, r.faulty) <> (coalesce(f.duplicates, 0), coalesce(f.faulty, 0)) or f.last_row > r.rows`,
    ),
    auditCheck(
      "the audit tells of every import that was finished",
      "clients.importFinished",
      "select 'import:' || r.tenant || ':' || r.id as subject from onboarding.import_run r where r.finished_at is not null",
    ),
  ],
  locks: [
    {
      table: "onboarding.import_run",
      addOnly: false,
      triggers: ["import_run_goes_forward", "import_run_is_kept"],
      constraints: [
        "import_run_rows_add_up",
        "import_run_has_at_most_100_000_rows",
        "import_run_is_held_for_a_time",
        "import_run_finished_is_held_by_nobody",
      ],
      appInserts: "all",
      appUpdates: ["rows", "created", "duplicates", "faulty", "updated_at", "finished_at", "holder", "held_until"],
    },
    addOnly("onboarding.import_batch", ["import_batch_is_immutable"], { appInserts: "all", constraints: ["import_batch_has_marks"] }),
    {
      table: "onboarding.import_fault",
      addOnly: false,
      triggers: ["import_fault_only_forgets", "import_fault_is_kept"],
      constraints: ["import_fault_code_is_known", "import_fault_names_a_client_in_use"],
      appInserts: "all",
      appUpdates: ["external_id"],
    },
  ],
  doors: [],
  figures: {},
};
