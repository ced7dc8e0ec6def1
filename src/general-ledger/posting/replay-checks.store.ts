// The whole history of every account once more: do the figures that entries and changes keep come out of it?

import { check, type Check } from "#platform/checks.ts";

// Held on the debited account of each line, where it is on the credit side, and given back whatever then becomes of the payment.
const HOLDS = `
  select l.debit_account_id as account_id, h.payment_id, h.batch_id, h.place, l.line_no,
         case h.change when 'payment.pending' then l.amount_minor else -l.amount_minor end as held
  from general_ledger.payment_change h
  join general_ledger.payment_change pended on pended.payment_id = h.payment_id and pended.change = 'payment.pending' and pended.change_no <= h.change_no
  join general_ledger.payment_line l on l.payment_id = h.payment_id
  join general_ledger.account a on a.id = l.debit_account_id and a.credit_normal`;

// What moved, what was held, and the figures that are kept of it: by entries, by changes of payments and by notes of holds, the latter two
// as they were after the last line.
const EVENTS = `
  select e.account_id, e.payment_id, p.batch_id, p.place, e.line_no, e.amount_minor as amount, 0::bigint as held,
         e.account_seq as number, e.balance_after as balance, e.held_after as held_then
  from general_ledger.entry e
  left join general_ledger.payment p on p.id = e.payment_id
  union all
  select h.account_id, h.payment_id, h.batch_id, h.place, h.line_no, null, h.held, null, null, null
  from (${HOLDS}) h
  union all
  select s.account_id, h.payment_id, h.batch_id, h.place, 99, null, 0, s.number, s.balance, s.held
  from general_ledger.payment_change h
  join general_ledger.payment_line l on l.payment_id = h.payment_id
  cross join lateral (values
    (l.debit_account_id, h.stands[6 * l.line_no - 5], h.stands[6 * l.line_no - 4], h.stands[6 * l.line_no - 3]),
    (l.credit_account_id, h.stands[6 * l.line_no - 2], h.stands[6 * l.line_no - 1], h.stands[6 * l.line_no])) s(account_id, number, balance, held)
  union all
  select n.account_id, null, n.batch_id, n.place, 99, null, 0, null, null, n.held_minor
  from general_ledger.hold_change n`;

export const replayChecks: readonly Check[] = [
  // One wrong figure makes all later ones of the account wrong: only the first is told.
  check(
    "INV-6",
    "replayed in the order of the journal, an account comes to every number, balance and hold that was kept",
    `select jsonb_strip_nulls(jsonb_build_object('accountId', x.account_id, 'paymentId', x.payment_id, 'accountSeq', x.number)) as place,
            case when x.sequence < x.sequence_before then 'batches and sequence are in another order'
                 else 'number, balance and holds are not what the history gives' end as message,
            case when x.sequence < x.sequence_before then 'after ' || x.sequence_before else concat_ws(' ', x.numbers, x.balances, x.holds) end as expected,
            case when x.sequence < x.sequence_before then x.sequence::text else concat_ws(' ', x.number, x.balance, x.held_then) end as actual
     from (
       select distinct on (r.account_id) r.*
       from (
         select e.*, j.first_sequence as sequence, lag(j.first_sequence) over w as sequence_before,
                count(e.amount) over w as numbers, coalesce(sum(e.amount) over w, 0) as balances, sum(e.held) over w as holds
         from (${EVENTS}) e
         left join general_ledger.journal j on j.batch_id = e.batch_id
         window w as (partition by e.account_id order by e.batch_id, e.place, e.line_no)
       ) r
       where r.sequence < r.sequence_before
          or r.numbers <> r.number or r.balances <> r.balance or r.holds <> r.held_then
       order by r.account_id, r.batch_id, r.place, r.line_no
     ) x`,
  ),
  check(
    "INV-4",
    "every change of what is held on an account was noted, and no other",
    `select jsonb_build_object('accountId', coalesce(h.account_id, n.account_id), 'batch', coalesce(h.batch_id, n.batch_id)) as place,
            case when n.account_id is null then 'a change of holds was not noted' else 'nothing was held or given back there' end as message,
            case when h.account_id is not null then 'place ' || h.place end as expected, case when n.account_id is not null then 'place ' || n.place end as actual
     from (select distinct h.account_id, h.batch_id, h.place from (${HOLDS}) h) h
     full join general_ledger.hold_change n on n.account_id = h.account_id and n.batch_id = h.batch_id and n.place = h.place
     where h.account_id is null or n.account_id is null`,
  ),
];
