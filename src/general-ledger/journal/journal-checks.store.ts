// Does the journal number every change once, without a gap, and does everything stand at the place it gives?

import { check, type Check } from "#platform/checks.ts";

/** How far the books go: the number of the last change. */
export const HEAD_SEQUENCE = "select h.last_sequence from general_ledger.ledger_head h where h.id = 1";

/** What the audit must tell of. */
export const OPENED_ACCOUNTS = "select 'account:' || a.id as subject from general_ledger.account a";

/** One row for each change: the number is first_sequence + place. */
export const CHANGES = `
  select j.first_sequence + u.position - 1 as sequence, j.batch_id, (u.position - 1)::integer as place, u.change, u.subject
  from general_ledger.journal j
  cross join lateral unnest(j.changes, j.subjects) with ordinality u(change, subject, position)`;

// In one step, or step by step: a payment goes into each state once.
const PAYMENT_CHANGES = `
  select p.id, 'payment.posted'::general_ledger.change as change, p.batch_id, p.place
  from general_ledger.payment p
  where p.state = 'posted' and p.change_no = 1
  union all
  select h.payment_id, h.change, h.batch_id, h.place
  from general_ledger.payment_change h`;

const PAYMENT_WORDS = "'payment.drafted', 'payment.pending', 'payment.posted', 'payment.cancelled'";

export const journalChecks: readonly Check[] = [
  check(
    "INV-7",
    "the journal numbers changes 1, 2, 3 … without a gap, and its times never fall",
    `select jsonb_build_object('sequence', x.first_sequence, 'batch', x.batch_id) as place, f.message, f.expected, f.actual
     from (
       select j.first_sequence, j.batch_id, j.size, j.committed_at, cardinality(j.changes) as changes, cardinality(j.subjects) as subjects,
              lag(j.first_sequence + j.size, 1, 1::bigint) over w as next, lag(j.committed_at) over w as committed_before
       from general_ledger.journal j
       window w as (order by j.first_sequence)
     ) x
     cross join lateral (values
       ('the numbers have a gap or overlap', x.next::text, x.first_sequence::text, x.first_sequence <> x.next),
       ('the row counts otherwise than it lists', x.size::text, least(x.changes, x.subjects)::text,
         x.size < 1 or x.changes is distinct from x.size or x.subjects is distinct from x.size),
       ('the row was committed before the one before it', 'at or after ' || x.committed_before, x.committed_at::text, x.committed_at < x.committed_before))
       f(message, expected, actual, broken)
     where f.broken`,
  ),
  check(
    "INV-7",
    "the head of the ledger is the end of the journal",
    `select jsonb_build_object('sequence', coalesce(h.last_sequence, 0)) as place, 'head and journal differ' as message,
            format('%s at %s', coalesce(j.last, 0), coalesce(j.at::text, '-infinity')) as expected, format('%s at %s', h.last_sequence, h.last_at) as actual
     from (select first_sequence + size - 1 as last, committed_at as at from general_ledger.journal order by first_sequence desc limit 1) j
     full join general_ledger.ledger_head h on true
     where h.last_sequence is distinct from coalesce(j.last, 0) or h.last_at is distinct from coalesce(j.at, '-infinity')`,
  ),
  check(
    "INV-7",
    "every change of a payment stands at its place of the journal, once, and the journal tells of no other",
    `select jsonb_strip_nulls(jsonb_build_object('sequence', c.sequence, 'paymentId', coalesce(p.id, c.subject))) as place,
            case when p.id is null then 'the journal tells of a change that is not there: ' || c.change
                 when c.subject is null then 'the journal does not tell of the change: ' || p.change
                 else 'the change is said to stand at another place: ' || c.change end as message,
            format('batch %s, place %s', c.batch_id, c.place) as expected, format('batch %s, place %s', p.batch_id, p.place) as actual
     from (select * from (${CHANGES}) c where c.change in (${PAYMENT_WORDS})) c
     full join (${PAYMENT_CHANGES}) p on p.id = c.subject and p.change = c.change
     where (p.batch_id, p.place) is distinct from (c.batch_id, c.place)`,
  ),
  check(
    "INV-7",
    "the journal tells of every account that it was opened, first and once, and of every closed one that it was closed, last and once",
    `select jsonb_strip_nulls(jsonb_build_object('sequence', c.opened, 'accountId', coalesce(a.id, c.subject))) as place, f.message, f.expected, f.actual
     from (
       select c.subject, count(*) filter (where c.change = 'account.opened') as openings, count(*) filter (where c.change = 'account.closed') as closings,
              min(c.sequence) as first, max(c.sequence) as last, min(c.sequence) filter (where c.change = 'account.opened') as opened,
              max(c.sequence) filter (where c.change = 'account.closed') as closed,
              max(c.sequence) filter (where c.change = 'account.blocked') as blocked, max(c.sequence) filter (where c.change = 'account.unblocked') as unblocked
       from (${CHANGES}) c
       where c.change not in (${PAYMENT_WORDS})
       group by c.subject
     ) c
     full join general_ledger.account a on a.id = c.subject
     cross join lateral (values
       ('the journal tells of an account that is not there', '0', '1', a.id is null),
       ('the opening is not told once', '1', coalesce(c.openings, 0)::text, a.id is not null and coalesce(c.openings, 0) <> 1),
       ('the account was changed before it was opened', 'after ' || c.opened, c.first::text, c.first < c.opened),
       ('the closing is not told once', case when a.status = 'closed' then '1' else '0' end, coalesce(c.closings, 0)::text,
         coalesce(c.closings, 0) <> case when a.status = 'closed' then 1 else 0 end),
       ('the account was changed after it was closed', 'before ' || c.closed, c.last::text, c.last > c.closed),
       ('the blocks are not those that were told', case when c.blocked is null then 'never blocked' else 'blocked' end,
         format('debit %s, credit %s', a.debit_blocked, a.credit_blocked),
         (a.debit_blocked or a.credit_blocked) and c.blocked is null
           or not (a.debit_blocked or a.credit_blocked) and c.blocked > coalesce(c.unblocked, 0)))
       f(message, expected, actual, broken)
     where f.broken`,
  ),
];
