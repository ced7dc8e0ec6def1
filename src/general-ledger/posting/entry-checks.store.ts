// Do payments, their lines and their entries tell the same story?

import { check, type Check } from "#platform/checks.ts";

export const entryChecks: readonly Check[] = [
  check(
    "INV-1",
    "the entries of a payment sum to zero in each currency",
    `select jsonb_build_object('paymentId', e.payment_id, 'currency', coalesce(a.currency, 'unknown')) as place,
            'the entries do not sum to zero' as message, '0' as expected, sum(e.amount_minor)::text as actual
     from general_ledger.entry e
     left join general_ledger.account a on a.id = e.account_id
     group by e.payment_id, a.currency
     having sum(e.amount_minor) <> 0`,
  ),
  check(
    "INV-1",
    "every side of a booked line is exactly one entry, and every entry is the side of such a line",
    `with side as (
       select l.payment_id, l.line_no, case sign when -1 then l.debit_account_id else l.credit_account_id end as account_id,
              case sign when -1 then l.debit_seq else l.credit_seq end as account_seq, sign * coalesce(l.posted_minor, l.amount_minor) as amount_minor
       from general_ledger.payment_line l
       join general_ledger.payment p on p.id = l.payment_id and p.state = 'posted'
       cross join (values (-1), (1)) s(sign)
       where l.posted_minor is distinct from 0
     )
     select jsonb_build_object('paymentId', coalesce(e.payment_id, s.payment_id), 'lineNo', coalesce(e.line_no, s.line_no),
              'accountId', coalesce(e.account_id, s.account_id), 'accountSeq', coalesce(e.account_seq, s.account_seq)) as place,
            case when e.payment_id is null then 'the line has no such entry'
                 when s.payment_id is null then 'no booked line has such an entry'
                 else 'the entry has another amount than its line' end as message,
            s.amount_minor::text as expected, e.amount_minor::text as actual
     from side s
     full join general_ledger.entry e
       on e.account_id = s.account_id and e.account_seq = s.account_seq and e.payment_id = s.payment_id and e.line_no = s.line_no
     where s.amount_minor is distinct from e.amount_minor`,
  ),
  check(
    "INV-1",
    "a line is in the currency of both its accounts",
    `select jsonb_build_object('paymentId', l.payment_id, 'lineNo', l.line_no, 'accountId', a.id) as place,
            'the account is in another currency' as message, l.currency as expected, a.currency as actual
     from general_ledger.payment_line l
     cross join (values (0), (1)) s(side)
     join general_ledger.account a on a.id = case side when 0 then l.debit_account_id else l.credit_account_id end
     where a.currency <> l.currency`,
  ),
  check(
    "INV-2",
    "all entries of a currency sum to zero",
    `select jsonb_build_object('currency', coalesce(a.currency, 'unknown')) as place, 'the books do not sum to zero' as message,
            '0' as expected, sum(e.amount_minor)::text as actual
     from general_ledger.entry e
     left join general_ledger.account a on a.id = e.account_id
     group by a.currency
     having sum(e.amount_minor) <> 0`,
  ),
  check(
    "INV-5",
    "the lines of a posted payment are booked or released, those of any other payment are neither",
    `select jsonb_strip_nulls(jsonb_build_object('paymentId', p.id, 'lineNo', l.line_no)) as place,
            case when l.payment_id is null then 'the payment has no lines'
                 when p.state = 'posted' then 'the line of a posted payment is neither booked nor released'
                 else 'a line is booked and its payment is not' end as message,
            p.state::text as expected,
            format('entries %s and %s, amount %s', coalesce(l.debit_seq::text, '-'), coalesce(l.credit_seq::text, '-'), coalesce(l.posted_minor::text, '-')) as actual
     from general_ledger.payment p
     left join general_ledger.payment_line l on l.payment_id = p.id
     where l.payment_id is null or (l.debit_seq is null) <> (l.credit_seq is null)
        or (p.state = 'posted') <> case when l.drafted_in is null then l.debit_seq is not null else l.posted_minor is not null end
        or (l.drafted_in is not null and (coalesce(l.posted_minor, 0) > 0) <> (l.debit_seq is not null))`,
  ),
  check(
    "INV-5",
    "entries belong to posted payments and carry the time of the posting",
    `select jsonb_build_object('paymentId', e.payment_id, 'accountId', e.account_id, 'accountSeq', e.account_seq) as place,
            case when p.state <> 'posted' then 'the payment is ' || p.state else 'the entry was booked at another time' end as message,
            p.posted_at::text as expected, e.booked_at::text as actual
     from general_ledger.entry e
     join general_ledger.payment p on p.id = e.payment_id
     where p.state <> 'posted' or e.booked_at is distinct from p.posted_at`,
  ),
  check(
    "INV-5",
    "a payment has the times of the states it went through, in their order",
    `select jsonb_build_object('paymentId', p.id) as place, 'the times do not fit the state ' || p.state as message, null as expected,
            format('created %s, pended %s, posted %s, cancelled %s', p.created_at, p.pended_at, p.posted_at, p.cancelled_at) as actual
     from general_ledger.payment p
     where (p.state = 'posted') <> (p.posted_at is not null) or (p.state = 'cancelled') <> (p.cancelled_at is not null)
        or (p.state = 'pending' and p.pended_at is null) or (p.state = 'draft' and p.pended_at is not null)
        or p.pended_at < p.created_at or coalesce(p.posted_at, p.cancelled_at) < coalesce(p.pended_at, p.created_at)`,
  ),
  check(
    "INV-21",
    "amounts are whole minor units from 1 to 10^15",
    `select jsonb_build_object('paymentId', l.payment_id, 'lineNo', l.line_no) as place, 'the amount is out of range' as message,
            '1 to 1000000000000000' as expected, l.amount_minor::text as actual
     from general_ledger.payment_line l
     where l.amount_minor not between 1 and 1000000000000000`,
  ),
  check(
    "INV-23",
    "lines and entries have their payment and their accounts",
    `select jsonb_build_object('paymentId', l.payment_id, 'lineNo', l.line_no) as place, 'a line without its payment' as message,
            l.payment_id::text as expected, null as actual
     from general_ledger.payment_line l
     where not exists (select from general_ledger.payment p where p.id = l.payment_id)
     union all
     select jsonb_build_object('paymentId', l.payment_id, 'lineNo', l.line_no, 'accountId', s.account_id), 'a line without its account',
            s.account_id::text, null
     from general_ledger.payment_line l
     cross join lateral (values (l.debit_account_id), (l.credit_account_id)) s(account_id)
     where not exists (select from general_ledger.account a where a.id = s.account_id)
     union all
     select jsonb_build_object('paymentId', e.payment_id, 'accountId', e.account_id, 'accountSeq', e.account_seq), 'an entry without its payment',
            e.payment_id::text, null
     from general_ledger.entry e
     where not exists (select from general_ledger.payment p where p.id = e.payment_id)
     union all
     select jsonb_build_object('paymentId', e.payment_id, 'accountId', e.account_id, 'accountSeq', e.account_seq), 'an entry without its account',
            e.account_id::text, null
     from general_ledger.entry e
     where not exists (select from general_ledger.account a where a.id = e.account_id)`,
  ),
  check(
    "INV-23",
    "a payment is that of a client whose account it moves, the one whom it debits or credits first unless another is named",
    `with other as materialized (
       select p.id, p.client_id, coalesce(d.client_id, c.client_id) as first_client_id
       from general_ledger.payment p
       join general_ledger.payment_line l on l.payment_id = p.id and l.line_no = 1
       join general_ledger.account d on d.id = l.debit_account_id
       join general_ledger.account c on c.id = l.credit_account_id
       where p.client_id is distinct from coalesce(d.client_id, c.client_id)
     )
     select jsonb_build_object('paymentId', o.id) as place, 'the payment is not its accounts'' client''s' as message,
            o.first_client_id::text as expected, o.client_id::text as actual
     from other o
     where not exists (
       select from general_ledger.payment_line l
       left join general_ledger.account d on d.id = l.debit_account_id
       left join general_ledger.account c on c.id = l.credit_account_id
       where l.payment_id = o.id and o.client_id in (d.client_id, c.client_id)
     )`,
  ),
];
