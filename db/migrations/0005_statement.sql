-- Reading an account's history.

-- Entries of an account that were booked before an instant; null: all. Along an account time never falls, so a binary search over
-- the primary key answers in about twenty probes and no index on time is needed.
create function general_ledger.count_entries_before(p_account uuid, p_before timestamptz) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  low bigint := 0;      -- entry `low` is known to be before (0: none is)
  high bigint;          -- entry `high` is known not to be before
  middle bigint;
  booked timestamptz;
begin
  select e.account_seq + 1 into high from general_ledger.entry e where e.account_id = p_account order by e.account_seq desc limit 1;
  if not found then
    return 0;
  end if;
  if p_before is null then
    return high - 1;
  end if;
  while high - low > 1 loop
    middle := (low + high) / 2;
    select e.booked_at into booked from general_ledger.entry e where e.account_id = p_account and e.account_seq = middle;
    if booked < p_before then
      low := middle;
    else
      high := middle;
    end if;
  end loop;
  return low;
end
$$;
revoke all on function general_ledger.count_entries_before from public;
grant execute on function general_ledger.count_entries_before to finlego_app;

-- An entry with what its payment says of it, named as the program reads it.
create view general_ledger.statement with (security_invoker = true) as
  select e.account_id as "accountId", e.account_seq as "accountSeq", e.payment_id as "paymentId", e.line_no as "lineNo",
         case when e.amount_minor < 0 then l.credit_account_id else l.debit_account_id end as "counterAccountId",
         e.amount_minor as "amountMinor", e.balance_after as "balanceAfter", l.currency, a.credit_normal as "creditNormal",
         l.type, coalesce(l.description, p.description) as description, p.reference, p.metadata, p.value_date as "valueDate",
         e.booked_at as "bookedAt", j.first_sequence + p.place as sequence
  from general_ledger.entry e
  join general_ledger.payment p on p.id = e.payment_id
  join general_ledger.payment_line l on l.payment_id = e.payment_id and l.line_no = e.line_no
  join general_ledger.account a on a.id = e.account_id
  join general_ledger.journal j on j.batch_id = p.batch_id;
grant select on general_ledger.statement to finlego_app;
