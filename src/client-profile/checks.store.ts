// What must hold of clients: for `verify`.

import { addOnly, check, type Verifiable } from "#platform/checks.ts";
import { auditCheck } from "#platform/platform-checks.store.ts";
import { documentVerifiable } from "./documents/document-checks.store.ts";
import { keysVerifiable } from "./keys/checks.store.ts";
import { privacyVerifiable } from "./privacy/checks.store.ts";
import { planVerifiable } from "./plans/checks.store.ts";

/** The last line are columns that hold nothing any more: the application may only empty them. */
const CLIENT_UPDATES = (
  "status verification_status risk_level blocked_at phone_is_e164 plan_code updated_at " +
  "external_id sealed_profile sealed_block_reason email_mark search_marks version closed_at restricted_at erased_at " +
  "email phone_number street_line1 street_line2 city state zip country first_name last_name date_of_birth citizenship_country residence_country " +
  "document_type document_number document_issued_by document_issued_country document_issued_date document_expiration_date"
).split(" ");

/** The checks of client profiles and the locks on its tables. */
export const clientProfileVerifiable: Verifiable = {
  checks: [
    check(
      "INV-12",
      "a client stands as the last line of its history says",
      `select jsonb_build_object('clientId', c.id) as place,
              case when h.client_id is null then 'the client has no history' else 'the client stands otherwise than its history says' end as message,
              concat_ws(' ', h.status, h.verification_status, h.risk_level) as expected,
              concat_ws(' ', c.status, c.verification_status, c.risk_level) as actual
       from client_profile.client c
       left join (
         select distinct on (h.client_id) h.client_id, h.status, h.verification_status, h.risk_level
         from client_profile.client_status_history h
         order by h.client_id, h.id desc
       ) h on h.client_id = c.id
       where (h.status, h.verification_status, h.risk_level) is distinct from (c.status, c.verification_status, c.risk_level)`,
    ),
    check(
      "INV-12",
      "no line of a client's history is of a version that is still to come",
      `select jsonb_build_object('clientId', c.id) as place, 'the history is ahead of the client' as message,
              'up to ' || c.version as expected, max(h.version)::text as actual
       from client_profile.client c
       join client_profile.client_status_history h on h.client_id = c.id
       group by c.id
       having max(h.version) > c.version`,
    ),
    ...keysVerifiable.checks,
    ...planVerifiable.checks,
    ...privacyVerifiable.checks,
    auditCheck("the audit tells of every new client", "client.created", "select 'client:' || c.id as subject from client_profile.client c"),
    ...documentVerifiable.checks,
  ],
  locks: [
    {
      table: "client_profile.client",
      addOnly: false,
      triggers: ["client_is_kept", "client_is_erased_once", "client_status_goes_its_ways"],
      constraints: [
        "client_status_is_known",
        "client_risk_level_is_known",
        "client_prohibited_is_never_active",
        "client_block_has_its_time",
        "client_block_leaves_nothing",
        "client_has_no_plain_data",
        "client_is_sealed_until_erased",
        "client_erased_was_closed",
      ],
      appInserts: "all",
      appUpdates: CLIENT_UPDATES,
    },
    {
      table: "client_profile.related_individual",
      addOnly: false,
      triggers: ["related_individual_is_kept"],
      constraints: ["related_individual_verification_status_is_known"],
      appInserts: "all",
      appUpdates: ["position", "roles", "share_percent", "verification_status", "sealed_profile", "updated_at", "removed_at"],
    },
    addOnly("client_profile.client_status_history", ["client_status_history_is_immutable"], { appInserts: "all" }),
    ...keysVerifiable.locks,
    ...planVerifiable.locks,
    ...privacyVerifiable.locks,
    ...documentVerifiable.locks,
  ],
  doors: [],
  figures: keysVerifiable.figures,
};
