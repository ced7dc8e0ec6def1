// Does the history of every two-phase payment lead to the payment as it stands? A payment of one step has no history.

import { check, type Check } from "#platform/checks.ts";

// Texts are made of rows that differ, not of all: a payment in three steps has three rows here.
const PAYMENT_STANDS_AS_ITS_HISTORY_SAYS = `
  select jsonb_build_object('paymentId', x.id) as place,
         case when x.state is null then 'a history without its payment' when x.newest is null then 'the payment has no history'
              else f.figure || ' is not what the history says' end as message, f.expected, f.actual
  from (
    select coalesce(p.id, n.payment_id) as id, p.state, p.batch_id, p.place, p.change_no, p.value_date, p.reason, p.created_at, p.pended_at,
           p.posted_at, p.cancelled_at, n.change_no as newest_no, n.batch_id as newest_batch, n.place as newest_place, n.change as newest,
           n.value_date as newest_value_date, r.reason as newest_reason, n.created, n.pended, n.posted, n.cancelled
    from general_ledger.payment p
    full join (
      select c.payment_id, c.change_no, c.batch_id, c.place, c.change, c.value_date, h.created, h.pended, h.posted, h.cancelled
      from (
        select c.payment_id, max(c.change_no) as change_no, min(c.changed_at) as created,
               max(c.changed_at) filter (where c.change = 'payment.pending') as pended,
               max(c.changed_at) filter (where c.change = 'payment.posted') as posted,
               max(c.changed_at) filter (where c.change = 'payment.cancelled') as cancelled
        from general_ledger.payment_change c
        group by c.payment_id
      ) h
      join general_ledger.payment_change c on c.payment_id = h.payment_id and c.change_no = h.change_no
    ) n on n.payment_id = p.id
    left join (
      select distinct on (c.payment_id) c.payment_id, c.reason
      from general_ledger.payment_change c
      where c.reason is not null
      order by c.payment_id, c.change_no desc
    ) r on r.payment_id = n.payment_id
    where n.payment_id is not null or p.state <> 'posted' or p.change_no <> 1
  ) x
  cross join lateral (values
    ('the number of changes', x.newest_no::text, x.change_no::text),
    ('the state', x.newest::text, 'payment.' || case x.state when 'draft' then 'drafted' else x.state::text end),
    ('the place in the journal', format('batch %s, place %s', x.newest_batch, x.newest_place), format('batch %s, place %s', x.batch_id, x.place)),
    ('the value date', x.newest_value_date::text, x.value_date::text),
    ('the reason', x.newest_reason, x.reason),
    ('the time of the order', x.created::text, x.created_at::text),
    ('the time of the hold', x.pended::text, x.pended_at::text),
    ('the time of the posting', x.posted::text, x.posted_at::text),
    ('the time of the cancelling', x.cancelled::text, x.cancelled_at::text)) f(figure, expected, actual)
  where f.expected is distinct from f.actual
    and ((x.newest_no, x.newest_batch, x.newest_place, x.newest_value_date, x.newest_reason, x.created, x.pended, x.posted, x.cancelled)
         is distinct from (x.change_no, x.batch_id, x.place, x.value_date, x.reason, x.created_at, x.pended_at, x.posted_at, x.cancelled_at)
      or (x.newest, x.state) not in
         (('payment.drafted', 'draft'), ('payment.pending', 'pending'), ('payment.posted', 'posted'), ('payment.cancelled', 'cancelled')))`;

export const historyChecks: readonly Check[] = [
  check(
    "INV-12",
    "a payment goes from draft to pending and on to posted or cancelled, each change after the one before",
    `select jsonb_build_object('paymentId', x.payment_id, 'changeNo', x.change_no) as place, f.message, f.expected, f.actual
     from (
       select c.*, case c.change
                     when 'payment.drafted' then c.change_before is null
                     when 'payment.pending' then c.change_before is null or c.change_before = 'payment.drafted'
                     when 'payment.posted' then c.change_before = 'payment.pending'
                     when 'payment.cancelled' then c.change_before in ('payment.drafted', 'payment.pending')
                   end is true as follows
       from (
         select c.payment_id, c.change_no, c.batch_id, c.change, c.changed_at, lag(c.change_no, 1, 0::smallint) over w as no_before,
                lag(c.batch_id) over w as batch_before, lag(c.change) over w as change_before, lag(c.changed_at) over w as changed_before
         from general_ledger.payment_change c
         window w as (partition by c.payment_id order by c.change_no)
       ) c
     ) x
     cross join lateral (values
       ('the numbers have a gap', (x.no_before + 1)::text, x.change_no::text, x.change_no <> x.no_before + 1),
       ('the change does not follow from the one before', 'what may follow ' || coalesce(x.change_before::text, 'nothing'), x.change::text, not x.follows),
       ('the change stands in no later batch than the one before', 'a batch after ' || x.batch_before, x.batch_id::text, x.batch_id <= x.batch_before),
       ('the change was made before the one before it', 'at or after ' || x.changed_before, x.changed_at::text, x.changed_at < x.changed_before))
       f(message, expected, actual, broken)
     where f.broken
       and (x.change_no <> x.no_before + 1 or not x.follows or x.batch_id <= x.batch_before or x.changed_at < x.changed_before)`,
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
