-- What a batch writes where it has looked already (docs/decisions/0018).

-- A page that is filled to its mark is cleaned by PostgreSQL at every update, which cost each posting as much as an entry's index. So a new
-- account brings some room along, which its first posting gives back: its page stays below the mark, and is cleaned once for many updates.
alter table general_ledger.account
  set (fillfactor = 70), add column if not exists room text default repeat(' ', 150), alter column room set storage plain;
comment on column general_ledger.account.room is 'Nothing. Makes the row as long as it is until its first posting.';

-- Has somebody used one of these names before? (Which of them, and for what, says find_repeats.)
create or replace function general_ledger.any_repeat(p_external_id text[], p_key uuid[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return exists (select from general_ledger.payment p where p.external_id = any(p_external_id))
    or exists (select from platform.idempotency_key k where k.id = any(p_key));
end
$$;

revoke all on function general_ledger.any_repeat from public;

-- Sets the figures of accounts among which some are held or announced; lists follow p_accounts, which ascends. p_rows: where the rows
-- stand, which are locked. p_ahead: how far the version is ahead of the last number.
drop function general_ledger.book_accounts;
create function general_ledger.book_accounts(
  p_accounts uuid[], p_rows tid[], p_at timestamptz, p_balance bigint[], p_seq bigint[], p_held bigint[], p_incoming bigint[], p_ahead bigint[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  booked bigint;
begin
  update general_ledger.account a
  set balance_minor = p_balance[width_bucket(a.id, (select p_accounts))], last_seq = p_seq[width_bucket(a.id, (select p_accounts))],
      held_minor = p_held[width_bucket(a.id, (select p_accounts))], incoming_minor = p_incoming[width_bucket(a.id, (select p_accounts))],
      version = p_seq[width_bucket(a.id, (select p_accounts))] + p_ahead[width_bucket(a.id, (select p_accounts))],
      last_booked_at = case when a.last_seq <> p_seq[width_bucket(a.id, (select p_accounts))] then p_at else a.last_booked_at end, room = null
  where a.ctid = any(p_rows) and a.version <> p_seq[width_bucket(a.id, (select p_accounts))] + p_ahead[width_bucket(a.id, (select p_accounts))];
  get diagnostics booked = row_count;
  -- Where some were to stay as they are, the others are counted.
  if booked < cardinality(p_accounts) and exists (
    select from general_ledger.account a
    where a.id = any(p_accounts) and a.version <> p_seq[width_bucket(a.id, (select p_accounts))] + p_ahead[width_bucket(a.id, (select p_accounts))]
  ) then
    raise exception 'an account was not found where it was locked' using errcode = 'serialization_failure';
  end if;
end
$$;
revoke all on function general_ledger.book_accounts from public;
