-- What a batch costs, beside the function itself (docs/decisions/0018).

-- Entries are proved by sets: each account and each payment of a batch is looked up once, and not for each entry. What is refused is what
-- 0003 refused.

create or replace function general_ledger.check_entries() returns trigger
language plpgsql
as $$
declare
  named constant uuid[] := array(select distinct e.account_id from added e);
  ids uuid[];
  currencies text[];
  payments uuid[];
  known bigint; are_posted boolean; batch bigint; last_batch bigint;
  culprit uuid;
begin
  -- Every payment sums to zero in each currency; nearly always there is one. An account that is none has no currency.
  select array_agg(a.id), array_agg(a.currency) into ids, currencies
  from (select x.id, x.currency from general_ledger.account x where x.id = any(named) order by x.id) a;
  if currencies[1] = all(currencies) then
    select array_agg(s.payment_id), (array_agg(s.payment_id) filter (where s.total <> 0))[1] into payments, culprit
    from (select e.payment_id, sum(e.amount_minor) as total from added e group by e.payment_id) s;
  else
    select array_agg(distinct s.payment_id), (array_agg(s.payment_id) filter (where s.total <> 0))[1] into payments, culprit
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

  -- Each is being posted, by one batch that is not in the journal yet.
  select count(*), bool_and(p.state = 'posted'), min(p.batch_id), max(p.batch_id) into known, are_posted, batch, last_batch
  from general_ledger.payment p where p.id = any(payments);
  if known <> cardinality(payments) or not are_posted or batch <> last_batch then
    select u.id into culprit
    from unnest(payments) u(id) left join general_ledger.payment p on p.id = u.id
    where p.state is distinct from 'posted' or p.batch_id <> last_batch
    limit 1;
  elsif exists (select from general_ledger.journal j where j.batch_id = batch) then
    culprit := payments[1];
  end if;
  if culprit is not null then
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
