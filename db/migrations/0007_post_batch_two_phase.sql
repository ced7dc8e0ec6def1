-- The one way to post, now with two-phase payments, reversals, version conditions, value dates and closed periods. A call judges a list
-- of commands in order and books the accepted ones, in one transaction and a fixed number of statements for payments of one step
-- whatever the size; a change of a drafted payment costs a few more of its own. A refused command changes nothing and does not disturb
-- the others.
--
--   lock the accounts in id order -> look keys, externalIds and payments up -> judge -> payments, lines, keys -> entries -> accounts -> journal
--
-- The rules stand a second time in posting.ts, where they can be read without the plumbing; a property test holds the two against each
-- other. Result codes are the positions in its list OUTCOMES.
--
-- Plans must hold for a table of any size, because they are kept: joins of a table with the caller's arrays would do for an empty
-- table (read it whole, compare) what is ruinous for a full one. So tables are asked for `= any(array)` or one row at a time, never
-- joined; scans of whole tables are off; and the plan is the same from the first call.

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

-- Why a payment may not undo another one: 0 it may, 5 there is no such payment for the caller, 16 it is not posted, is a reversal itself
-- or has one already, 17 the lines are not its booked lines with the sides exchanged.
create function general_ledger.judge_reversal(
  p_reversed uuid, p_only_tenant text, p_debit uuid[], p_credit uuid[], p_amount bigint[], p_currency text[]
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
      from (select row(u.debit, u.credit, u.amount, u.currency)::text as line
            from unnest(p_debit, p_credit, p_amount, p_currency) u(debit, credit, amount, currency)) x) then
    return 17;
  end if;
  return 0;
end
$$;

create function general_ledger.post_batch(
  p_accounts uuid[],        -- the touched accounts, each once, ascending; lines name them by position
  p_atomic boolean,         -- all commands or none
  p_time_zone text,         -- of the bank: today's date there is the value date unless given
  -- one element per command; a list that is null altogether stands for nulls
  c_operation general_ledger.operation[], -- null: transfer
  c_id uuid[],              -- of the new payment, or of the one to change
  c_owner_tenant text[],    -- tenant of the caller: externalIds are unique within it
  c_confined boolean[],     -- the caller sees its tenant only
  c_created_by text[],      -- subject of the caller
  c_external_id text[],
  c_content uuid[],         -- what the caller asked for, hashed
  c_key uuid[],             -- idempotency key, hashed with its owner; null: none
  c_request text[],         -- hex SHA-256 of the request under that key
  c_trace text[],           -- trace id, kept with a refusal under a key
  c_keep_absent boolean[],  -- keep notFound under the key too (items of a list are answered once and for all)
  c_type general_ledger.payment_type[],
  c_value_date date[],
  c_description text[],
  c_reference text[],
  c_metadata text[],
  c_reason text[],
  c_expires_at timestamptz[],
  c_reverses uuid[],        -- the payment that this one undoes
  c_client uuid[],          -- the client whom the payment is about; must own one of its accounts
  c_lines integer[],        -- number of lines
  -- one element per line, in the order of the commands; for a change: the payment's lines as they were drafted
  l_payment uuid[],
  l_no smallint[],
  l_debit integer[],        -- position in p_accounts
  l_credit integer[],
  l_amount bigint[],
  l_currency text[],
  l_type general_ledger.payment_type[],
  l_description text[],
  l_capture bigint[],       -- post: what to book of the line, 0 releases it whole; null: all
  -- conditions: the account must be at this version when the command is judged
  v_command integer[],
  v_account integer[],
  v_version bigint[],
  -- results, per batch
  out o_first_sequence bigint,
  out o_booked_at timestamptz,
  out o_today date,
  out o_first_open date,        -- the first day that is not closed; null: no day is
  -- per command
  out o_code smallint[],
  out o_account integer[],      -- the account a refusal is about
  out o_available bigint[],     -- insufficientFunds: what there is; a version condition: the version found
  out o_required bigint[],      -- insufficientFunds: what is needed; a version condition: the version asked for
  out o_place integer[],        -- sequence = first_sequence + place
  out o_existing uuid[],        -- the payment that a repeat asks for
  out o_change smallint[],      -- the change of it: of a repeat the one answered then, of an accepted change its number
  out o_refusal text[],         -- the refusal kept under the key
  out o_client uuid[],
  -- per line that was booked: number, balance and (only when the batch has drafted payments) holds of both accounts after it
  out o_debit_seq bigint[], out o_debit_balance bigint[], out o_debit_held bigint[],
  out o_credit_seq bigint[], out o_credit_balance bigint[], out o_credit_held bigint[],
  -- of the accepted commands that are no transfers, in order: six figures a line (see payment_change.stands), as the command left them
  out o_stands bigint[],
  -- per command that changes a payment: when it was pended, and the last reason given for a change before this one
  out o_pended_at timestamptz[],
  out o_reason text[],
  -- per account
  out o_held bigint[],
  out o_credit_normal boolean[]
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  bound constant bigint := 9000000000000000000;
  commands constant integer := cardinality(c_id);
  lines constant integer := cardinality(l_payment);
  -- Only transfers: the arrays of two-phase payments stay empty, and nothing is paid for them.
  phased constant boolean := c_operation is not null;
  found_id uuid[]; tenant text[]; client uuid[]; currency text[]; floor bigint[];
  -- Nothing stands in the way of a debit or credit but tenant, currency, bounds and funds: most lines need no closer look.
  can_debit boolean[]; can_credit boolean[];
  bal bigint[]; seq bigint[];
  -- Holds and announced money, and how far an account's version is ahead of its last number.
  held bigint[]; incoming bigint[]; ahead bigint[];
  last_booked timestamptz;
  closed date; closed_at_commit date;
  batch bigint;
  accepted integer := 0;
  refused integer := 0;
  i integer; j integer; k integer := 0; first integer; last integer; done integer;
  d integer; c integer; m bigint; code smallint; culprit integer; need bigint; version bigint;
  op general_ledger.operation := 'transfer';
  moves boolean;
  debited record; credited record;
  payment_tenant text[] := array_fill(null::text, array[commands]);
  subjects uuid[] := array_fill(null::uuid, array[commands]);
  -- Of two-phase payments: state, change number and end of the payments to change; whether a line is new, what of it is booked.
  states general_ledger.payment_state[]; expires timestamptz[]; changes general_ledger.change[];
  fresh boolean[]; amount bigint[] := l_amount; stands bigint[]; reversed uuid[] := '{}';
  hit record;
begin
  if 1 > any (c_lines) or (select sum(n) from unnest(c_lines) u(n)) is distinct from lines then
    raise exception 'the lines do not fit the commands' using errcode = 'invalid_parameter_value';
  end if;

  -- 1. Lock and read, in id order: no two batches can wait for each other.
  select array_agg(a.id), array_agg(a.tenant), array_agg(a.client_id), array_agg(a.currency), array_agg(a.floor_minor),
         array_agg(a.status = 'active' and not a.debit_blocked and not a.client_blocked), array_agg(a.status = 'active' and not a.credit_blocked),
         array_agg(a.balance_minor), array_agg(a.held_minor), array_agg(a.last_seq), array_agg(a.credit_normal), max(a.last_booked_at)
  into found_id, tenant, client, currency, floor, can_debit, can_credit, bal, o_held, seq, o_credit_normal, last_booked
  from (select * from general_ledger.account where id = any(p_accounts) order by id for no key update) a;

  if found_id is distinct from p_accounts then
    if p_accounts is distinct from (select array_agg(distinct u.id order by u.id) from unnest(p_accounts) u(id)) then
      raise exception 'accounts are to be named once each, ascending' using errcode = 'invalid_parameter_value';
    end if;
    -- Some are unknown: bring what was found to the positions of p_accounts; the others stay null.
    select array_agg(f.id order by u.at), array_agg(f.tenant order by u.at), array_agg(f.client order by u.at), array_agg(f.currency order by u.at),
           array_agg(f.floor order by u.at), array_agg(f.can_debit order by u.at), array_agg(f.can_credit order by u.at),
           array_agg(f.bal order by u.at), array_agg(f.held order by u.at), array_agg(f.seq order by u.at), array_agg(f.cn order by u.at)
    into found_id, tenant, client, currency, floor, can_debit, can_credit, bal, o_held, seq, o_credit_normal
    from unnest(p_accounts) with ordinality u(id, at)
    left join unnest(found_id, tenant, client, currency, floor, can_debit, can_credit, bal, o_held, seq, o_credit_normal)
      f(id, tenant, client, currency, floor, can_debit, can_credit, bal, held, seq, cn) on f.id = u.id;
  end if;

  -- Taken after the locks, so that time never falls along an account. Whole milliseconds: what is shown is what is stored.
  o_booked_at := greatest(date_trunc('milliseconds', clock_timestamp()), last_booked);
  o_today := (o_booked_at at time zone p_time_zone)::date;
  select h.closed_through into closed from general_ledger.ledger_head h where h.id = 1;
  if closed > '-infinity' then
    o_first_open := closed + 1;
  end if;
  o_code := array_fill(0::smallint, array[commands]);
  o_account := array_fill(null::integer, array[commands]);
  o_available := array_fill(null::bigint, array[commands]);
  o_required := o_available;
  o_place := o_account;
  o_existing := subjects;
  o_change := array_fill(null::smallint, array[commands]);
  o_refusal := payment_tenant;
  o_client := subjects;
  o_debit_seq := array_fill(null::bigint, array[lines]);
  o_debit_balance := o_debit_seq;
  o_credit_seq := o_debit_seq;
  o_credit_balance := o_debit_seq;
  held := o_held;

  -- 2. Repeats. Looked up after the locks, so that a twin that held them is seen; the unique keys judge the rest.
  for hit in
    select p.id, p.content, p.owner_tenant, p.external_id, p.change_no from general_ledger.payment p where p.external_id = any(c_external_id)
  loop
    i := array_position(c_external_id, hit.external_id);
    while i is not null loop
      if c_owner_tenant[i] = hit.owner_tenant then
        o_code[i] := case when c_content[i] = hit.content then 1 else 4 end;
        o_existing[i] := hit.id;
        o_change[i] := hit.change_no;
      end if;
      i := array_position(c_external_id, hit.external_id, i + 1);
    end loop;
  end loop;
  for hit in
    select k.id, k.fingerprint, k.payment_id, k.payment_change, k.answer from platform.idempotency_key k where k.id = any(c_key)
  loop
    i := array_position(c_key, hit.id);
    o_code[i] := case when hit.fingerprint <> decode(c_request[i], 'hex') then 2 when hit.payment_id is not null then 1 else 3 end;
    o_existing[i] := hit.payment_id;
    -- Negative: the answer of then, not the payment as it is now.
    o_change[i] := -coalesce(hit.payment_change, 1);
    o_refusal[i] := hit.answer;
  end loop;

  if phased or v_command is not null then
    select array_agg(a.incoming_minor order by u.at), array_agg(a.version - a.last_seq order by u.at)
    into incoming, ahead
    from unnest(p_accounts) with ordinality u(id, at)
    left join lateral (select * from general_ledger.account a where a.id = u.id limit 1) a on true;
  end if;
  if phased then
    -- A payment's state changes only under the locks of its accounts, which are held.
    o_debit_held := o_debit_seq;
    o_credit_held := o_debit_seq;
    fresh := array_fill(false, array[lines]);
    states := array_fill(null::general_ledger.payment_state, array[commands]);
    expires := array_fill(null::timestamptz, array[commands]);
    changes := array_fill(null::general_ledger.change, array[commands]);
    o_pended_at := expires;
    o_reason := payment_tenant;
    for i in 1..commands loop
      if c_operation[i] >= 'pend' then
        select p.state, p.expires_at, p.change_no, p.tenant, p.created_at, p.pended_at, p.reason into hit from general_ledger.payment p where p.id = c_id[i];
        if not found or (c_confined[i] and hit.tenant <> c_owner_tenant[i]) then
          o_code[i] := case when o_code[i] = 0 then 5 else o_code[i] end;
        elsif array_position(c_id, c_id[i], i + 1) is not null then
          raise exception 'one call may change a payment once' using errcode = 'invalid_parameter_value';
        else
          states[i] := hit.state;
          expires[i] := hit.expires_at;
          o_pended_at[i] := hit.pended_at;
          o_reason[i] := hit.reason;
          -- Time never falls along a payment either.
          o_booked_at := greatest(o_booked_at, hit.created_at, hit.pended_at);
          if o_code[i] = 0 then
            o_change[i] := hit.change_no;
          end if;
        end if;
      end if;
    end loop;
    o_today := (o_booked_at at time zone p_time_zone)::date;
  end if;

  -- 3. Judge, in order. A command's lines are applied one by one and taken back when it is refused.
  for i in 1..commands loop
    first := k + 1;
    last := k + c_lines[i];
    k := last;
    code := o_code[i];
    if code <> 0 then
      refused := refused + 1;
      continue;
    end if;
    culprit := null;
    done := first - 1;

    if phased then
      op := c_operation[i];
      -- What the payment's state says of the change: go on, done before, or never.
      if op >= 'pend' then
        code := case
          when op = 'pend' and states[i] = 'pending' or op = 'post' and states[i] = 'posted' or op >= 'cancel' and states[i] = 'cancelled' then 12
          when op = 'pend' and states[i] = 'draft' or op = 'post' and states[i] = 'pending' or op >= 'cancel' and states[i] in ('draft', 'pending') then 0
          else 13 end;
        if code = 12 then
          -- A payment that was posted with other amounts cannot be posted with these.
          if op = 'post' and l_capture is not null and exists (
            select from generate_series(first, last) n
            where l_capture[n] is not null and l_capture[n] is distinct from
              (select coalesce(l.posted_minor, l.amount_minor) from general_ledger.payment_line l where l.payment_id = c_id[i] and l.line_no = l_no[n])
          ) then
            code := 13;
          else
            o_code[i] := 12;
            o_existing[i] := c_id[i];
            continue;
          end if;
        end if;
        if code = 0 and op = 'expire' and (expires[i] > o_booked_at) is not false then
          code := 13;
        elsif code = 0 and op in ('pend', 'post') and expires[i] <= o_booked_at then
          code := 18;
        end if;
      end if;
    end if;
    if code = 0 and op < 'pend' and c_expires_at[i] <= o_booked_at then
      code := 20;
    end if;

    if code = 0 and v_command is not null then
      for j in 1..cardinality(v_command) loop
        d := v_account[j];
        if v_command[j] = i and found_id[d] is not null and (not c_confined[i] or tenant[d] = c_owner_tenant[i]) then
          version := seq[d] + ahead[d];
          if version <> v_version[j] then
            code := 15;
            culprit := d;
            o_available[i] := version;
            o_required[i] := v_version[j];
            exit;
          end if;
        end if;
      end loop;
    end if;

    if code = 0 and op < 'pend' and c_client[i] is not null
       and not exists (select from generate_series(first, last) n where c_client[i] in (client[l_debit[n]], client[l_credit[n]])) then
      code := 19;
    end if;

    if code = 0 and c_reverses[i] is not null then
      code := case when c_reverses[i] = any(reversed) then 16 else
        general_ledger.judge_reversal(c_reverses[i], case when c_confined[i] then c_owner_tenant[i] end,
          (select array_agg(p_accounts[l_debit[n]] order by n) from generate_series(first, last) n),
          (select array_agg(p_accounts[l_credit[n]] order by n) from generate_series(first, last) n),
          l_amount[first:last], l_currency[first:last]) end;
    end if;

    -- Cancelling gives back what is held, whatever has become of the accounts.
    if code = 0 and op < 'cancel' then
      moves := op in ('transfer', 'post');
      for j in first..last loop
        d := l_debit[j];
        c := l_credit[j];
        m := l_amount[j];
        if phased and op = 'post' and l_capture[j] is not null then
          m := l_capture[j];
          amount[j] := m;
        end if;
        if (can_debit[d] and can_credit[c] and (not c_confined[i] or (tenant[d] = c_owner_tenant[i] and tenant[c] = c_owner_tenant[i]))
            and currency[d] = l_currency[j] and currency[c] = l_currency[j]
            and case when moves then bal[d] - m >= -bound and bal[c] + m <= bound else held[d] + m <= bound and incoming[c] + m <= bound end) is not true then
          -- The one reason why not, in the order of posting.ts. A draft only asks whether the payment makes sense; a line of which
          -- nothing is booked asks nothing.
          select a.* into debited from general_ledger.account a where a.id = p_accounts[d];
          select a.* into credited from general_ledger.account a where a.id = p_accounts[c];
          if found_id[d] is null or (c_confined[i] and tenant[d] <> c_owner_tenant[i]) then code := 5; culprit := d;
          elsif found_id[c] is null or (c_confined[i] and tenant[c] <> c_owner_tenant[i]) then code := 5; culprit := c;
          elsif m = 0 then code := 0;
          elsif debited.status = 'closed' then code := 7; culprit := d;
          elsif credited.status = 'closed' then code := 7; culprit := c;
          elsif op <> 'draft' and debited.status = 'pending' then code := 6; culprit := d;
          elsif op <> 'draft' and credited.status = 'pending' then code := 6; culprit := c;
          elsif op <> 'draft' and debited.client_blocked then code := 14; culprit := d;
          elsif op <> 'draft' and (debited.status = 'blocked' or debited.debit_blocked) then code := 8; culprit := d;
          elsif op <> 'draft' and (credited.status = 'blocked' or credited.credit_blocked) then code := 8; culprit := c;
          elsif currency[d] <> l_currency[j] then code := 9; culprit := d;
          elsif currency[c] <> l_currency[j] then code := 9; culprit := c;
          elsif moves and bal[d] - m < -bound then code := 10; culprit := d;
          elsif moves and bal[c] + m > bound then code := 10; culprit := c;
          elsif op in ('hold', 'pend') and o_credit_normal[d] and held[d] + m > bound then code := 10; culprit := d;
          elsif op in ('hold', 'pend') and o_credit_normal[c] and incoming[c] + m > bound then code := 10; culprit := c;
          end if;
          exit when code <> 0;
        end if;
        if phased and op <> 'draft' and op <> 'transfer' then
          -- What is ordered is held and announced on the credit side of the books only; what is posted gives it back.
          need := case when op = 'post' then -l_amount[j] else l_amount[j] end;
          if o_credit_normal[d] then held[d] := held[d] + need; end if;
          if o_credit_normal[c] then incoming[c] := incoming[c] + need; end if;
          ahead[d] := ahead[d] + 1;
          ahead[c] := ahead[c] + 1;
        end if;
        if moves and m > 0 then
          bal[d] := bal[d] - m;
          seq[d] := seq[d] + 1;
          bal[c] := bal[c] + m;
          seq[c] := seq[c] + 1;
          o_debit_seq[j] := seq[d];
          o_debit_balance[j] := bal[d];
          o_credit_seq[j] := seq[c];
          o_credit_balance[j] := bal[c];
          if phased then
            o_debit_held[j] := held[d];
            o_credit_held[j] := held[c];
          end if;
        end if;
        done := j;
      end loop;
      if code = 0 and op = 'post' and not exists (select from generate_series(first, last) n where o_debit_seq[n] is not null) then
        raise exception 'payment % would be posted without an amount', c_id[i] using errcode = 'invalid_parameter_value';
      end if;
      if code = 0 and op in ('transfer', 'hold', 'pend') then
        -- Funds are judged once, at the end: the order of lines inside one payment means nothing. A post needs none: they are held.
        for j in first..last loop
          d := l_debit[j];
          if bal[d] - held[d] < floor[d] then
            code := 11;
            culprit := d;
            exit;
          end if;
        end loop;
      end if;
    elsif code = 0 and states[i] = 'pending' then
      for j in first..last loop
        d := l_debit[j];
        c := l_credit[j];
        if o_credit_normal[d] then held[d] := held[d] - l_amount[j]; end if;
        if o_credit_normal[c] then incoming[c] := incoming[c] - l_amount[j]; end if;
        ahead[d] := ahead[d] + 1;
        ahead[c] := ahead[c] + 1;
      end loop;
    end if;

    if code <> 0 then
      need := 0;
      for j in first..done loop
        d := l_debit[j];
        c := l_credit[j];
        if phased and op <> 'draft' and op <> 'transfer' then
          m := case when op = 'post' then -l_amount[j] else l_amount[j] end;
          if o_credit_normal[d] then held[d] := held[d] - m; end if;
          if o_credit_normal[c] then incoming[c] := incoming[c] - m; end if;
          ahead[d] := ahead[d] - 1;
          ahead[c] := ahead[c] - 1;
        end if;
        m := amount[j];
        if o_debit_seq[j] is not null then
          bal[d] := bal[d] + m;
          seq[d] := seq[d] - 1;
          bal[c] := bal[c] - m;
          seq[c] := seq[c] - 1;
          o_debit_seq[j] := null;
        end if;
        -- A transfer may spend what it brings; a hold takes only what is there.
        need := need + case when culprit = d then m when culprit = c and op = 'transfer' then -m else 0 end;
      end loop;
      if code = 11 then
        o_available[i] := bal[culprit] - held[culprit] - floor[culprit];
        o_required[i] := need;
      end if;
      o_code[i] := code;
      o_account[i] := culprit;
      refused := refused + 1;
      continue;
    end if;

    o_place[i] := accepted;
    accepted := accepted + 1;
    subjects[accepted] := c_id[i];
    -- The payment is the debited client's, else the credited one's; its tenant is that client's.
    d := l_debit[first];
    c := l_credit[first];
    o_client[i] := coalesce(c_client[i], client[d], client[c]);
    payment_tenant[i] := case when c_confined[i] then c_owner_tenant[i] when client[d] is not null then tenant[d] when client[c] is not null then tenant[c] else 'default' end;
    if c_reverses[i] is not null then
      reversed := reversed || c_reverses[i];
    end if;
    if phased then
      changes[accepted] := case when op in ('transfer', 'post') then 'payment.posted' when op = 'draft' then 'payment.drafted'
        when op in ('hold', 'pend') then 'payment.pending' else 'payment.cancelled' end::general_ledger.change;
      if op < 'pend' then
        for j in first..last loop
          fresh[j] := true;
        end loop;
      end if;
      if op <> 'transfer' then
        o_change[i] := coalesce(o_change[i], 0) + 1;
        for j in first..last loop
          d := l_debit[j];
          c := l_credit[j];
          o_stands := o_stands || array[seq[d], bal[d], held[d], seq[c], bal[c], held[c]];
        end loop;
      end if;
    end if;
  end loop;

  if p_atomic and refused > 0 then
    return;
  end if;

  -- 4. Definite refusals are kept under their key. What may be mended (an unknown account) is not, except for items of a list.
  -- What was done before is kept as the answer that it got.
  if refused > 0 or phased then
    insert into platform.idempotency_key (id, fingerprint, status, answer)
    select u.key, decode(u.request, 'hex'), 409,
           json_build_object('code', u.code, 'account', p_accounts[u.account], 'available', u.available::text, 'required', u.required::text, 'trace', u.trace)::text
    from unnest(c_key, c_request, c_trace, c_keep_absent, o_code, o_account, o_available, o_required)
      u(key, request, trace, keep_absent, code, account, available, required)
    where u.key is not null and (u.code between 6 and 11 or u.code between 13 and 18 or u.code = 4 or (u.code = 5 and u.keep_absent));
    insert into platform.idempotency_key (id, fingerprint, payment_id, payment_change)
    select u.key, decode(u.request, 'hex'), u.existing, u.change
    from unnest(c_key, c_request, o_code, o_existing, o_change) u(key, request, code, existing, change)
    where u.key is not null and u.code in (1, 12) and u.change > 0
    on conflict (id) do nothing;
  end if;
  if accepted = 0 then
    return;
  end if;

  -- 5. Write. Every table once.
  batch := nextval('general_ledger.batch');
  insert into general_ledger.payment (id, client_id, batch_id, place, type, state, value_date, asked_value_date, created_at, pended_at, posted_at, content, tenant, owner_tenant,
         created_by, external_id, description, reference, reason, metadata, expires_at, reverses_payment_id)
  select u.id, u.client, batch, u.place, u.type,
         case u.operation when 'draft' then 'draft' when 'hold' then 'pending' else 'posted' end::general_ledger.payment_state,
         greatest(coalesce(u.value_date, o_today), o_first_open), case when u.value_date < o_first_open then u.value_date end,
         o_booked_at, case when u.operation = 'hold' then o_booked_at end, case when u.operation is null or u.operation = 'transfer' then o_booked_at end,
         u.content, u.tenant, u.owner_tenant, u.created_by, u.external_id, u.description, u.reference, u.reason, u.metadata::jsonb, u.expires_at, u.reverses
  from unnest(c_id, c_operation, o_client, o_place, c_type, c_value_date, c_content, payment_tenant, c_owner_tenant, c_created_by, c_external_id, c_description, c_reference,
              c_reason, c_metadata, c_expires_at, c_reverses)
    u(id, operation, client, place, type, value_date, content, tenant, owner_tenant, created_by, external_id, description, reference, reason, metadata, expires_at, reverses)
  where u.place is not null and (u.operation is null or u.operation < 'pend');

  insert into general_ledger.payment_line (payment_id, line_no, debit_account_id, credit_account_id, amount_minor, debit_seq, credit_seq, currency, type, description, drafted_in)
  select u.payment, u.no, p_accounts[u.debit], p_accounts[u.credit], u.amount, u.debit_seq, u.credit_seq, u.currency, u.type, u.description,
         case when u.debit_seq is null then batch end
  from unnest(l_payment, l_no, l_debit, l_credit, l_amount, o_debit_seq, o_credit_seq, l_currency, l_type, l_description, fresh)
    u(payment, no, debit, credit, amount, debit_seq, credit_seq, currency, type, description, fresh)
  where case when phased then u.fresh else u.debit_seq is not null end;

  insert into platform.idempotency_key (id, fingerprint, payment_id, payment_change)
  select u.key, decode(u.request, 'hex'), u.id, u.change
  from unnest(c_key, c_request, c_id, o_place, o_change) u(key, request, id, place, change)
  where u.key is not null and u.place is not null;

  if phased then
    -- Changes of payments that were there before, one by one: each is a look-up by key. The expected state is compared and set.
    for i in 1..commands loop
      op := c_operation[i];
      continue when o_place[i] is null or op < 'pend';
      update general_ledger.payment p
      set state = case op when 'pend' then 'pending' when 'post' then 'posted' else 'cancelled' end::general_ledger.payment_state,
          batch_id = batch, place = o_place[i], change_no = o_change[i], reason = coalesce(c_reason[i], p.reason),
          pended_at = case when op = 'pend' then o_booked_at else p.pended_at end,
          posted_at = case when op = 'post' then o_booked_at end,
          cancelled_at = case when op >= 'cancel' then o_booked_at end,
          value_date = case when op = 'post' then greatest(coalesce(c_value_date[i], o_today), o_first_open) else p.value_date end,
          asked_value_date = case when op = 'post' then case when c_value_date[i] < o_first_open then c_value_date[i] end else p.asked_value_date end
      where p.id = c_id[i] and p.state = states[i] and p.change_no = o_change[i] - 1;
      if not found then
        raise exception 'payment % was changed under the locks of its accounts', c_id[i] using errcode = 'serialization_failure';
      end if;
      if op >= 'cancel' then
        update general_ledger.reversal r set withdrawn = true where r.reversing_payment_id = c_id[i] and not r.withdrawn;
      end if;
    end loop;
    k := 0;
    j := 0;
    for i in 1..commands loop
      first := k + 1;
      last := k + c_lines[i];
      k := last;
      op := c_operation[i];
      continue when o_place[i] is null or op = 'transfer';
      insert into general_ledger.payment_change (payment_id, change_no, batch_id, place, change, changed_at, value_date, changed_by, reason, stands)
      select p.id, p.change_no, batch, o_place[i], changes[o_place[i] + 1], o_booked_at, p.value_date, c_created_by[i], c_reason[i],
             o_stands[j + 1 : j + 6 * c_lines[i]]
      from general_ledger.payment p
      where p.id = c_id[i];
      j := j + 6 * c_lines[i];
      continue when op <> 'post';
      for d in first..last loop
        update general_ledger.payment_line l
        set debit_seq = o_debit_seq[d], credit_seq = o_credit_seq[d], posted_minor = amount[d]
        where l.payment_id = c_id[i] and l.line_no = l_no[d] and l.amount_minor = l_amount[d]
          and l.debit_account_id = p_accounts[l_debit[d]] and l.credit_account_id = p_accounts[l_credit[d]];
        if not found then
          raise exception 'line % of payment % is another one', l_no[d], c_id[i] using errcode = 'invalid_parameter_value';
        end if;
      end loop;
    end loop;
  end if;
  if c_metadata is not null then
    insert into general_ledger.payment_metadata (name, value, payment_id)
    select e.key, e.value, u.id
    from unnest(c_id, o_place, c_metadata) u(id, place, metadata)
    cross join lateral jsonb_each_text(u.metadata::jsonb) e
    where u.place is not null and u.metadata is not null;
  end if;
  if c_expires_at is not null and phased then
    insert into general_ledger.payment_expiry (expires_at, payment_id)
    select u.expires_at, u.id
    from unnest(c_id, o_place, c_expires_at, c_operation) u(id, place, expires_at, operation)
    where u.place is not null and u.expires_at is not null and u.operation in ('draft', 'hold');
  end if;
  if c_reverses is not null then
    insert into general_ledger.reversal (reversing_payment_id, reversed_payment_id)
    select u.id, u.reverses
    from unnest(c_id, o_place, c_reverses) u(id, place, reverses)
    where u.place is not null and u.reverses is not null;
  end if;

  insert into general_ledger.entry (account_id, payment_id, account_seq, amount_minor, balance_after, held_after, booked_at, line_no)
  select p_accounts[u.debit], u.payment, u.debit_seq, -u.amount, u.debit_balance, case when phased then u.debit_held else o_held[u.debit] end, o_booked_at, u.no
  from unnest(l_payment, l_no, l_debit, amount, o_debit_seq, o_debit_balance, o_debit_held)
    u(payment, no, debit, amount, debit_seq, debit_balance, debit_held)
  where u.debit_seq is not null
  union all
  select p_accounts[u.credit], u.payment, u.credit_seq, u.amount, u.credit_balance, case when phased then u.credit_held else o_held[u.credit] end, o_booked_at, u.no
  from unnest(l_payment, l_no, l_credit, amount, o_credit_seq, o_credit_balance, o_credit_held, o_debit_seq)
    u(payment, no, credit, amount, credit_seq, credit_balance, credit_held, debit_seq)
  where u.debit_seq is not null;

  -- p_accounts ascends, so width_bucket finds an account's place in it by binary search.
  if phased then
    update general_ledger.account a
    set balance_minor = bal[width_bucket(a.id, p_accounts)], last_seq = seq[width_bucket(a.id, p_accounts)],
        held_minor = held[width_bucket(a.id, p_accounts)], incoming_minor = incoming[width_bucket(a.id, p_accounts)],
        version = seq[width_bucket(a.id, p_accounts)] + ahead[width_bucket(a.id, p_accounts)],
        last_booked_at = case when a.last_seq <> seq[width_bucket(a.id, p_accounts)] then o_booked_at else a.last_booked_at end
    where a.id = any(p_accounts) and a.version <> seq[width_bucket(a.id, p_accounts)] + ahead[width_bucket(a.id, p_accounts)];
  else
    update general_ledger.account a
    set balance_minor = bal[width_bucket(a.id, p_accounts)], last_seq = seq[width_bucket(a.id, p_accounts)],
        version = a.version + (seq[width_bucket(a.id, p_accounts)] - a.last_seq), last_booked_at = o_booked_at
    where a.id = any(p_accounts) and a.last_seq <> seq[width_bucket(a.id, p_accounts)];
  end if;

  -- 6. Number the changes. Last: the head is held until the commit. Whoever closed days meanwhile has changed what a value date may be.
  select n.first_sequence, n.closed_through into o_first_sequence, closed_at_commit
  from general_ledger.append_journal(
    batch,
    case when phased then changes[1:accepted] else array_fill('payment.posted'::general_ledger.change, array[accepted]) end,
    subjects[1:accepted]) n;
  if closed_at_commit <> closed then
    raise exception 'days were closed meanwhile' using errcode = 'serialization_failure';
  end if;
end
$$;

revoke all on function general_ledger.append_journal from public;
revoke all on function general_ledger.judge_reversal from public;
revoke all on function general_ledger.post_batch from public;
grant execute on function general_ledger.post_batch to finlego_app;

-- Closes the days up to and including `p_through`: from now on no payment gets a value date there. Days are never opened again.
create function general_ledger.close_days(p_through date) returns date
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  result date;
begin
  update general_ledger.ledger_head h set closed_through = greatest(h.closed_through, p_through) where h.id = 1
  returning h.closed_through into result;
  return result;
end
$$;
revoke all on function general_ledger.close_days from public;
grant execute on function general_ledger.close_days to finlego_app;
