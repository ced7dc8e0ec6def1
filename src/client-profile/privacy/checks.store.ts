// What must hold of erasures, and the locks on the tables of privacy: for `verify`.

import { addOnly, check, type Verifiable } from "#platform/checks.ts";

export const privacyVerifiable: Pick<Verifiable, "checks" | "locks"> = {
  checks: [
    check(
      "DP-5",
      "an erased client has a certificate and no key, and nobody else has either",
      `select jsonb_build_object('clientId', c.id) as place, 'the erasure of the client is not whole' as message,
              case when c.erased_at is null then 'no certificate, and a key' else 'a certificate, and no key' end as expected,
              concat(case when e.client_id is null then 'no certificate' else 'a certificate' end, ', and ',
                     case when k.wrapped_key is null then 'no key' else 'a key' end) as actual
       from client_profile.client c
       left join client_profile.client_key k on k.client_id = c.id
       left join client_profile.erasure_certificate e on e.client_id = c.id
       where (c.erased_at is not null) <> (e.client_id is not null) or (c.erased_at is null) <> (k.wrapped_key is not null)`,
    ),
    check(
      "DP-5",
      "nothing sealed of an erased client is left but the words of its history, which no key opens",
      `select jsonb_build_object('clientId', c.id) as place, 'rows of an erased client are sealed still' as message, '0' as expected,
              sealed.rows::text as actual
       from client_profile.client c
       cross join lateral (
         select (select count(*) from client_profile.related_individual r where r.client_id = c.id and r.sealed_profile is not null)
              + (select count(*) from client_profile.document d where d.client_id = c.id and d.sealed_details is not null)
              + (select count(*) from client_profile.deletion_notification n
                 where n.client_id = c.id and (n.sealed_comment is not null or n.status in ('received', 'inReview'))) as rows) sealed
       where c.erased_at is not null and sealed.rows > 0`,
    ),
  ],
  locks: [
    {
      table: "client_profile.deletion_notification",
      addOnly: false,
      triggers: ["deletion_notification_goes_forward", "deletion_notification_is_kept"],
      constraints: [
        "deletion_notification_reason_is_known",
        "deletion_notification_status_is_known",
        "deletion_notification_completed_has_no_comment",
      ],
      appInserts: "all",
      appUpdates: ["status", "sealed_comment", "updated_at"],
    },
    addOnly("client_profile.deletion_notification_history", ["deletion_notification_history_is_immutable"], { appInserts: "all" }),
    addOnly("client_profile.erasure_certificate", ["erasure_certificate_is_immutable"], {
      constraints: ["erasure_certificate_is_of_its_client", "erasure_certificate_is_hashed"],
      appInserts: "all",
    }),
  ],
};
