// Does what stands beside a payment say the same as the payment: reversals, what is to expire, metadata to search by, keys?

import { check, type Check } from "#platform/checks.ts";

// Both sides with the number of equal lines, so that a line that stands twice is one too many.
const REVERSED_LINES = `
  select jsonb_build_object('paymentId', coalesce(o.id, u.id)) as place, 'the reversal does not exchange the sides of what was booked' as message,
         coalesce(o.count, 0) || ' × ' || coalesce(o.line, u.line) as expected, coalesce(u.count, 0) || ' × ' || coalesce(o.line, u.line) as actual
  from (
    select r.reversing_payment_id as id, concat_ws(' ', l.credit_account_id, l.debit_account_id, coalesce(l.posted_minor, l.amount_minor), l.currency) as line,
           count(*) as count
    from general_ledger.reversal r
    join general_ledger.payment_line l on l.payment_id = r.reversed_payment_id
    where l.posted_minor is distinct from 0
    group by 1, 2
  ) o
  full join (
    select r.reversing_payment_id as id, concat_ws(' ', l.debit_account_id, l.credit_account_id, l.amount_minor, l.currency) as line, count(*) as count
    from general_ledger.reversal r
    join general_ledger.payment_line l on l.payment_id = r.reversing_payment_id
    group by 1, 2
  ) u on u.id = o.id and u.line = o.line
  where o.count is distinct from u.count`;

export const paymentChecks: readonly Check[] = [
  check(
    "INV-12",
    "a payment that reverses another one is known as its reversal until it is cancelled",
    `select jsonb_build_object('paymentId', coalesce(p.id, r.reversing_payment_id)) as place,
            case when p.id is null then 'the reversing payment is not there' when r.reversing_payment_id is null then 'the reversal is not known'
                 else 'the reversal says otherwise than its payment' end as message,
            case when p.id is not null then concat_ws(' ', p.reverses_payment_id, case when p.state = 'cancelled' then 'withdrawn' end) end as expected,
            case when r.reversing_payment_id is not null then concat_ws(' ', r.reversed_payment_id, case when r.withdrawn then 'withdrawn' end) end as actual
     from general_ledger.reversal r
     full join (
       select p.id, p.state, p.reverses_payment_id from general_ledger.payment p
       where p.reverses_payment_id is not null or exists (select from general_ledger.reversal r where r.reversing_payment_id = p.id)
     ) p on p.id = r.reversing_payment_id
     where (p.reverses_payment_id, p.state = 'cancelled') is distinct from (r.reversed_payment_id, r.withdrawn)`,
  ),
  check(
    "INV-12",
    "only a posted payment that is no reversal is reversed, and only once",
    `select jsonb_build_object('paymentId', r.reversing_payment_id, 'reversedPaymentId', r.reversed_payment_id) as place,
            case when p.id is null then 'the reversed payment is not there' else 'the reversed payment cannot be reversed' end as message,
            'posted, no reversal' as expected, concat_ws(' ', p.state, p.type) as actual
     from general_ledger.reversal r
     left join general_ledger.payment p on p.id = r.reversed_payment_id
     where (p.state = 'posted' and p.type <> 'reversal') is not true
     union all
     select jsonb_build_object('reversedPaymentId', r.reversed_payment_id), 'the payment is reversed more than once', '1', count(*)::text
     from general_ledger.reversal r
     where not r.withdrawn
     group by r.reversed_payment_id
     having count(*) > 1`,
  ),
  check("INV-12", "a reversal books what it reverses with the sides exchanged", REVERSED_LINES),
  check(
    "INV-12",
    "what is to expire is known, and is the payment's own time",
    `select jsonb_build_object('paymentId', coalesce(p.id, x.payment_id)) as place,
            case when p.id is null then 'what is to expire is not there' when x.payment_id is null then 'nobody will cancel the payment'
                 else 'the payment expires at another time' end as message, p.expires_at::text as expected, x.expires_at::text as actual
     from general_ledger.payment_expiry x
     full join (
       select p.id, p.expires_at, p.state in ('draft', 'pending') as is_open from general_ledger.payment p where p.expires_at is not null
     ) p on p.id = x.payment_id
     where case when x.payment_id is null then p.is_open else p.expires_at is distinct from x.expires_at end`,
  ),
  check(
    "INV-12",
    "a value date was moved only to a later day",
    `select jsonb_build_object('paymentId', p.id) as place, 'the value date is not after the one that was asked for' as message,
            'after ' || p.asked_value_date as expected, p.value_date::text as actual
     from general_ledger.payment p
     where p.asked_value_date >= p.value_date`,
  ),
  check(
    "INV-23",
    "a payment is found by its metadata, and by no other",
    `select jsonb_build_object('paymentId', coalesce(p.id, m.payment_id), 'name', coalesce(p.name, m.name)) as place,
            case when m.payment_id is null then 'the payment is not found by what it says' else 'the payment does not say so' end as message,
            p.value as expected, m.value as actual
     from (
       select p.id, e.key as name, e.value
       from general_ledger.payment p
       cross join lateral jsonb_each_text(case jsonb_typeof(p.metadata) when 'object' then p.metadata else '{}' end) e
     ) p
     full join general_ledger.payment_metadata m on m.payment_id = p.id and m.name = p.name and m.value = p.value
     where p.id is null or m.payment_id is null`,
  ),
  check(
    "INV-23",
    "payments that wait, and lines that were released, are found by lists, and no others",
    `select jsonb_build_object('paymentId', coalesce(p.id, o.payment_id)) as place,
            case when o.payment_id is null then 'the payment waits, and is not found among those that do'
                 else 'the payment is found among those that wait' end as message, coalesce(p.state::text, 'draft or pending') as expected, null as actual
     from (select p.id, p.state from general_ledger.payment p where p.state in ('draft', 'pending')) p
     full join general_ledger.open_payment o on o.payment_id = p.id
     where p.id is null or o.payment_id is null
     union all
     select jsonb_build_object('paymentId', coalesce(l.payment_id, r.payment_id), 'lineNo', coalesce(l.line_no, r.line_no)),
            case when r.payment_id is null then 'the released line is not found by its account' else 'the line of the account was not released' end,
            l.account_id::text, r.account_id::text
     from (
       select l.payment_id, l.line_no, case side when 0 then l.debit_account_id else l.credit_account_id end as account_id
       from general_ledger.payment_line l cross join (values (0), (1)) s(side) where l.posted_minor = 0
     ) l
     full join general_ledger.released_line r on r.payment_id = l.payment_id and r.line_no = l.line_no and r.account_id = l.account_id
     where l.payment_id is null or r.payment_id is null`,
  ),
  check(
    "INV-8",
    "an idempotency key that names a payment names one that is there, and a change that it has",
    `select jsonb_build_object('key', k.id, 'paymentId', k.payment_id) as place,
            case when p.id is null then 'the key points nowhere' else 'the payment has no such change' end as message,
            coalesce('1 to ' || p.change_no, k.payment_id::text) as expected, case when p.id is not null then k.payment_change::text end as actual
     from platform.idempotency_key k
     left join general_ledger.payment p on p.id = k.payment_id
     where k.payment_id is not null and (p.id is null or k.payment_change not between 1 and p.change_no)`,
  ),
];
