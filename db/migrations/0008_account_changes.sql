-- What changes an account without moving money: its terms, its blocks, its end, and the block of its owner. The app role may not update
-- accounts; it calls these functions, which judge a second time what src/general-ledger/accounts/account-state.ts has judged, and number
-- every change in the journal. So an account never changes without its place in the ledger's order.
--
-- Each of them locks the accounts it touches in id order and takes the ledger's head at its end: it is the last statement of its
-- transaction. Whoever needs more accounts locked, or reads before it decides, calls lock_accounts first. Default and closing look at all
-- accounts of a client: whoever decides about these holds the client's set of accounts (an advisory lock, see account.store.ts).

-- Holds the accounts against postings and changes until the transaction ends.
create function general_ledger.lock_accounts(p_accounts uuid[]) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from general_ledger.account a where a.id = any(p_accounts) order by a.id for no key update;
end
$$;

-- The account, locked; an exception unless it is there and not closed.
create function general_ledger.open_account_for_change(p_account uuid) returns general_ledger.account
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  a general_ledger.account;
begin
  select * into a from general_ledger.account x where x.id = p_account for no key update;
  if not found then
    raise exception 'there is no account %', p_account using errcode = 'foreign_key_violation';
  end if;
  if a.status = 'closed' then
    raise exception 'account % is closed', p_account using errcode = 'restrict_violation';
  end if;
  return a;
end
$$;

-- Name, credit limit and default. A null name stays; the floor moves only where p_sets_floor says so (null then takes it away).
create function general_ledger.change_account(
  p_account uuid, p_name text, p_sets_floor boolean, p_floor bigint, p_becomes_default boolean, out first_sequence bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  a general_ledger.account;
  former uuid;
begin
  if p_becomes_default then
    select d.id into former
    from general_ledger.account d
    where d.is_default and d.id <> p_account
      and (d.client_id, d.currency) = (select x.client_id, x.currency from general_ledger.account x where x.id = p_account);
    perform general_ledger.lock_accounts(array_remove(array[p_account, former], null));
  end if;
  a := general_ledger.open_account_for_change(p_account);

  if p_sets_floor and (p_floor > 0 or (p_floor is null and exists (
      select from general_ledger.account_profile p where p.account_id = p_account and p.type in ('client', 'reserve')))) then
    raise exception 'account % cannot have that floor', p_account using errcode = 'check_violation';
  end if;
  if p_name is not null then
    update general_ledger.account_profile p set name = p_name where p.account_id = p_account;
  end if;
  if former is not null then
    update general_ledger.account x set is_default = false, version = x.version + 1 where x.id = former;
  end if;
  update general_ledger.account x
  set floor_minor = case when p_sets_floor then p_floor else x.floor_minor end, is_default = x.is_default or p_becomes_default, version = x.version + 1
  where x.id = p_account;

  select n.first_sequence into change_account.first_sequence
  from general_ledger.append_journal(
    nextval('general_ledger.batch'),
    array_fill('account.changed'::general_ledger.change, array[case when former is null then 1 else 2 end]),
    array_remove(array[p_account, former], null)) n;
end
$$;

-- Blocks sides of an account, or takes blocks away: p_change says which, and no side may go the other way. Both sides blocked is a blocked
-- account. The reason stays as long as a side is blocked.
create function general_ledger.set_account_blocks(
  p_change general_ledger.change, p_account uuid, p_debit_blocked boolean, p_credit_blocked boolean, p_reason text, out first_sequence bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  a general_ledger.account := general_ledger.open_account_for_change(p_account);
  new_status general_ledger.account_status := case when p_debit_blocked and p_credit_blocked then 'blocked' else 'active' end;
  blocks constant boolean := p_change = 'account.blocked';
begin
  if p_change not in ('account.blocked', 'account.unblocked') then
    raise exception 'unknown change %', p_change using errcode = 'invalid_parameter_value';
  end if;
  if a.status = 'pending' or (a.debit_blocked <> p_debit_blocked and p_debit_blocked <> blocks) or (a.credit_blocked <> p_credit_blocked and p_credit_blocked <> blocks)
     or (a.debit_blocked, a.credit_blocked, a.status) = (p_debit_blocked, p_credit_blocked, new_status) then
    raise exception 'account % cannot be changed so', p_account using errcode = 'restrict_violation';
  end if;

  update general_ledger.account x
  set debit_blocked = p_debit_blocked, credit_blocked = p_credit_blocked, status = new_status, version = x.version + 1
  where x.id = p_account;
  update general_ledger.account_profile p
  set block_reason = case when blocks then p_reason when p_debit_blocked or p_credit_blocked then p.block_reason end
  where p.account_id = p_account;

  select n.first_sequence into set_account_blocks.first_sequence
  from general_ledger.append_journal(nextval('general_ledger.batch'), array[p_change], array[p_account]) n;
end
$$;

-- Whether a payment is on its way over the account. The figures of an account on the credit side tell it; one on the debit side has
-- neither holds nor announcements, so the payments that are pending are looked through.
create function general_ledger.has_pending_payment(p_account uuid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from general_ledger.account a where a.id = p_account and (a.held_minor <> 0 or a.incoming_minor <> 0)
  ) or exists (
    select from general_ledger.account a
    cross join general_ledger.payment p
    where a.id = p_account and not a.credit_normal and p.state = 'pending'
      and exists (select from general_ledger.payment_line l where l.payment_id = p.id and p_account in (l.debit_account_id, l.credit_account_id))
  )
$$;

-- Closes an empty account for ever. A client's default hands this on to the client's next open account of the currency, which p_heir names.
create function general_ledger.close_account(p_account uuid, p_heir uuid, p_closed_at timestamptz, out first_sequence bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  a general_ledger.account;
  changes general_ledger.change[] := array['account.closed'];
begin
  perform general_ledger.lock_accounts(array_remove(array[p_account, p_heir], null));
  a := general_ledger.open_account_for_change(p_account);
  if a.balance_minor <> 0 or general_ledger.has_pending_payment(p_account) then
    raise exception 'account % is not empty', p_account using errcode = 'restrict_violation';
  end if;
  if p_heir is distinct from (
    select x.id
    from general_ledger.account x
    join general_ledger.account_profile p on p.account_id = x.id
    where a.is_default and x.client_id = a.client_id and x.currency = a.currency and x.status <> 'closed' and x.id <> p_account
    order by p.sort_order, x.id
    limit 1) then
    raise exception 'account % is not the heir of account %', p_heir, p_account using errcode = 'restrict_violation';
  end if;

  update general_ledger.account x set status = 'closed', is_default = false, version = x.version + 1 where x.id = p_account;
  update general_ledger.account_profile p set closed_at = p_closed_at where p.account_id = p_account;
  if p_heir is not null then
    update general_ledger.account x set is_default = true, version = x.version + 1 where x.id = p_heir;
    changes := changes || 'account.changed'::general_ledger.change;
  end if;

  select n.first_sequence into close_account.first_sequence
  from general_ledger.append_journal(nextval('general_ledger.batch'), changes, array_remove(array[p_account, p_heir], null)) n;
end
$$;

-- The client's own order of its open accounts: all of them, each once. Closed ones come after them. How accounts are shown is no change
-- of the ledger: it has no number and no version.
create function general_ledger.order_accounts(p_client uuid, p_accounts uuid[]) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if (select array_agg(u.id order by u.id) from unnest(p_accounts) u(id)) is distinct from (
    select array_agg(a.id order by a.id) from general_ledger.account a where a.client_id = p_client and a.status <> 'closed') then
    raise exception 'these are not the open accounts of client %', p_client using errcode = 'restrict_violation';
  end if;
  update general_ledger.account_profile p
  set sort_order = o.place
  from (
    select a.id, row_number() over (order by array_position(p_accounts, a.id), old.sort_order, a.id) - 1 as place
    from general_ledger.account a
    join general_ledger.account_profile old on old.account_id = a.id
    where a.client_id = p_client
  ) o
  where p.account_id = o.id and p.sort_order <> o.place;
end
$$;

-- Stops the debits of all of a client's accounts, or lets them through again: from the commit on no debit of the client is booked, and
-- none that was booked before has a later number. Accounts that are so already, and closed ones, do not change.
create function general_ledger.set_client_blocked(p_client uuid, p_blocked boolean, out changed uuid[])
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from general_ledger.account a where a.client_id = p_client order by a.id for no key update;
  select array_agg(a.id order by a.id) into changed
  from general_ledger.account a
  where a.client_id = p_client and a.status <> 'closed' and a.client_blocked <> p_blocked;
  if changed is null then
    changed := '{}';
    return;
  end if;
  update general_ledger.account a set client_blocked = p_blocked, version = a.version + 1 where a.id = any(changed);
  perform general_ledger.append_journal(
    nextval('general_ledger.batch'), array_fill('account.changed'::general_ledger.change, array[cardinality(changed)]), changed);
end
$$;

revoke all on function general_ledger.lock_accounts from public;
revoke all on function general_ledger.open_account_for_change from public;
revoke all on function general_ledger.change_account from public;
revoke all on function general_ledger.set_account_blocks from public;
revoke all on function general_ledger.has_pending_payment from public;
revoke all on function general_ledger.close_account from public;
revoke all on function general_ledger.order_accounts from public;
revoke all on function general_ledger.set_client_blocked from public;
grant execute on function general_ledger.lock_accounts to finlego_app;
grant execute on function general_ledger.change_account to finlego_app;
grant execute on function general_ledger.set_account_blocks to finlego_app;
grant execute on function general_ledger.has_pending_payment to finlego_app;
grant execute on function general_ledger.close_account to finlego_app;
grant execute on function general_ledger.order_accounts to finlego_app;
grant execute on function general_ledger.set_client_blocked to finlego_app;
