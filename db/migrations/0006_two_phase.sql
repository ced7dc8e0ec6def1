-- What two-phase payments, reversals, value dates, metadata search and account states need. One-step payments write none of the new
-- tables: what they cost stays as it was.

alter type general_ledger.change add value 'account.changed';
alter type general_ledger.change add value 'account.blocked';
alter type general_ledger.change add value 'account.unblocked';
alter type general_ledger.change add value 'account.closed';
alter type general_ledger.change add value 'payment.drafted';
alter type general_ledger.change add value 'payment.pending';
alter type general_ledger.change add value 'payment.cancelled';

-- Set while the owner is blocked (contract decision 22): no debit is booked, credits are.
alter table general_ledger.account add column client_blocked boolean not null default false;
alter table general_ledger.account add constraint account_client_block_needs_a_client check (not client_blocked or client_id is not null);
alter table general_ledger.account_profile add column block_reason text;

-- Days up to this one are closed: a payment asked for such a value date gets the next open day.
alter table general_ledger.ledger_head add column closed_through date not null default '-infinity';

alter table general_ledger.payment
  -- Number of its changes so far; 1: it is as it was created.
  add column change_no smallint not null default 1,
  -- The value date that was asked for, when a closed day moved it.
  add column asked_value_date date,
  add column expires_at timestamptz,
  add column reverses_payment_id uuid,
  add constraint payment_reversal_names_its_payment check (reverses_payment_id is null or type = 'reversal');
-- Lists of one tenant. The bank's own payments need no such index, and pay nothing for it.
create index payment_by_tenant on general_ledger.payment (tenant, id) where tenant <> 'default';

alter table general_ledger.payment_line
  -- The batch that drafted the line; null: it was posted in one step. Within one account batches follow the order of sequences.
  add column drafted_in bigint,
  -- What was booked of a drafted line: null until it is posted, less than the amount after a partial capture, 0: wholly released.
  add column posted_minor bigint,
  add constraint payment_line_books_no_more_than_ordered check (posted_minor between 0 and amount_minor),
  add constraint payment_line_is_booked_whole check ((debit_seq is null) = (credit_seq is null)
    and (drafted_in is not null or (debit_seq is not null and posted_minor is null))
    and (drafted_in is null or (debit_seq is not null) = (coalesce(posted_minor, 0) > 0)));
-- The changes of payments that did not go in one step: history, and what an answer of then is rebuilt from.
create table general_ledger.payment_change (
  payment_id uuid not null,
  change_no smallint not null,
  batch_id bigint not null,
  place integer not null,
  change general_ledger.change not null,
  changed_at timestamptz not null,
  value_date date not null,
  changed_by text not null,
  reason text,
  -- For each line in order six figures as the change left them: number, balance and holds of the debited, then of the credited account.
  stands bigint[] not null,
  primary key (payment_id, change_no),
  constraint payment_change_starts_at_one check (change_no >= 1),
  constraint payment_change_knows_its_accounts check (cardinality(stands) > 0 and cardinality(stands) % 6 = 0)
);

-- Which payment undoes which: at most one that was not cancelled.
create table general_ledger.reversal (
  reversing_payment_id uuid primary key,
  reversed_payment_id uuid not null,
  withdrawn boolean not null default false
);
create unique index reversal_once on general_ledger.reversal (reversed_payment_id) where not withdrawn;

-- Payments that are to be cancelled when their time is over. Rows go when their payment is final.
create table general_ledger.payment_expiry (
  expires_at timestamptz not null,
  payment_id uuid not null,
  primary key (expires_at, payment_id)
);

-- Metadata for searching; the payment itself keeps the whole.
create table general_ledger.payment_metadata (
  name text not null,
  value text not null,
  payment_id uuid not null,
  primary key (name, value, payment_id)
);

grant select on general_ledger.payment_change, general_ledger.reversal, general_ledger.payment_expiry, general_ledger.payment_metadata to finlego_app;
grant delete on general_ledger.payment_expiry to finlego_app;

create trigger payment_change_is_immutable before update or delete or truncate on general_ledger.payment_change
  for each statement execute function platform.refuse_change();
create trigger payment_metadata_is_immutable before update or delete or truncate on general_ledger.payment_metadata
  for each statement execute function platform.refuse_change();
create trigger reversal_is_kept before delete or truncate on general_ledger.reversal
  for each statement execute function platform.refuse_change();

-- A reversal is only ever withdrawn, by the cancelling of the payment that would have made it.
create function general_ledger.check_reversal_change() returns trigger
language plpgsql as $$
begin
  if (old.reversing_payment_id, old.reversed_payment_id) is distinct from (new.reversing_payment_id, new.reversed_payment_id) or old.withdrawn or not new.withdrawn then
    raise exception 'reversal % is final', old.reversing_payment_id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger reversal_is_only_withdrawn before update on general_ledger.reversal
  for each row execute function general_ledger.check_reversal_change();

-- A line's terms never change; a drafted line is booked or released once.
drop trigger payment_line_is_immutable on general_ledger.payment_line;
create trigger payment_line_is_kept before delete or truncate on general_ledger.payment_line
  for each statement execute function platform.refuse_change();
create function general_ledger.check_line_change() returns trigger
language plpgsql as $$
begin
  if (old.payment_id, old.line_no, old.debit_account_id, old.credit_account_id, old.amount_minor, old.currency, old.type, old.description, old.drafted_in)
     is distinct from
     (new.payment_id, new.line_no, new.debit_account_id, new.credit_account_id, new.amount_minor, new.currency, new.type, new.description, new.drafted_in)
     or old.drafted_in is null or old.posted_minor is not null then
    raise exception 'line % of payment % is final', old.line_no, old.payment_id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger payment_line_is_booked_once before update on general_ledger.payment_line
  for each row execute function general_ledger.check_line_change();

-- Entries prove the currency of what is booked, and `verify` that of every line: a third look at each line bought nothing.
drop trigger payment_line_currency_is_its_accounts on general_ledger.payment_line;
drop function general_ledger.check_lines();

create or replace function general_ledger.check_payment_change() returns trigger
language plpgsql as $$
begin
  if old.state <> new.state and (old.state, new.state) not in
     (('draft', 'pending'), ('draft', 'cancelled'), ('pending', 'posted'), ('pending', 'cancelled')) then
    raise exception 'payment % cannot go from % to %', old.id, old.state, new.state using errcode = 'restrict_violation';
  end if;
  if (old.id, old.client_id, old.type, old.content, old.tenant, old.owner_tenant, old.created_by, old.external_id, old.description, old.reference, old.metadata,
      old.created_at, old.expires_at, old.reverses_payment_id)
     is distinct from
     (new.id, new.client_id, new.type, new.content, new.tenant, new.owner_tenant, new.created_by, new.external_id, new.description, new.reference, new.metadata,
      new.created_at, new.expires_at, new.reverses_payment_id)
     or old.state in ('posted', 'cancelled') or old.state = new.state or new.change_no <> old.change_no + 1 then
    raise exception 'payment % is final in what it says', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

create or replace function general_ledger.check_head() returns trigger
language plpgsql as $$
begin
  if new.id <> old.id or new.last_sequence < old.last_sequence or new.last_at < old.last_at or new.closed_through < old.closed_through then
    raise exception 'the head of the ledger never turns back' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

-- Which change of its payment a key asked for; null: its creation.
alter table platform.idempotency_key add column payment_change smallint;
create or replace function platform.check_key_change() returns trigger
language plpgsql as $$
begin
  if (old.id, old.fingerprint, old.payment_id, old.payment_change, old.created_at)
     is distinct from (new.id, new.fingerprint, new.payment_id, new.payment_change, new.created_at)
     or old.payment_id is not null or old.status is not null then
    raise exception 'idempotency key % has its answer', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
