// The whole history of every account once more: do the figures that entries and changes keep come out of it?

import { check, type Check } from "#platform/checks.ts";

// Changes of payments, and whether they hold (1), give back (-1) or neither. What a posting gives back goes line by line.
const CHANGES = `
  select h.payment_id, h.change_no, h.change, h.batch_id, h.place, h.stands,
         case when h.change = 'payment.pending' then 1 when h.change = 'payment.posted' or pended.payment_id is not null then -1 else 0 end as direction
  from general_ledger.payment_change h
  left join (select c.payment_id from general_ledger.payment_change c where c.change = 'payment.pending') pended
    on pended.payment_id = h.payment_id and h.change = 'payment.cancelled'`;

// What moved, what was held on the debited account where it is on the credit side, and the figures that are kept of both: an entry keeps
// those of its line, a change those of its end (line 99). All of it is sorted, so rows are few and narrow: entries carry what their lines
// give back, and changes that are no postings what they hold or give back.
const EVENTS = `
  select e.account_id, p.batch_id, p.place, e.line_no, e.amount_minor as amount,
         case when l.drafted_in is not null and e.amount_minor < 0 and a.credit_normal then -l.amount_minor else 0 end as held,
         e.account_seq as number, e.balance_after as balance, e.held_after as held_then
  from general_ledger.entry e
  left join general_ledger.account a on a.id = e.account_id
  left join general_ledger.payment p on p.id = e.payment_id
  left join general_ledger.payment_line l on l.payment_id = e.payment_id and l.line_no = e.line_no
  union all
  select l.debit_account_id, h.batch_id, h.place, l.line_no, null, -l.amount_minor, null, null, null
  from general_ledger.payment_change h
  join general_ledger.payment_line l on l.payment_id = h.payment_id and l.debit_seq is null
  join general_ledger.account a on a.id = l.debit_account_id and a.credit_normal
  where h.change = 'payment.posted'
  union all
  select case side when 0 then l.debit_account_id else l.credit_account_id end, h.batch_id, h.place, 99, null,
         case when side = 0 and h.change <> 'payment.posted' and a.credit_normal then h.direction * l.amount_minor else 0 end,
         h.stands[6 * l.line_no - 5 + 3 * side], h.stands[6 * l.line_no - 4 + 3 * side], h.stands[6 * l.line_no - 3 + 3 * side]
  from (${CHANGES}) h
  join general_ledger.payment_line l on l.payment_id = h.payment_id
  left join general_ledger.account a on a.id = l.debit_account_id
  cross join (values (0), (1)) s(side)`;

export const replayChecks: readonly Check[] = [
  // One wrong figure makes all later ones of the account wrong: only the first is told.
  check(
    "INV-6",
    "replayed in the order of the journal, an account comes to every number, balance and hold that was kept",
    `select jsonb_strip_nulls(jsonb_build_object('accountId', x.account_id, 'accountSeq', x.number,
              'paymentId', (select j.subjects[x.place + 1] from general_ledger.journal j where j.batch_id = x.batch_id))) as place,
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
       where r.sequence < r.sequence_before or r.numbers <> r.number or r.balances <> r.balance or r.holds <> r.held_then
       order by r.account_id, r.batch_id, r.place, r.line_no
     ) x`,
  ),
  // Where a payment was created its change says what is held, and where a line is booked its entry: the log may say it again, and did in
  // earlier releases.
  check(
    "INV-4",
    "every change of what is held on an account that no creation and no entry tells was noted as its payment keeps it, and no other",
    `select jsonb_build_object('accountId', coalesce(h.account_id, n.account_id), 'batch', coalesce(h.batch_id, n.batch_id)) as place,
            case when n.account_id is null then 'a change of holds was not noted' when h.account_id is null then 'nothing was held or given back there'
                 else 'what was held was noted otherwise' end as message,
            h.held_then::text as expected, n.held_minor::text as actual
     from (
       select l.debit_account_id as account_id, h.batch_id, h.place, h.stands[6 * l.line_no - 3] as held_then,
              bool_or(h.change_no > 1 and (h.change <> 'payment.posted' or l.posted_minor = 0)) as is_to_be_noted
       from (${CHANGES}) h
       join general_ledger.payment_line l on l.payment_id = h.payment_id
       join general_ledger.account a on a.id = l.debit_account_id and a.credit_normal
       where h.direction <> 0
       group by 1, 2, 3, 4
     ) h
     full join general_ledger.hold_change n on n.account_id = h.account_id and n.batch_id = h.batch_id and n.place = h.place
     where case when n.account_id is null then h.is_to_be_noted else h.held_then is distinct from n.held_minor or h.account_id is null end`,
  ),
];
