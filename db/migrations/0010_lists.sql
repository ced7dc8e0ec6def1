-- Lists of transactions and payments: what stands where, and the way to any place in them. One-step payments pay nothing for any of it.
--
-- A place in a list is a sequence: a booked line stands at the change that booked it, any other at the change that created its payment.
-- Going on with a list that began at head H, a line booked after H still stands where it stood then, so that none is met twice or missed.

-- Two-phase lines by account, booked or not: a line booked after a list began is found where it was drafted.
create index payment_line_drafted_by_debit on general_ledger.payment_line (debit_account_id, drafted_in, payment_id) where drafted_in is not null;
create index payment_line_drafted_by_credit on general_ledger.payment_line (credit_account_id, drafted_in, payment_id) where drafted_in is not null;

-- Lines that a partial capture released whole.
create index payment_line_released_by_debit on general_ledger.payment_line (debit_account_id, payment_id) where posted_minor = 0;
create index payment_line_released_by_credit on general_ledger.payment_line (credit_account_id, payment_id) where posted_minor = 0;

-- Payments that wait for somebody.
create index payment_open on general_ledger.payment (state, id) where state in ('draft', 'pending');

-- Payments that were there before 0006 are found by their metadata, too.
insert into general_ledger.payment_metadata (name, value, payment_id)
select e.key, e.value, p.id
from general_ledger.payment p
cross join lateral jsonb_each_text(p.metadata) e
where jsonb_typeof(p.metadata) = 'object'
on conflict do nothing;

-- One side of a line of a payment that is no draft, with all that lists say of it and look for. What few queries ask for is a subquery of
-- its own, and so read by those alone: a view of many joins would be planned by itself, whatever it is joined with.
create view general_ledger.movement with (security_invoker = true) as
  select l.payment_id, l.line_no, s.side, 2 * l.line_no + s.side as slot,
         case s.side when 0 then l.debit_account_id else l.credit_account_id end as account_id,
         case s.side when 0 then l.credit_account_id else l.debit_account_id end as counter_account_id,
         case s.side when 0 then l.debit_seq else l.credit_seq end as account_seq,
         l.debit_seq is not null as is_booked, l.drafted_in is null as is_one_step,
         j.first_sequence + p.place as sequence,
         case when l.drafted_in is null then j.first_sequence + p.place else (
           select cj.first_sequence + c.place
           from general_ledger.payment_change c join general_ledger.journal cj on cj.batch_id = c.batch_id
           where c.payment_id = l.payment_id and c.change_no = 1) end as created_sequence,
         case when l.debit_seq is not null then 'posted' when p.state = 'pending' then 'pending' else 'cancelled' end as state,
         l.type, l.currency, case when l.debit_seq is null then l.amount_minor else coalesce(l.posted_minor, l.amount_minor) end as amount_minor,
         coalesce(l.description, p.description) as description, p.reference, p.metadata, p.value_date, p.created_at,
         case when l.debit_seq is not null then p.posted_at end as posted_at,
         case when l.debit_seq is not null then p.posted_at else p.created_at end as dated_at,
         (select a.tenant from general_ledger.account a
          where a.id = case s.side when 0 then l.debit_account_id else l.credit_account_id end) as tenant,
         (select a.credit_normal from general_ledger.account a
          where a.id = case s.side when 0 then l.debit_account_id else l.credit_account_id end) as credit_normal,
         (select e.balance_after from general_ledger.entry e
          where e.account_id = case s.side when 0 then l.debit_account_id else l.credit_account_id end
            and e.account_seq = case s.side when 0 then l.debit_seq else l.credit_seq end) as balance_after
  from general_ledger.payment_line l
  join general_ledger.payment p on p.id = l.payment_id
  join general_ledger.journal j on j.batch_id = p.batch_id
  cross join (values (0), (1)) s(side)
  where p.state <> 'draft';

-- A payment as lists look for it.
create view general_ledger.listed_payment with (security_invoker = true) as
  select p.id as payment_id, 0 as slot, p.state = 'posted' as is_booked, p.change_no = 1 and p.state = 'posted' as is_one_step,
         j.first_sequence + p.place as sequence,
         case when p.change_no = 1 then j.first_sequence + p.place else (
           select cj.first_sequence + c.place
           from general_ledger.payment_change c join general_ledger.journal cj on cj.batch_id = c.batch_id
           where c.payment_id = p.id and c.change_no = 1) end as created_sequence,
         p.state::text as state, p.type, p.metadata, p.client_id, p.external_id, p.owner_tenant, p.tenant,
         coalesce(p.posted_at, p.created_at) as dated_at
  from general_ledger.payment p
  join general_ledger.journal j on j.batch_id = p.batch_id;

grant select on general_ledger.movement, general_ledger.listed_payment to finlego_app;

-- How many changes were committed before the instant: a binary search along the journal, where time never falls.
create function general_ledger.count_changes_before(p_before timestamptz) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  low bigint := 0;      -- change `low` is known to be before (0: none is)
  high bigint;          -- change `high` is known not to be before
  middle bigint;
  batch record;
begin
  select h.last_sequence + 1 into high from general_ledger.ledger_head h where h.id = 1;
  while high - low > 1 loop
    middle := (low + high) / 2;
    select j.first_sequence, j.size, j.committed_at into batch
    from general_ledger.journal j where j.first_sequence <= middle order by j.first_sequence desc limit 1;
    if batch.committed_at < p_before then
      low := batch.first_sequence + batch.size - 1;
    else
      high := batch.first_sequence;
    end if;
  end loop;
  return low;
end
$$;

-- The last change of a payment that is dated before the instant, or a later one. A batch takes its time before it is numbered: so the
-- rows that were committed soon after are looked at, too. Soon: a statement ends after five seconds. None beyond `p_limit` is asked for.
create function general_ledger.last_change_dated_before(p_before timestamptz, p_limit bigint) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  sure bigint := general_ledger.count_changes_before(p_before);
  possible bigint;
begin
  if sure >= p_limit then
    return sure;
  end if;
  possible := general_ledger.count_changes_before(p_before + interval '6 seconds');
  return greatest(sure, (
    select max(j.first_sequence + j.size - 1)
    from general_ledger.journal j
    cross join lateral (
      select case j.changes[1] when 'payment.posted' then p.posted_at when 'payment.drafted' then p.created_at
               when 'payment.pending' then p.pended_at when 'payment.cancelled' then p.cancelled_at end as at
      from general_ledger.payment p where p.id = j.subjects[1] limit 1) p
    where j.first_sequence > sure and j.first_sequence <= possible and p.at < p_before));
end
$$;

-- How many entries of an account stand at that sequence or before it.
create function general_ledger.count_entries_through(p_account uuid, p_sequence bigint) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  low bigint := 0;      -- entry `low` is known to stand there (0: none does)
  high bigint;          -- entry `high` is known to stand behind
  middle bigint;
  sequence bigint;
begin
  select e.account_seq + 1 into high from general_ledger.entry e where e.account_id = p_account order by e.account_seq desc limit 1;
  -- The newest first: lists mostly begin there.
  middle := high - 1;
  while high - low > 1 loop
    select j.first_sequence + p.place into sequence
    from general_ledger.entry e
    join general_ledger.payment p on p.id = e.payment_id
    join general_ledger.journal j on j.batch_id = p.batch_id
    where e.account_id = p_account and e.account_seq = middle;
    if sequence <= p_sequence then
      low := middle;
    else
      high := middle;
    end if;
    middle := (low + high) / 2;
  end loop;
  return low;
end
$$;

-- The last batch not behind that sequence in which lines of the account were drafted; 0: none. Along one account batches rise with the
-- sequence, so a binary search over their numbers finds it.
create function general_ledger.last_draft_through(p_account uuid, p_sequence bigint) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  low bigint := 0;      -- the account's last batch up to `low` is not behind
  high bigint;          -- batch `high` is behind
  middle bigint;
  batch bigint;
  found_batch bigint := 0;
begin
  middle := 9223372036854775807;
  high := middle;
  loop
    select greatest(
      (select l.drafted_in from general_ledger.payment_line l
       where l.debit_account_id = p_account and l.drafted_in <= middle and l.drafted_in > low order by l.drafted_in desc limit 1),
      (select l.drafted_in from general_ledger.payment_line l
       where l.credit_account_id = p_account and l.drafted_in <= middle and l.drafted_in > low order by l.drafted_in desc limit 1)) into batch;
    if batch is null then
      low := middle;
    elsif (select j.first_sequence from general_ledger.journal j where j.batch_id = batch) <= p_sequence then
      found_batch := batch;
      low := middle;
    else
      high := batch;
    end if;
    exit when high - low <= 1;
    middle := low + (high - low) / 2;
  end loop;
  return found_batch;
end
$$;

revoke all on function general_ledger.count_changes_before, general_ledger.last_change_dated_before,
  general_ledger.count_entries_through, general_ledger.last_draft_through from public;
grant execute on function general_ledger.count_changes_before, general_ledger.last_change_dated_before,
  general_ledger.count_entries_through, general_ledger.last_draft_through to finlego_app;
