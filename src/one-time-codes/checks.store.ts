// What must hold of one-time codes: for `verify`.

import { check, type Verifiable } from "#platform/checks.ts";

/** The checks of one-time codes and the locks on its tables. */
export const oneTimeCodesVerifiable: Verifiable = {
  checks: [
    check(
      "PR-11",
      "a code lives five minutes, and its proof five more at most",
      `select jsonb_build_object('challengeId', c.id) as place, 'the code or its proof lives longer than it may' as message,
              'at most 5 and 10 minutes after it was made' as expected,
              concat_ws(' and ', c.expires_at - c.created_at, c.proof_expires_at - c.created_at) as actual
       from one_time_codes.challenge c
       where c.expires_at > c.created_at + interval '5 minutes' or c.proof_expires_at > c.expires_at + interval '5 minutes'
          or c.proof_used_at > c.proof_expires_at`,
    ),
    check(
      "PR-11",
      "a client is sent no more than ten codes in 24 hours",
      `select jsonb_build_object('challengeId', c.id, 'clientId', c.client_id) as place, 'an eleventh code within 24 hours' as message,
              'the tenth before it is older than 24 hours' as expected, (c.created_at - c.tenth_before)::text as actual
       from (select id, client_id, created_at, lag(created_at, 10) over (partition by client_id order by created_at) as tenth_before
             from one_time_codes.challenge) c
       where c.created_at < c.tenth_before + interval '24 hours'`,
    ),
  ],
  locks: [
    {
      table: "one_time_codes.challenge",
      addOnly: false,
      triggers: ["challenge_ends_once", "challenge_is_kept"],
      constraints: ["challenge_outcome_is_known", "challenge_ended_has_no_message", "challenge_proof_follows_verification"],
      appInserts: "all",
      appUpdates: ["sealed_message", "sent_at", "ended_at", "outcome", "proof_expires_at", "proof_used_at"],
    },
    {
      table: "one_time_codes.client_failures",
      addOnly: false,
      triggers: [],
      constraints: ["client_failures_end_in_a_block_at_the_fifth"],
      appInserts: "all",
      appUpdates: ["failures"],
    },
    {
      table: "one_time_codes.block",
      addOnly: false,
      triggers: ["block_is_kept"],
      constraints: ["block_lasts"],
      appInserts: "all",
      appUpdates: ["lifted_at", "lifted_by"],
    },
  ],
  doors: [],
  figures: {},
};
