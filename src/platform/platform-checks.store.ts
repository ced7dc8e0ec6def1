// What must hold of the platform's own tables: keys, events, audit.

import { addOnly, check, type Check, type Verifiable } from "./checks.ts";

export const platformVerifiable: Verifiable = {
  checks: [
    check(
      "INV-8",
      "every idempotency key has the fingerprint of its request",
      `select jsonb_build_object('key', k.id) as place, 'the fingerprint is no SHA-256' as message, '32 bytes' as expected,
              octet_length(k.fingerprint) || ' bytes' as actual
       from platform.idempotency_key k
       where octet_length(k.fingerprint) <> 32`,
    ),
    check(
      "INV-8",
      "an idempotency key keeps a whole answer or none, and a definite one",
      `select jsonb_build_object('key', k.id) as place, 'status and answer do not fit together' as message,
              'neither; or 200 or 409 with an answer, without a payment' as expected,
              format('status %s, %s, %s', coalesce(k.status::text, 'none'), case when k.answer is null then 'no answer' else 'an answer' end,
                case when k.payment_id is null then 'no payment' else 'a payment' end) as actual
       from platform.idempotency_key k
       where (k.status is null) <> (k.answer is null) or k.status not in (200, 409) or (k.status is not null and k.payment_id is not null)`,
    ),
  ],
  locks: [
    addOnly("platform.audit_entry", ["audit_entry_is_immutable"], { appInserts: "all" }),
    addOnly("platform.event", ["event_is_immutable"], { appInserts: "all" }),
    {
      table: "platform.idempotency_key",
      addOnly: false,
      triggers: ["idempotency_key_is_kept", "idempotency_key_is_answered_once"],
      constraints: ["idempotency_key_fingerprint_is_sha256"],
      appInserts: "all",
      appUpdates: ["status", "answer"],
    },
    { table: "platform.migration", addOnly: false, triggers: [], constraints: [], appInserts: [], appUpdates: [] },
  ],
  doors: [],
  figures: {},
};

/**
 * Every subject that the query names (one text column `subject`, "client:<uuid>") has exactly one audit row of that action. For modules,
 * whose SQL may not read the audit itself.
 */
export function auditCheck(name: string, action: string, subjects: string): Check {
  return check(
    "INV-20",
    name,
    `select jsonb_build_object('subject', coalesce(s.subject, a.subject)) as place,
            case when s.subject is null then 'the audit tells of something that is not there' else 'the audit does not tell of it once' end as message,
            case when s.subject is null then '0' else '1' end as expected, coalesce(a.count, 0)::text as actual
     from (${subjects}) s
     full join (select e.subject, count(*) as count from platform.audit_entry e where e.action = $1 group by e.subject) a on a.subject = s.subject
     where s.subject is null or coalesce(a.count, 0) <> 1`,
    [action],
  );
}
