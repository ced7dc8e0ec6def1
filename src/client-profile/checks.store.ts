// What must hold of clients: for `verify`.

import { addOnly, check, type Verifiable } from "#platform/checks.ts";
import { auditCheck } from "#platform/platform-checks.store.ts";

const STANDING_CONTACT_AND_ADDRESS = (
  "status verification_status risk_level block_reason blocked_at email phone_number phone_is_e164 " +
  "street_line1 street_line2 city state zip country updated_at"
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
    auditCheck("the audit tells of every new client", "client.created", "select 'client:' || c.id as subject from client_profile.client c"),
  ],
  locks: [
    {
      table: "client_profile.client",
      addOnly: false,
      triggers: ["client_is_kept"],
      constraints: [
        "client_status_is_known",
        "client_risk_level_is_known",
        "client_prohibited_is_never_active",
        "client_block_has_its_time",
      ],
      appInserts: "all",
      appUpdates: STANDING_CONTACT_AND_ADDRESS,
    },
    addOnly("client_profile.client_status_history", ["client_status_history_is_immutable"], { appInserts: "all" }),
  ],
  doors: [],
  figures: {},
};
