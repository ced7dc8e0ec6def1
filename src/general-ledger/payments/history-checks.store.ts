// Does the history of every two-phase payment lead to the payment as it stands? A payment of one step has no history.

import { check, type Check } from "#platform/checks.ts";

const PAYMENT_STANDS_AS_ITS_HISTORY_SAYS = `
  select jsonb_build_object('paymentId', x.id) as place,
         case when x.state is null then 'a history without its payment' when x.changes is null then 'the payment has no history'
              else f.figure || ' is not what the history says' end as message, f.expected, f.actual
  from (
    select coalesce(p.id, h.payment_id) as id, p.state, p.batch_id, p.place, p.change_no, p.value_date, p.reason, p.created_at, p.pended_at,
           p.posted_at, p.cancelled_at, h.changes, h.created, h.pended, h.posted, h.cancelled, h.last_reason, n.batch_id as newest_batch, n.place as newest_place, n.change as newest,
           case when n.change = 'payment.posted' or n.change_no = 1 then n.value_date else p.value_date end as newest_value_date
    from general_ledger.payment p
    full join (
      select c.payment_id, max(c.change_no) as changes, min(c.changed_at) as created,
             max(c.changed_at) filter (where c.change = 'payment.pending') as pended,
             max(c.changed_at) filter (where c.change = 'payment.posted') as posted,
             max(c.changed_at) filter (where c.change = 'payment.cancelled') as cancelled,
             (array_agg(c.reason order by c.change_no desc) filter (where c.reason is not null))[1] as last_reason
      from general_ledger.payment_change c
      group by c.payment_id
    ) h on h.payment_id = p.id
    left join general_ledger.payment_change n on n.payment_id = h.payment_id and n.change_no = h.changes
    where h.payment_id is not null or p.state <> 'posted' or p.change_no <> 1
  ) x
  cross join lateral (values
    ('the number of changes', x.changes::text, x.change_no::text),
    ('the state', x.newest::text, 'payment.' || case x.state when 'draft' then 'drafted' else x.state::text end),
    ('the place in the journal', format('batch %s, place %s', x.newest_batch, x.newest_place), format('batch %s, place %s', x.batch_id, x.place)),
    ('the value date', x.newest_value_date::text, x.value_date::text),
    ('the reason', x.last_reason, x.reason),
    ('the time of the order', x.created::text, x.created_at::text),
    ('the time of the hold', x.pended::text, x.pended_at::text),
    ('the time of the posting', x.posted::text, x.posted_at::text),
    ('the time of the cancelling', x.cancelled::text, x.cancelled_at::text)) f(figure, expected, actual)
  where f.expected is distinct from f.actual`;

export const historyChecks: readonly Check[] = [
  check(
    "INV-12",
    "a payment goes from draft to pending and on to posted or cancelled, each change after the one before",
    `select jsonb_build_object('paymentId', x.payment_id, 'changeNo', x.change_no) as place, f.message, f.expected, f.actual
     from (
       select c.payment_id, c.change_no, c.batch_id, c.change, c.changed_at, lag(c.change_no, 1, 0::smallint) over w as no_before,
              lag(c.batch_id) over w as batch_before, coalesce(lag(c.change) over w::text, 'nothing') as change_before,
              lag(c.changed_at) over w as changed_before
       from general_ledger.payment_change c
       window w as (partition by c.payment_id order by c.change_no)
     ) x
     cross join lateral (values
       ('the numbers have a gap', (x.no_before + 1)::text, x.change_no::text, x.change_no <> x.no_before + 1),
       ('the change does not follow from the one before', 'what may follow ' || x.change_before, x.change::text,
         (x.change_before, x.change::text) not in (('nothing', 'payment.drafted'), ('nothing', 'payment.pending'),
           ('payment.drafted', 'payment.pending'), ('payment.drafted', 'payment.cancelled'),
           ('payment.pending', 'payment.posted'), ('payment.pending', 'payment.cancelled'))),
       ('the change stands in no later batch than the one before', 'a batch after ' || x.batch_before, x.batch_id::text, x.batch_id <= x.batch_before),
       ('the change was made before the one before it', 'at or after ' || x.changed_before, x.changed_at::text, x.changed_at < x.changed_before))
       f(message, expected, actual, broken)
     where f.broken`,
  ),
  check("INV-12", "a payment stands as the last line of its history says", PAYMENT_STANDS_AS_ITS_HISTORY_SAYS),
  check(
    "INV-12",
    "a line was drafted by the first change of its payment, or booked in one step",
    `select jsonb_build_object('paymentId', l.payment_id, 'lineNo', l.line_no) as place, 'the line was drafted by another change' as message,
            c.batch_id::text as expected, l.drafted_in::text as actual
     from general_ledger.payment_line l
     left join general_ledger.payment_change c on c.payment_id = l.payment_id and c.change_no = 1
     where l.drafted_in is distinct from c.batch_id`,
  ),
  check(
    "INV-12",
    "a change knows how it left both accounts of every line",
    `select jsonb_build_object('paymentId', c.payment_id, 'changeNo', c.change_no) as place, 'the change has another number of figures' as message,
            (6 * coalesce(l.count, 0))::text as expected, cardinality(c.stands)::text as actual
     from general_ledger.payment_change c
     left join (
       select l.payment_id, count(*) as count from general_ledger.payment_line l where l.drafted_in is not null group by l.payment_id
     ) l on l.payment_id = c.payment_id
     where cardinality(c.stands) <> 6 * coalesce(l.count, 0)`,
  ),
  check(
    "INV-13",
    "of a hold at most as much is booked as was held, and of a posted payment at least one line",
    `select jsonb_build_object('paymentId', l.payment_id, 'lineNo', l.line_no) as place, 'more is booked than was ordered' as message,
            '0 to ' || l.amount_minor as expected, l.posted_minor::text as actual
     from general_ledger.payment_line l
     where l.posted_minor not between 0 and l.amount_minor
     union all
     select jsonb_build_object('paymentId', l.payment_id), 'nothing of the payment is booked', 'more than 0', '0'
     from general_ledger.payment_line l
     where l.posted_minor is not null
     group by l.payment_id
     having max(l.posted_minor) = 0`,
  ),
];
