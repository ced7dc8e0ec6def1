-- What posting is made of beside its loop, which is in post_batch (0014): numbering what was accepted, taking the accounts, finding
-- repeats, judging what only drafted payments, reversals and refusals need. What they write is in 0013. None of these functions is for
-- the app: they are post_batch's, run under the locks of the accounts and inherit its settings.
--
-- Plans must hold for a table of any size, because they are kept: joins of a table with the caller's arrays would do for an empty
-- table (read it whole, compare) what is ruinous for a full one. So tables are asked for `= any(array)`, or one row at a time (a lateral
-- query with a limit), never joined.

drop function general_ledger.post_batch;
drop function general_ledger.append_journal;

-- What a command asks for. The first three make a payment, the others change one.
create type general_ledger.operation as enum ('transfer', 'draft', 'hold', 'pend', 'post', 'cancel', 'expire');

-- Gives the next numbers to changes and writes their journal row. Locks the head, which the transaction then holds until its end:
-- call it last and commit at once. A second call in one transaction is refused, because it would deadlock with other writers.
create function general_ledger.append_journal(
  p_batch bigint, p_changes general_ledger.change[], p_subjects uuid[],
  out first_sequence bigint, out committed_at timestamptz, out closed_through date
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('finlego.journal_written_in', true) = pg_current_xact_id()::text then
    raise exception 'one transaction may write the journal once: take all commands in one call' using errcode = 'object_not_in_prerequisite_state';
  end if;
  perform set_config('finlego.journal_written_in', pg_current_xact_id()::text, true);

  update general_ledger.ledger_head h
  set last_sequence = h.last_sequence + cardinality(p_subjects),
      last_at = greatest(h.last_at, date_trunc('milliseconds', clock_timestamp()))
  where h.id = 1
  returning h.last_sequence - cardinality(p_subjects) + 1, h.last_at, h.closed_through into first_sequence, committed_at, closed_through;

  insert into general_ledger.journal (first_sequence, batch_id, size, committed_at, changes, subjects)
  values (append_journal.first_sequence, p_batch, cardinality(p_subjects), append_journal.committed_at, p_changes, p_subjects);
end
$$;

-- Closes the days up to and including `p_through`: from now on no payment gets a value date there. Days are never opened again.
create function general_ledger.close_days(p_through date) returns date
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  result date;
begin
  -- Wherever the bank is: a day that is not over fourteen hours east of Greenwich is over nowhere.
  if p_through is null or p_through >= (clock_timestamp() at time zone interval '14 hours')::date then
    raise exception 'a day that is not over cannot be closed' using errcode = 'invalid_parameter_value';
  end if;
  update general_ledger.ledger_head h set closed_through = greatest(h.closed_through, p_through) where h.id = 1
  returning h.closed_through into result;
  return result;
end
$$;

-- Locks the accounts of a batch in id order, so that no two batches can wait for each other, and tells what posting needs of them: lists
-- that follow p_accounts, where an account that is not there has null. can_debit, can_credit: nothing but tenant, currency, bounds and
-- funds can stand in the way, and no closer look is needed. Only with p_phased: announced money, and how far the version is ahead of the
-- last number.
create function general_ledger.take_accounts(
  p_accounts uuid[], p_phased boolean,
  out tenant text[], out client uuid[], out currency text[], out floor bigint[], out can_debit boolean[], out can_credit boolean[],
  out credit_normal boolean[], out balance bigint[], out seq bigint[], out held bigint[], out incoming bigint[], out ahead bigint[],
  out last_booked timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  found_id uuid[];
begin
  select array_agg(a.id), array_agg(a.tenant), array_agg(a.client_id), array_agg(a.currency), array_agg(a.floor_minor),
         array_agg(a.status = 'active' and not a.debit_blocked and not a.client_blocked), array_agg(a.status = 'active' and not a.credit_blocked),
         array_agg(a.credit_normal), array_agg(a.balance_minor), array_agg(a.last_seq), array_agg(a.held_minor),
         array_agg(a.incoming_minor) filter (where p_phased), array_agg(a.version - a.last_seq) filter (where p_phased), max(a.last_booked_at)
  into found_id, tenant, client, currency, floor, can_debit, can_credit, credit_normal, balance, seq, held, incoming, ahead, last_booked
  from (select * from general_ledger.account a where a.id = any(p_accounts) order by a.id for no key update) a;
  if found_id = p_accounts then
    return;
  end if;

  if p_accounts is distinct from (select array_agg(distinct u.id order by u.id) from unnest(p_accounts) u(id)) then
    raise exception 'accounts are to be named once each, ascending' using errcode = 'invalid_parameter_value';
  end if;
  select array_agg(f.tenant order by u.at), array_agg(f.client order by u.at), array_agg(f.currency order by u.at), array_agg(f.floor order by u.at),
         array_agg(f.can_debit order by u.at), array_agg(f.can_credit order by u.at), array_agg(f.credit_normal order by u.at),
         array_agg(f.balance order by u.at), array_agg(f.seq order by u.at), array_agg(f.held order by u.at),
         array_agg(f.incoming order by u.at), array_agg(f.ahead order by u.at)
  into tenant, client, currency, floor, can_debit, can_credit, credit_normal, balance, seq, held, incoming, ahead
  from unnest(p_accounts) with ordinality u(id, at)
  left join unnest(found_id, tenant, client, currency, floor, can_debit, can_credit, credit_normal, balance, seq, held, incoming, ahead)
    f(id, tenant, client, currency, floor, can_debit, can_credit, credit_normal, balance, seq, held, incoming, ahead) on f.id = u.id;
end
$$;

-- What callers have asked for before, by command: a key or an externalId met again. A key says what it was answered, and so that change is
-- negative; an externalId names the payment as it is now.
create function general_ledger.find_repeats(
  p_commands integer, p_key uuid[], p_request bytea[], p_external_id text[], p_owner_tenant text[], p_content uuid[],
  out codes smallint[], out existing uuid[], out changes smallint[], out refusals text[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  i integer;
  hit record;
begin
  codes := array_fill(0::smallint, array[p_commands]);
  existing := array_fill(null::uuid, array[p_commands]);
  changes := array_fill(null::smallint, array[p_commands]);
  refusals := array_fill(null::text, array[p_commands]);
  for hit in
    select p.id, p.content, p.owner_tenant, p.external_id, p.change_no from general_ledger.payment p where p.external_id = any(p_external_id)
  loop
    i := array_position(p_external_id, hit.external_id);
    while i is not null loop
      if p_owner_tenant[i] = hit.owner_tenant then
        codes[i] := case when p_content[i] = hit.content then 1 else 4 end;
        existing[i] := hit.id;
        changes[i] := hit.change_no;
      end if;
      i := array_position(p_external_id, hit.external_id, i + 1);
    end loop;
  end loop;
  for hit in
    select k.id, k.fingerprint, k.payment_id, k.payment_change, k.answer from platform.idempotency_key k where k.id = any(p_key)
  loop
    i := array_position(p_key, hit.id);
    codes[i] := case when hit.fingerprint <> p_request[i] then 2 when hit.payment_id is not null then 1 else 3 end;
    existing[i] := hit.payment_id;
    changes[i] := -coalesce(hit.payment_change, 1);
    refusals[i] := hit.answer;
  end loop;
end
$$;

-- The functions that judge answer a code of posting.ts's OUTCOMES, 0 for nothing in the way.

-- The payments to change, each locked by the locks of its accounts, by command: how they stand, and what that says of the change - go on (0),
-- done before (12), or never. No state: there is no such payment for the caller. `since`: p_now, or the last time of a payment when
-- that is later.
create function general_ledger.judge_changes(
  p_id uuid[], p_operation general_ledger.operation[], p_confined boolean[], p_owner_tenant text[], p_now timestamptz,
  l_payment uuid[], l_no smallint[], l_capture bigint[],
  out states general_ledger.payment_state[], out numbers smallint[], out pended_at timestamptz[], out reasons text[], out since timestamptz,
  out codes smallint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  expires timestamptz[];
  reverses boolean[];
begin
  select array_agg(s.state), array_agg(s.change_no), array_agg(s.pended_at), array_agg(s.reason), array_agg(s.expires_at),
         array_agg(s.reverses_payment_id is not null), greatest(p_now, max(s.created_at), max(s.pended_at))
  into states, numbers, pended_at, reasons, expires, reverses, since
  from (
    select p.* from unnest(p_id, p_operation, p_confined, p_owner_tenant) with ordinality u(id, operation, confined, tenant, at)
    left join lateral (
      select * from general_ledger.payment x where x.id = u.id and u.operation >= 'pend' and (not u.confined or x.tenant = u.tenant) limit 1
    ) p on true
    order by u.at
  ) s;
  if exists (select from unnest(p_id, p_operation) u(id, operation) where u.operation >= 'pend' group by u.id having count(*) > 1) then
    raise exception 'one call may change a payment once' using errcode = 'invalid_parameter_value';
  end if;

  select array_agg(
    case
      when u.operation < 'pend' then 0
      when u.state is null then 5
      when u.operation = 'pend' and u.state = 'pending' or u.operation >= 'cancel' and u.state = 'cancelled' then 12
      -- A payment that was posted with other amounts cannot be posted with these.
      when u.operation = 'post' and u.state = 'posted' then
        case when exists (
          select from unnest(l_payment, l_no, l_capture) l(payment, no, capture)
          where l.payment = u.id and l.capture is not null and l.capture is distinct from
            (select coalesce(x.posted_minor, x.amount_minor) from general_ledger.payment_line x where x.payment_id = l.payment and x.line_no = l.no)
        ) then 13 else 12 end
      when u.operation = 'pend' and u.state = 'draft' or u.operation = 'post' and u.state = 'pending' then
        case
          when u.expires_at <= since then 18
          -- A reversal is booked whole.
          when u.reverses and exists (
            select from unnest(l_payment, l_no, l_capture) l(payment, no, capture)
            where l.payment = u.id and l.capture <>
              (select x.amount_minor from general_ledger.payment_line x where x.payment_id = l.payment and x.line_no = l.no)
          ) then 17
          else 0 end
      when u.operation >= 'cancel' and u.state in ('draft', 'pending') then
        case when u.operation = 'cancel' or u.expires_at <= since then 0 else 13 end
      else 13
    end order by u.at)
  into codes
  from unnest(p_id, p_operation, states, expires, reverses) with ordinality u(id, operation, state, expires_at, reverses, at);
end
$$;

-- Why a payment may not undo another one: 5 there is no such payment for the caller, 16 it is not posted, is a reversal itself or has
-- one already, 17 the lines are not its booked lines with the sides exchanged.
create function general_ledger.judge_reversal(
  p_reversed uuid, p_only_tenant text, p_accounts uuid[], p_debit integer[], p_credit integer[], p_amount bigint[], p_currency text[]
) returns smallint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  reversed record;
begin
  select p.state, p.type, p.tenant into reversed from general_ledger.payment p where p.id = p_reversed;
  if not found or reversed.tenant <> p_only_tenant then
    return 5;
  end if;
  if reversed.state <> 'posted' or reversed.type = 'reversal'
     or exists (select from general_ledger.reversal r where r.reversed_payment_id = p_reversed and not r.withdrawn) then
    return 16;
  end if;
  if (select array_agg(x.line order by x.line)
      from (select row(l.credit_account_id, l.debit_account_id, coalesce(l.posted_minor, l.amount_minor), l.currency)::text as line
            from general_ledger.payment_line l
            where l.payment_id = p_reversed and l.debit_seq is not null) x)
     is distinct from
     (select array_agg(x.line order by x.line)
      from (select row(p_accounts[u.debit], p_accounts[u.credit], u.amount, u.currency)::text as line
            from unnest(p_debit, p_credit, p_amount, p_currency) u(debit, credit, amount, currency)) x) then
    return 17;
  end if;
  return 0;
end
$$;

-- The first reason, in the order of posting.ts, why an amount cannot go from one account to another: positive when it lies with the
-- debited account, negative when with the credited one. A draft only asks whether the payment makes sense, and an amount of nothing
-- asks nothing. Whether the figures stay within bounds is the caller's to know.
create function general_ledger.first_obstacle(
  p_operation general_ledger.operation, p_debit uuid, p_credit uuid, p_only_tenant text, p_amount bigint, p_currency text,
  p_debit_fits boolean, p_credit_fits boolean
) returns smallint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  d general_ledger.account;
  c general_ledger.account;
  is_draft constant boolean := p_operation = 'draft';
begin
  select * into d from general_ledger.account a where a.id = p_debit;
  select * into c from general_ledger.account a where a.id = p_credit;
  return case
    when d.id is null or d.tenant <> p_only_tenant then 5
    when c.id is null or c.tenant <> p_only_tenant then -5
    when p_amount = 0 then 0
    when d.status = 'closed' then 7
    when c.status = 'closed' then -7
    when not is_draft and d.status = 'pending' then 6
    when not is_draft and c.status = 'pending' then -6
    when not is_draft and d.client_blocked then 14
    when not is_draft and (d.status = 'blocked' or d.debit_blocked) then 8
    when not is_draft and (c.status = 'blocked' or c.credit_blocked) then -8
    when d.currency <> p_currency then 9
    when c.currency <> p_currency then -9
    when not is_draft and not p_debit_fits then 10
    when not is_draft and not p_credit_fits then -10
    else 0
  end;
end
$$;

revoke all on function general_ledger.append_journal, general_ledger.close_days, general_ledger.take_accounts, general_ledger.find_repeats,
  general_ledger.judge_changes, general_ledger.judge_reversal, general_ledger.first_obstacle from public;
grant execute on function general_ledger.close_days to finlego_app;
