// Do the logs that figures at an instant are read from say what the payments say?

import { check, type Check } from "#platform/checks.ts";

export const figureChecks: readonly Check[] = [
  check(
    "INV-4",
    "what was last held on an account, as its entries, changes and notes have it, is what is held on it, and times of notes never fall",
    `select jsonb_build_object('accountId', x.id) as place, x.message, x.expected, x.actual
     from (
       select a.id, 'what was held last is not what is held' as message, a.held_minor::text as expected, coalesce(h.held_minor, 0)::text as actual
       from general_ledger.account a
       left join lateral (
         select x.held_minor
         from (
           (select n.held_minor, n.batch_id, n.place, 2 as rank from general_ledger.hold_change n where n.account_id = a.id
            order by n.changed_at desc, n.batch_id desc, n.place desc limit 1)
           union all
           select e.held_after, p.batch_id, p.place, 1
           from (select n.* from general_ledger.entry n where n.account_id = a.id order by n.account_seq desc limit 1) e
           join general_ledger.payment p on p.id = e.payment_id
           union all
           (select c.stands[6 * l.line_no - 3], c.batch_id, c.place, 0
            from general_ledger.payment_line l
            join general_ledger.payment_change c on c.payment_id = l.payment_id and c.change_no = 1
            where l.debit_account_id = a.id and l.drafted_in = (
              select d.drafted_in from general_ledger.payment_line d
              where d.debit_account_id = a.id and d.drafted_in is not null order by d.drafted_in desc limit 1)
            order by c.place desc limit 1)
         ) x
         order by x.batch_id desc, x.place desc, x.rank desc limit 1
       ) h on true
       where a.held_minor <> coalesce(h.held_minor, 0)
       union all
       select n.account_id, 'a change of holds was noted before the one before it', 'at or after ' || n.before, n.changed_at::text
       from (
         select h.account_id, h.changed_at, lag(h.changed_at) over (partition by h.account_id order by h.batch_id, h.place) as before
         from general_ledger.hold_change h
       ) n
       where n.changed_at < n.before
     ) x`,
  ),
  check(
    "INV-12",
    "what is noted of value dates is the sum of the entries that were valued on another day than they were booked",
    `select jsonb_build_object('accountId', coalesce(e.account_id, v.account_id)) as place,
            format('noted for %s valued on %s', coalesce(e.booked_on, v.booked_on), coalesce(e.value_date, v.value_date)) as message,
            e.amount::text as expected, v.amount_minor::text as actual
     from (
       select n.account_id, (n.booked_at at time zone 'UTC')::date as booked_on, p.value_date, sum(n.amount_minor) as amount
       from general_ledger.entry n
       join general_ledger.payment p on p.id = n.payment_id
       where p.value_date <> (n.booked_at at time zone 'UTC')::date
       group by 1, 2, 3
     ) e
     full join general_ledger.value_shift v on v.account_id = e.account_id and v.booked_on = e.booked_on and v.value_date = e.value_date
     where coalesce(e.amount, 0) <> coalesce(v.amount_minor, 0)`,
  ),
];
