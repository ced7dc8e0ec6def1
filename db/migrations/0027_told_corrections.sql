-- What was corrected is told, and what was told stays so.

-- 1. An account whose stored figures are set right has changed: the correction gets its number in the journal like any other change, at the
-- end of the call, because the head is held from there on until the commit. Sound accounts take none. The rest is as in 0009.
create or replace function general_ledger.recalculate_accounts(p_accounts uuid[])
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
  told uuid[] := '{}';
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
      -- Being closed is the last that is told of an account.
      if changed and a.status <> 'closed' then
        told := told || a.id;
      end if;
    end if;
    return next;
  end loop;
  if told <> '{}' then
    perform general_ledger.append_journal(
      nextval('general_ledger.batch'), array_fill('account.changed'::general_ledger.change, array[cardinality(told)]), told);
  end if;
end
$$;

-- 2. The place of a follower only rises, and no further than the journal goes: what was delivered was, and nothing may be passed by. The
-- owner of the tables may still move it (docs/events.md).
create function general_ledger.keep_follower_in_order() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if pg_has_role(current_user, (select c.relowner from pg_class c where c.oid = tg_relid), 'usage') then
    return new;
  end if;
  if new.last_sequence < old.last_sequence then
    raise exception 'the place of follower % cannot go back', old.name using errcode = 'restrict_violation';
  end if;
  if new.last_sequence > (select h.last_sequence from general_ledger.ledger_head h where h.id = 1) then
    raise exception 'the place of follower % cannot be beyond the end of the journal', old.name using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger journal_follower_only_rises before update on general_ledger.journal_follower
  for each row when (new.last_sequence <> old.last_sequence) execute function general_ledger.keep_follower_in_order();
