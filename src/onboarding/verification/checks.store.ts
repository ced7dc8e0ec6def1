// What must hold of verification: for `verify`.

import { check, type Verifiable } from "#platform/checks.ts";

/** The checks of verification and the locks on its tables. */
export const verificationVerifiable: Verifiable = {
  checks: [
    check(
      "EXT-19",
      "no event of the provider waits for longer than an hour to be applied",
      `select jsonb_build_object('eventId', e.id, 'applicantId', e.applicant_id) as place,
              'the event was never applied: its job has failed for good, or was lost' as message,
              'applied, waiting for its applicant, or parked' as expected, e.state as actual
       from onboarding.verification_event e
       where e.state = 'new' and e.received_at < now() - interval '1 hour'`,
    ),
    check(
      "EXT-19",
      "the verdict that was applied is the newest one that came",
      `select jsonb_build_object('applicantId', a.applicant_id, 'eventId', e.id) as place,
              'a newer verdict came and was not applied' as message, e.event_at::text as expected, a.applied_at::text as actual
       from onboarding.applicant a
       join onboarding.verification_event e on e.applicant_id = a.applicant_id
       where e.state = 'done' and e.rank is not null and (a.applied_at is null or (e.event_at, e.rank) > (a.applied_at, a.applied_rank))`,
    ),
  ],
  locks: [
    {
      table: "onboarding.applicant",
      addOnly: false,
      triggers: ["applicant_changes_forward", "applicant_is_kept"],
      constraints: ["applicant_is_one_of_ours", "applicant_verdict_has_its_place", "applicant_is_linked_at_a_time"],
      appInserts: "all",
      appUpdates: "applicant_id linked_at creating_until person_linked_at applied_at applied_rank attention lifecycle lifecycle_at".split(
        " ",
      ),
    },
    {
      table: "onboarding.verification_event",
      addOnly: false,
      triggers: ["verification_event_is_settled_once", "verification_event_is_kept"],
      constraints: [
        "verification_event_state_is_known",
        "verification_event_is_settled_with_an_outcome",
        "verification_event_without_an_instant_is_parked",
      ],
      appInserts: "all",
      appUpdates: ["state", "outcome", "settled_at"],
    },
  ],
  doors: [],
  figures: {},
};
