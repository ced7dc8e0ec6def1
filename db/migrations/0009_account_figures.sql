-- Finding accounts, and their figures at any instant. All of it stands beside the hot account row, which gets neither a column nor an
-- index: a payment costs what it did.

-- 1. Finding.

-- (Triggers read tables by key, and their plans are kept: one that was made for an empty table must do for a full one.)

-- What the account says and searches ask for, repeated here, where rows rarely change: all but the status are final.
alter table general_ledger.account_profile
  add column tenant text,
  add column client_id uuid,
  add column currency text,
  add column status general_ledger.account_status,
  -- All that a person may look for. The separator keeps a piece of text from reaching over two of them.
  add column search_text text not null generated always as (
    lower(number || U&'\001F' || coalesce(iban, '') || U&'\001F' || name || U&'\001F' || coalesce(external_id, ''))) stored;
update general_ledger.account_profile p
set tenant = a.tenant, client_id = a.client_id, currency = a.currency, status = a.status
from general_ledger.account a where a.id = p.account_id;
alter table general_ledger.account_profile
  alter column tenant set not null,
  alter column currency set not null,
  alter column status set not null;

-- Which kinds of accounts there ever were: few, so that a list in order of time is merged from one range of an index for each kind,
-- however rare the wanted kinds are among all accounts.
create table general_ledger.account_kind (
  tenant text not null,
  currency text not null,
  type general_ledger.account_type not null,
  status general_ledger.account_status not null,
  primary key (tenant, currency, type, status)
);
insert into general_ledger.account_kind (tenant, currency, type, status)
select distinct p.tenant, p.currency, p.type, p.status from general_ledger.account_profile p;
grant select on general_ledger.account_kind to finlego_app;
create trigger account_kind_is_kept before update or delete or truncate on general_ledger.account_kind
  for each statement execute function platform.refuse_change();

-- A profile says of its account what the account says.
create function general_ledger.repeat_account() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  select a.tenant, a.client_id, a.currency, a.status into new.tenant, new.client_id, new.currency, new.status
  from general_ledger.account a where a.id = new.account_id;
  if found and not exists (
    select from general_ledger.account_kind k
    where k.tenant = new.tenant and k.currency = new.currency and k.type = new.type and k.status = new.status
  ) then
    insert into general_ledger.account_kind (tenant, currency, type, status) values (new.tenant, new.currency, new.type, new.status)
    on conflict do nothing;
  end if;
  return new;
end
$$;
create trigger account_profile_repeats_its_account before insert or update of tenant, client_id, currency, status, type on general_ledger.account_profile
  for each row execute function general_ledger.repeat_account();

create function general_ledger.tell_profile() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  update general_ledger.account_profile p set status = new.status where p.account_id = new.id;
  return null;
end
$$;
create trigger account_status_is_told_to_its_profile after update of status on general_ledger.account
  for each row when (old.status is distinct from new.status) execute function general_ledger.tell_profile();
revoke all on function general_ledger.repeat_account from public;
revoke all on function general_ledger.tell_profile from public;

-- Every piece of three characters, each once: a text that contains another one contains its pieces. (No extension is needed for this,
-- which not every server has.)
create function general_ledger.pieces(p_text text) returns text[]
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct substr(p_text, i, 3)), '{}') from generate_series(1, length(p_text) - 2) i
$$;
create index account_profile_by_piece on general_ledger.account_profile using gin (general_ledger.pieces(search_text)) with (fastupdate = off);

create index account_profile_by_time on general_ledger.account_profile (created_at, account_id);
create index account_profile_by_tenant on general_ledger.account_profile (tenant, created_at, account_id);
create index account_profile_by_kind on general_ledger.account_profile (currency, type, status, created_at, account_id);
create index account_profile_by_tenant_and_kind on general_ledger.account_profile (tenant, currency, type, status, created_at, account_id);
create index account_profile_by_client on general_ledger.account_profile (client_id, created_at, account_id) where client_id is not null;
-- The bank's own accounts: few among those of clients.
create index account_profile_of_the_bank on general_ledger.account_profile (account_id) where client_id is null;

-- 2. Figures at an instant. The balance is that of the last entry before it, found by binary search. What was held, and what counts by
-- value date, stands in two small logs; payments of one step that are valued on their day write to neither.

-- What was held on an account after each change of it. Along an account time never falls.
create table general_ledger.hold_change (
  account_id uuid not null,
  changed_at timestamptz not null,
  batch_id bigint not null,
  place integer not null,
  held_minor bigint not null,
  primary key (account_id, changed_at, batch_id, place),
  constraint hold_change_is_not_negative check (held_minor >= 0)
);
grant select on general_ledger.hold_change to finlego_app;
create trigger hold_change_is_immutable before update or delete or truncate on general_ledger.hold_change
  for each statement execute function platform.refuse_change();

-- Changes of payments tell how they left their accounts: the third of the six figures of a line is what is held on the debited one. Noted
-- is what differs from what stood there, be it of an earlier batch or of an earlier place in this one.
create function general_ledger.note_holds() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
  insert into general_ledger.hold_change (account_id, changed_at, batch_id, place, held_minor)
  select n.account, greatest(n.changed_at, n.before_at), n.batch_id, n.place, n.held
  from (
    select h.account, h.changed_at, h.batch_id, h.place, h.held, before.changed_at as before_at,
           lag(h.held, 1, coalesce(before.held_minor, 0)) over (partition by h.account order by h.batch_id, h.place) as held_before
    from (
      select distinct on (l.account, c.batch_id, c.place) l.account, c.changed_at, c.batch_id, c.place, c.stands[6 * l.at - 3] as held
      from added c
      cross join lateral (
        select d.debit_account_id as account, row_number() over (order by d.line_no) as at
        from general_ledger.payment_line d where d.payment_id = c.payment_id
      ) l
      where c.change <> 'payment.drafted'
      order by l.account, c.batch_id, c.place
    ) h
    left join lateral (
      select x.changed_at, x.held_minor from general_ledger.hold_change x where x.account_id = h.account
      order by x.changed_at desc, x.batch_id desc, x.place desc limit 1
    ) before on true
  ) n
  where n.held <> n.held_before;
  return null;
end
$$;
create trigger payment_change_notes_holds after insert on general_ledger.payment_change
  referencing new table as added for each statement execute function general_ledger.note_holds();

-- Sums of entries that were valued on another day than the one (in UTC, whatever the bank's time zone) on which they were booked.
create table general_ledger.value_shift (
  account_id uuid not null,
  booked_on date not null,
  value_date date not null,
  amount_minor numeric not null,
  primary key (account_id, booked_on, value_date),
  constraint value_shift_is_between_two_days check (booked_on <> value_date)
);
grant select on general_ledger.value_shift to finlego_app;
create trigger value_shift_is_kept before delete or truncate on general_ledger.value_shift
  for each statement execute function platform.refuse_change();

-- At the end of the transaction, when the payment's lines are booked, and under the locks of its accounts: no two can wait for each other.
create function general_ledger.note_value_date() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  insert into general_ledger.value_shift (account_id, booked_on, value_date, amount_minor)
  select s.account, (new.posted_at at time zone 'UTC')::date, new.value_date, sum(s.amount)
  from general_ledger.payment_line l
  cross join lateral (values
    (l.debit_account_id, -coalesce(l.posted_minor, l.amount_minor)::numeric), (l.credit_account_id, coalesce(l.posted_minor, l.amount_minor)::numeric)
  ) s(account, amount)
  where l.payment_id = new.id and l.debit_seq is not null
  group by s.account
  on conflict (account_id, booked_on, value_date) do update set amount_minor = value_shift.amount_minor + excluded.amount_minor;
  return null;
end
$$;
create constraint trigger payment_notes_its_value_date after insert or update of state on general_ledger.payment
  deferrable initially deferred
  for each row when (new.state = 'posted' and new.value_date <> (new.posted_at at time zone 'UTC')::date)
  execute function general_ledger.note_value_date();
revoke all on function general_ledger.note_holds from public;
revoke all on function general_ledger.note_value_date from public;

-- What was there before: payments of one step only.
insert into general_ledger.value_shift (account_id, booked_on, value_date, amount_minor)
select e.account_id, (e.booked_at at time zone 'UTC')::date, p.value_date, sum(e.amount_minor)
from general_ledger.entry e join general_ledger.payment p on p.id = e.payment_id
where p.value_date <> (e.booked_at at time zone 'UTC')::date
group by 1, 2, 3;

-- 3. Recalculation: what is stored on accounts is set to what the entries and pending payments give, where it differs. An account and its
-- entries are changed together, so that one look at all of them, without any lock, tells which accounts are sound: those are left alone.
-- The others are locked, in id order, while what was booked since the look is added: entries are never changed, the long sum stands.
-- In one call at most two million entries are summed: where accounts have more of them together, each sum begins at the balance after an
-- earlier entry.

-- What an account stands at, as its entries and pending payments have it; the total is that of the entries behind number `p_from`.
create function general_ledger.figures_of(
  p_account uuid, p_credit_normal boolean, p_from bigint,
  out total numeric, out held numeric, out incoming numeric, out last_seq bigint, out last_booked_at timestamptz
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select
    (select coalesce(sum(e.amount_minor), 0) from general_ledger.entry e where e.account_id = p_account and e.account_seq > p_from),
    case when p_credit_normal then (
      select coalesce(sum(l.amount_minor), 0) from general_ledger.payment_line l
      where l.debit_account_id = p_account and l.drafted_in is not null and l.debit_seq is null and l.posted_minor is null
        and (select p.state from general_ledger.payment p where p.id = l.payment_id) = 'pending') else 0 end,
    case when p_credit_normal then (
      select coalesce(sum(l.amount_minor), 0) from general_ledger.payment_line l
      where l.credit_account_id = p_account and l.drafted_in is not null and l.debit_seq is null and l.posted_minor is null
        and (select p.state from general_ledger.payment p where p.id = l.payment_id) = 'pending') else 0 end,
    coalesce(last.account_seq, 0), last.booked_at
  from (select) one
  left join lateral (
    select e.account_seq, e.booked_at from general_ledger.entry e where e.account_id = p_account order by e.account_seq desc limit 1
  ) last on true
$$;
revoke all on function general_ledger.figures_of from public;

create function general_ledger.recalculate_accounts(p_accounts uuid[])
returns table (
  account_id uuid, previous_balance bigint, balance bigint, previous_held bigint, held bigint, changed boolean
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  entries_max constant bigint := 2000000;
  span bigint;
  ids uuid[]; balances bigint[]; holds bigint[]; sums numeric[]; upto bigint[]; sound boolean[];
  a general_ledger.account;
  f record;
begin
  select case when sum(x.last_seq) > entries_max then entries_max / count(*) end into span
  from general_ledger.account x where x.id = any(p_accounts);

  -- One statement, one instant.
  select array_agg(x.id order by x.id), array_agg(x.balance_minor order by x.id), array_agg(x.held_minor order by x.id),
         array_agg(x.before + x.total order by x.id), array_agg(x.entries order by x.id),
         array_agg((x.balance_minor, x.held_minor, x.incoming_minor, x.last_seq, x.last_booked_at)
           is not distinct from (x.before + x.total, x.held, x.incoming, x.entries, x.booked_at) order by x.id)
  into ids, balances, holds, sums, upto, sound
  from (
    select x.*, coalesce(start.balance_after, 0) as before, g.total, g.held, g.incoming, g.last_seq as entries, g.last_booked_at as booked_at
    from (select y.* from general_ledger.account y where y.id = any(p_accounts) order by y.id) x
    left join lateral (
      select n.account_seq, n.balance_after from general_ledger.entry n
      where n.account_id = x.id and n.account_seq <= (select max(m.account_seq) from general_ledger.entry m where m.account_id = x.id) - span
      order by n.account_seq desc limit 1
    ) start on span is not null
    cross join lateral general_ledger.figures_of(x.id, x.credit_normal, coalesce(start.account_seq, 0)) g
  ) x;

  for i in 1..coalesce(cardinality(ids), 0) loop
    account_id := ids[i];
    previous_balance := balances[i];
    balance := balances[i];
    previous_held := holds[i];
    held := holds[i];
    changed := false;
    if not sound[i] then
      select x.* into a from general_ledger.account x where x.id = ids[i] for no key update;
      -- A later statement: it sees all that was committed before the account was locked.
      select * into f from general_ledger.figures_of(a.id, a.credit_normal, upto[i]);
      previous_balance := a.balance_minor;
      balance := sums[i] + f.total;
      previous_held := a.held_minor;
      held := f.held;
      changed := (a.balance_minor, a.held_minor, a.incoming_minor, a.last_seq, a.last_booked_at)
        is distinct from (balance, f.held, f.incoming, f.last_seq, f.last_booked_at);
      update general_ledger.account x
      set balance_minor = balance, held_minor = f.held, incoming_minor = f.incoming, last_seq = f.last_seq, last_booked_at = f.last_booked_at,
          version = x.version + 1
      where x.id = a.id and changed;
    end if;
    return next;
  end loop;
end
$$;
revoke all on function general_ledger.recalculate_accounts from public;
grant execute on function general_ledger.recalculate_accounts to finlego_app;
