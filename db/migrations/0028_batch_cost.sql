-- Entries are proved by sets: each account and each payment of a batch is looked up once, and not for each entry. What is refused is what
-- 0003 refused.

create or replace function general_ledger.check_entries() returns trigger
language plpgsql
as $$
declare
  named constant uuid[] := array(select distinct e.account_id from added e);
  ids uuid[];
  currencies text[];
  payments uuid[]; -- one that is in several currencies more than once
  culprit uuid;
begin
  -- Every payment sums to zero in each currency; nearly always there is one. An account that is none has no currency.
  select array_agg(a.id), array_agg(a.currency) into ids, currencies
  from (select x.id, x.currency from general_ledger.account x where x.id = any(named) order by x.id) a;
  if currencies[1] = all(currencies) then
    select array_agg(s.payment_id), (array_agg(s.payment_id) filter (where s.total <> 0))[1] into payments, culprit
    from (select e.payment_id, sum(e.amount_minor) as total from added e group by e.payment_id) s;
  else
    select array_agg(s.payment_id), (array_agg(s.payment_id) filter (where s.total <> 0))[1] into payments, culprit
    from (
      select e.payment_id, sum(e.amount_minor) as total
      from added e
      group by e.payment_id, currencies[width_bucket(e.account_id, (select ids))]
    ) s;
  end if;
  if cardinality(ids) is distinct from cardinality(named) then
    select e.payment_id into culprit from added e where e.account_id <> all(ids) or ids is null limit 1;
  end if;
  if culprit is not null then
    raise exception 'the entries of payment % do not sum to zero', culprit using errcode = 'check_violation';
  end if;

  -- Each is being posted: by a batch that is not in the journal yet. (One probe of the journal for each batch, and not an EXISTS under
  -- an OR: that was planned as a scan of the whole journal.)
  select b.payment_id into culprit
  from (
    select p.batch_id, bool_and(p.state is not distinct from 'posted') as is_posted, (array_agg(u.id))[1] as payment_id
    from unnest(payments) u(id)
    left join lateral (select p.batch_id, p.state from general_ledger.payment p where p.id = u.id limit 1) p on true
    group by p.batch_id
  ) b
  left join lateral (select true as is_written from general_ledger.journal j where j.batch_id = b.batch_id limit 1) j on true
  where not b.is_posted or j.is_written
  limit 1;
  if found then
    raise exception 'payment % is not being posted', culprit using errcode = 'check_violation';
  end if;
  return null;
end
$$;

-- An account's currency is final: its form is looked at until the first posting, and not at each.
alter table general_ledger.account
  drop constraint account_currency_is_a_code,
  add constraint account_currency_is_a_code check (last_seq > 0 or currency ~ '^[A-Z]{3}$');

-- Names of a batch's payments are chance and cannot be compressed: the journal does not try.
alter table general_ledger.journal alter column subjects set storage external;
