-- The books: accounts, payments with their lines, entries, and the journal that gives every accepted change its number.
-- Amounts are bigint minor units; signed figures are credit positive, so that every payment sums to zero.
--
-- Only post_batch (next migration) writes payments, lines, entries, balances and the journal. The app role may read them and
-- call it; what this file adds are the locks behind that door, for the day when post_batch or its caller is wrong.

create schema general_ledger;
grant usage on schema general_ledger to finlego_app;

create type general_ledger.account_status as enum ('pending', 'active', 'blocked', 'closed');
create type general_ledger.account_type as enum
  ('client', 'treasury', 'fee', 'reserve', 'clearing', 'settlement', 'fxPosition', 'suspense');
create type general_ledger.account_category as enum ('asset', 'liability', 'equity', 'income', 'expense');
create type general_ledger.payment_state as enum ('draft', 'pending', 'posted', 'cancelled');
create type general_ledger.payment_type as enum
  ('deposit', 'withdrawal', 'transfer', 'fee', 'foreignExchange', 'adjustment', 'reversal');
create type general_ledger.change as enum ('account.opened', 'payment.posted');

-- What a posting judges and changes, and nothing else: this row is rewritten with every batch that touches the account, so
-- it is narrow, has no index on a changing column, and leaves half of each page free for new versions (heap-only updates).
create table general_ledger.account (
  id uuid primary key,
  client_id uuid references client_profile.client (id),
  tenant text not null,
  currency text not null,
  credit_normal boolean not null,
  status general_ledger.account_status not null default 'active',
  debit_blocked boolean not null default false,
  credit_blocked boolean not null default false,
  is_default boolean not null default false,
  -- The least that balance less holds may be; null: no floor. Minus the credit limit on guarded accounts.
  floor_minor bigint,
  balance_minor bigint not null default 0,
  held_minor bigint not null default 0,
  incoming_minor bigint not null default 0,
  last_seq bigint not null default 0,
  version bigint not null default 1,
  last_booked_at timestamptz,
  constraint account_currency_is_a_code check (currency ~ '^[A-Z]{3}$'),
  constraint account_holds_are_not_negative check (held_minor >= 0 and incoming_minor >= 0),
  constraint account_floor_is_kept check (floor_minor is null or balance_minor - held_minor >= floor_minor),
  constraint account_floor_needs_credit_side check (floor_minor is null or credit_normal),
  constraint account_balance_within_bounds check (balance_minor between -9000000000000000000 and 9000000000000000000),
  constraint account_of_client_has_floor check (client_id is null or floor_minor is not null),
  constraint account_default_is_a_clients check (not is_default or client_id is not null)
) with (fillfactor = 50);
create unique index account_one_default_per_client_and_currency on general_ledger.account (client_id, currency) where is_default;
create index account_by_client on general_ledger.account (client_id) where client_id is not null;

-- What people know an account by. Rarely changed, never read while posting.
create table general_ledger.account_profile (
  account_id uuid primary key references general_ledger.account (id),
  owner_tenant text not null,
  external_id text,
  number text not null,
  iban text,
  bic text,
  name text not null,
  type general_ledger.account_type not null,
  category general_ledger.account_category not null,
  sort_order integer not null default 0,
  provider text,
  created_at timestamptz not null,
  closed_at timestamptz,
  constraint account_number_has_its_form check (number ~ '^[A-Za-z0-9]{4,34}$')
);
create unique index account_number_once on general_ledger.account_profile (lower(number));
create unique index account_iban_once on general_ledger.account_profile (lower(iban)) where iban is not null;
create unique index account_external_id_once on general_ledger.account_profile (owner_tenant, external_id) where external_id is not null;

-- The running part of account numbers; gaps are harmless.
create sequence general_ledger.account_number as bigint minvalue 1 maxvalue 99999999;

-- One accepted payment. A payment that was refused leaves no row.
create table general_ledger.payment (
  id uuid primary key,
  client_id uuid,
  batch_id bigint not null,
  place integer not null,
  type general_ledger.payment_type not null,
  state general_ledger.payment_state not null,
  value_date date not null,
  created_at timestamptz not null,
  pended_at timestamptz,
  posted_at timestamptz,
  cancelled_at timestamptz,
  -- First half of SHA-256 over what the caller asked for: tells a repeat of an externalId from another payment.
  content uuid not null,
  tenant text not null,
  owner_tenant text not null,
  -- Subject of the token, or the job, that ordered it: the audit trail of a payment is the payment itself.
  created_by text not null,
  external_id text not null,
  description text,
  reference text,
  reason text,
  metadata jsonb,
  constraint payment_times_fit_state check (
    (state = 'posted') = (posted_at is not null) and (state = 'cancelled') = (cancelled_at is not null)
    and (state <> 'draft' or pended_at is null) and (state <> 'pending' or pended_at is not null)),
  -- Ids of payments end in 00; their transactions have the same id with another last byte.
  constraint payment_id_leaves_room_for_lines check (get_byte(uuid_send(id), 15) = 0)
) with (fillfactor = 90);
create unique index payment_external_id_once on general_ledger.payment (external_id, owner_tenant);

-- One movement of a payment: `amount` from the debited to the credited account.
create table general_ledger.payment_line (
  payment_id uuid not null,
  line_no smallint not null,
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  amount_minor bigint not null,
  debit_seq bigint,
  credit_seq bigint,
  currency text not null,
  type general_ledger.payment_type not null,
  description text,
  primary key (payment_id, line_no),
  constraint payment_line_number_in_range check (line_no between 1 and 50),
  constraint payment_line_amount_in_range check (amount_minor between 1 and 1000000000000000),
  constraint payment_line_moves_between_two check (debit_account_id <> credit_account_id)
);

-- One side of one line, as it changed one account. `account_seq` counts 1, 2, 3 … along the account: it is the statement's order,
-- its cursor, the version of the balance and the audit trail at once. No other index.
create table general_ledger.entry (
  account_id uuid not null,
  payment_id uuid not null,
  account_seq bigint not null,
  amount_minor bigint not null,
  balance_after bigint not null,
  held_after bigint not null,
  booked_at timestamptz not null,
  line_no smallint not null,
  primary key (account_id, account_seq),
  constraint entry_amount_is_not_zero check (amount_minor <> 0),
  constraint entry_numbers_start_at_one check (account_seq >= 1)
);

-- The head: one row, locked last and held until the commit, so that numbers are given in commit order without gaps.
create table general_ledger.ledger_head (
  id smallint primary key default 1,
  last_sequence bigint not null default 0,
  last_at timestamptz not null default '-infinity',
  constraint ledger_has_one_head check (id = 1)
) with (fillfactor = 10);
insert into general_ledger.ledger_head default values;

-- One row for each batch of accepted changes. The change at place p (0, 1, 2 …) has the number first_sequence + p.
-- It is the outbox of the ledger: a reader of `first_sequence > x` can never miss a change that becomes visible later.
create table general_ledger.journal (
  first_sequence bigint primary key,
  batch_id bigint not null,
  size integer not null,
  committed_at timestamptz not null,
  changes general_ledger.change[] not null,
  subjects uuid[] not null,
  constraint journal_batch_once unique (batch_id),
  constraint journal_lists_every_change check (size > 0 and cardinality(changes) = size and cardinality(subjects) = size)
);
create sequence general_ledger.batch as bigint;

grant select on all tables in schema general_ledger to finlego_app;
grant usage, select on sequence general_ledger.account_number to finlego_app;
-- An account begins with nothing on it: balance, holds and numbers are not for the app to set.
grant insert (id, client_id, tenant, currency, credit_normal, status, is_default, floor_minor) on general_ledger.account to finlego_app;
grant insert on general_ledger.account_profile to finlego_app;

-- Books are never edited.
create trigger entry_is_immutable before update or delete or truncate on general_ledger.entry
  for each statement execute function platform.refuse_change();
create trigger journal_is_immutable before update or delete or truncate on general_ledger.journal
  for each statement execute function platform.refuse_change();
create trigger payment_line_is_immutable before update or delete or truncate on general_ledger.payment_line
  for each statement execute function platform.refuse_change();
create trigger payment_is_kept before delete or truncate on general_ledger.payment
  for each statement execute function platform.refuse_change();
create trigger account_is_kept before delete or truncate on general_ledger.account
  for each statement execute function platform.refuse_change();
create trigger account_profile_is_kept before delete or truncate on general_ledger.account_profile
  for each statement execute function platform.refuse_change();
create trigger ledger_head_is_kept before delete or truncate on general_ledger.ledger_head
  for each statement execute function platform.refuse_change();
create trigger account_identity_is_final before update of id, client_id, tenant, currency, credit_normal on general_ledger.account
  for each statement execute function platform.refuse_change();

-- draft -> pending -> posted, and from the first two to cancelled. Terms never change.
create function general_ledger.check_payment_change() returns trigger
language plpgsql as $$
begin
  if old.state <> new.state and (old.state, new.state) not in
     (('draft', 'pending'), ('draft', 'cancelled'), ('pending', 'posted'), ('pending', 'cancelled')) then
    raise exception 'payment % cannot go from % to %', old.id, old.state, new.state using errcode = 'restrict_violation';
  end if;
  if (old.id, old.client_id, old.type, old.content, old.tenant, old.owner_tenant, old.created_by, old.external_id, old.description, old.reference, old.metadata, old.created_at)
     is distinct from
     (new.id, new.client_id, new.type, new.content, new.tenant, new.owner_tenant, new.created_by, new.external_id, new.description, new.reference, new.metadata, new.created_at)
     or old.state in ('posted', 'cancelled') then
    raise exception 'payment % is final in what it says', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger payment_changes_follow_its_states before update on general_ledger.payment
  for each row execute function general_ledger.check_payment_change();

-- Numbers and times of the ledger only rise, and every journal row is the newest: it ends where the head stands.
create function general_ledger.check_head() returns trigger
language plpgsql as $$
begin
  if new.id <> old.id or new.last_sequence < old.last_sequence or new.last_at < old.last_at then
    raise exception 'the head of the ledger never turns back' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger ledger_head_only_rises before update on general_ledger.ledger_head
  for each row execute function general_ledger.check_head();

create function general_ledger.check_journal() returns trigger
language plpgsql as $$
begin
  if not exists (
    select from general_ledger.ledger_head h
    where h.id = 1 and h.last_sequence = new.first_sequence + new.size - 1 and h.last_at = new.committed_at
  ) then
    raise exception 'journal row % does not end at the head of the ledger', new.first_sequence using errcode = 'check_violation';
  end if;
  return null;
end
$$;
create trigger journal_ends_at_the_head after insert on general_ledger.journal
  for each row execute function general_ledger.check_journal();

-- Each line stays in one currency, that of both accounts. (These two run inside post_batch and
-- inherit its settings. A lateral query with a limit is one look-up per row, also where the planner believes the table to be empty.)
create function general_ledger.check_lines() returns trigger
language plpgsql as $$
declare
  culprit uuid;
begin
  select l.payment_id into culprit
  from added l
  left join lateral (select a.currency from general_ledger.account a where a.id = l.debit_account_id limit 1) d on true
  left join lateral (select a.currency from general_ledger.account a where a.id = l.credit_account_id limit 1) c on true
  where d.currency is distinct from l.currency or c.currency is distinct from l.currency
  limit 1;
  if found then
    raise exception 'a line of payment % is not in the currency of its accounts', culprit using errcode = 'check_violation';
  end if;
  return null;
end
$$;
create trigger payment_line_currency_is_its_accounts after insert on general_ledger.payment_line
  referencing new table as added for each statement execute function general_ledger.check_lines();

-- What is inserted together sums to zero for each payment and currency, and belongs to a posted payment whose batch is still open:
-- a payment cannot be booked a second time later.
create function general_ledger.check_entries() returns trigger
language plpgsql as $$
declare
  culprit uuid;
begin
  select e.payment_id into culprit
  from added e
  left join lateral (select a.currency from general_ledger.account a where a.id = e.account_id limit 1) a on true
  group by e.payment_id, a.currency
  having sum(e.amount_minor) <> 0 or a.currency is null
  limit 1;
  if found then
    raise exception 'the entries of payment % do not sum to zero', culprit using errcode = 'check_violation';
  end if;

  -- One probe of the journal for each batch, and not an EXISTS under an OR: that was planned as a scan of the whole journal.
  select b.payment_id into culprit
  from (
    select p.batch_id, bool_and(p.state is not distinct from 'posted') as is_posted, (array_agg(e.payment_id))[1] as payment_id
    from (select distinct payment_id from added) e
    left join lateral (select p.batch_id, p.state from general_ledger.payment p where p.id = e.payment_id limit 1) p on true
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
create trigger entry_sums_are_zero after insert on general_ledger.entry
  referencing new table as added for each statement execute function general_ledger.check_entries();
