-- The one way to post. A call judges a list of commands in order and books the accepted ones, in one transaction and a fixed number of
-- statements whatever the size. A refused command changes nothing and does not disturb the others.
--
--   lock the accounts in id order -> look keys and externalIds up -> judge -> payments, lines, keys -> entries -> accounts -> journal
--
-- The rules stand a second time in src/general-ledger/posting.ts, where they can be read without the plumbing; a property test holds
-- the two against each other. Result codes are those of `OUTCOMES` in posting.ts.
--
-- Plans must hold for a table of any size, because they are kept: joins of a table with the caller's arrays would do for an empty
-- table (read it whole, compare) what is ruinous for a full one. So tables are asked for `= any(array)` or one row at a time, never
-- joined; scans of whole tables are off; and the plan is the same from the first call (planning anew took a quarter of a batch of one).

-- Gives the next numbers to changes and writes their journal row. Locks the head, which the transaction then holds until its end:
-- call it last and commit at once. A second call in one transaction is refused, because it would deadlock with other writers.
create function general_ledger.append_journal(p_batch bigint, p_changes general_ledger.change[], p_subjects uuid[], out first_sequence bigint, out committed_at timestamptz)
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
  returning h.last_sequence - cardinality(p_subjects) + 1, h.last_at into first_sequence, committed_at;

  insert into general_ledger.journal (first_sequence, batch_id, size, committed_at, changes, subjects)
  values (append_journal.first_sequence, p_batch, cardinality(p_subjects), append_journal.committed_at, p_changes, p_subjects);
end
$$;

create function general_ledger.post_batch(
  p_accounts uuid[],        -- the touched accounts, each once, ascending; lines name them by position
  p_atomic boolean,         -- all commands or none
  p_time_zone text,         -- of the bank: today's date there is the value date unless given
  -- one element per command
  c_id uuid[],              -- of the new payment
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
  c_lines integer[],        -- number of lines
  -- one element per line, in the order of the commands
  l_payment uuid[],
  l_no smallint[],
  l_debit integer[],        -- position in p_accounts
  l_credit integer[],
  l_amount bigint[],
  l_currency text[],
  l_type general_ledger.payment_type[],
  l_description text[],
  -- results, per batch
  out o_first_sequence bigint,
  out o_booked_at timestamptz,
  out o_today date,
  -- per command
  out o_code smallint[],
  out o_account integer[],      -- the account a refusal is about
  out o_available bigint[],
  out o_required bigint[],
  out o_place integer[],        -- sequence = first_sequence + place
  out o_existing uuid[],        -- the payment that a repeat asks for
  out o_refusal text[],         -- the refusal kept under the key
  out o_client uuid[],
  -- per line, after it: number and balance of both accounts
  out o_debit_seq bigint[], out o_debit_balance bigint[],
  out o_credit_seq bigint[], out o_credit_balance bigint[],
  -- per account: holds, which a transfer does not change, and the side
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
  found_id uuid[]; tenant text[]; client uuid[]; currency text[]; status general_ledger.account_status[];
  debit_blocked boolean[]; credit_blocked boolean[]; floor bigint[];
  -- Nothing stands in the way of a debit or credit but currency, bounds and funds: most lines need no closer look.
  can_debit boolean[]; can_credit boolean[];
  bal bigint[]; seq bigint[];
  last_booked timestamptz;
  batch bigint;
  accepted integer := 0;
  refused integer := 0;
  i integer; j integer; k integer := 0; first integer; last integer; done integer;
  d integer; c integer; m bigint; code smallint; culprit integer; need bigint;
  payment_tenant text[] := array_fill(null::text, array[commands]);
  hit record;
begin
  if 1 > any (c_lines) or (select sum(n) from unnest(c_lines) u(n)) is distinct from lines then
    raise exception 'the lines do not fit the commands' using errcode = 'invalid_parameter_value';
  end if;

  -- 1. Lock and read, in id order: no two batches can wait for each other.
  select array_agg(a.id), array_agg(a.tenant), array_agg(a.client_id), array_agg(a.currency), array_agg(a.status),
         array_agg(a.debit_blocked), array_agg(a.credit_blocked), array_agg(a.floor_minor),
         array_agg(a.status = 'active' and not a.debit_blocked), array_agg(a.status = 'active' and not a.credit_blocked),
         array_agg(a.balance_minor), array_agg(a.held_minor), array_agg(a.last_seq), array_agg(a.credit_normal), max(a.last_booked_at)
  into found_id, tenant, client, currency, status, debit_blocked, credit_blocked, floor, can_debit, can_credit, bal, o_held, seq, o_credit_normal, last_booked
  from (select * from general_ledger.account where id = any(p_accounts) order by id for no key update) a;

  if found_id is distinct from p_accounts then
    if p_accounts is distinct from (select array_agg(distinct u.id order by u.id) from unnest(p_accounts) u(id)) then
      raise exception 'accounts are to be named once each, ascending' using errcode = 'invalid_parameter_value';
    end if;
    -- Some are unknown: bring what was found to the positions of p_accounts; the others stay null.
    select array_agg(f.id order by u.at), array_agg(f.tenant order by u.at), array_agg(f.client order by u.at), array_agg(f.currency order by u.at),
           array_agg(f.status order by u.at), array_agg(f.db order by u.at), array_agg(f.cb order by u.at), array_agg(f.floor order by u.at),
           array_agg(f.can_debit order by u.at), array_agg(f.can_credit order by u.at),
           array_agg(f.bal order by u.at), array_agg(f.held order by u.at), array_agg(f.seq order by u.at), array_agg(f.cn order by u.at)
    into found_id, tenant, client, currency, status, debit_blocked, credit_blocked, floor, can_debit, can_credit, bal, o_held, seq, o_credit_normal
    from unnest(p_accounts) with ordinality u(id, at)
    left join unnest(found_id, tenant, client, currency, status, debit_blocked, credit_blocked, floor, can_debit, can_credit, bal, o_held, seq, o_credit_normal)
      f(id, tenant, client, currency, status, db, cb, floor, can_debit, can_credit, bal, held, seq, cn) on f.id = u.id;
  end if;

  -- Taken after the locks, so that time never falls along an account. Whole milliseconds: what is shown is what is stored.
  o_booked_at := greatest(date_trunc('milliseconds', clock_timestamp()), last_booked);
  o_today := (o_booked_at at time zone p_time_zone)::date;
  o_code := array_fill(0::smallint, array[commands]);
  o_account := array_fill(null::integer, array[commands]);
  o_available := array_fill(null::bigint, array[commands]);
  o_required := array_fill(null::bigint, array[commands]);
  o_place := array_fill(null::integer, array[commands]);
  o_existing := array_fill(null::uuid, array[commands]);
  o_refusal := array_fill(null::text, array[commands]);
  o_client := array_fill(null::uuid, array[commands]);
  o_debit_seq := array_fill(null::bigint, array[lines]);
  o_debit_balance := o_debit_seq;
  o_credit_seq := o_debit_seq;
  o_credit_balance := o_debit_seq;

  -- 2. Repeats. Looked up after the locks, so that a twin that held them is seen; the unique keys judge the rest.
  for hit in
    select p.id, p.content, p.owner_tenant, p.external_id from general_ledger.payment p where p.external_id = any(c_external_id)
  loop
    i := array_position(c_external_id, hit.external_id);
    while i is not null loop
      if c_owner_tenant[i] = hit.owner_tenant then
        o_code[i] := case when c_content[i] = hit.content then 1 else 4 end;
        o_existing[i] := hit.id;
      end if;
      i := array_position(c_external_id, hit.external_id, i + 1);
    end loop;
  end loop;
  for hit in
    select k.id, k.fingerprint, k.payment_id, k.answer from platform.idempotency_key k where k.id = any(c_key)
  loop
    i := array_position(c_key, hit.id);
    o_code[i] := case when hit.fingerprint <> decode(c_request[i], 'hex') then 2 when hit.payment_id is not null then 1 else 3 end;
    o_existing[i] := hit.payment_id;
    o_refusal[i] := hit.answer;
  end loop;

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
    for j in first..last loop
      d := l_debit[j];
      c := l_credit[j];
      m := l_amount[j];
      if (can_debit[d] and can_credit[c] and not c_confined[i] and currency[d] = l_currency[j] and currency[c] = l_currency[j]
          and bal[d] - m >= -bound and bal[c] + m <= bound) is not true then
        -- The one reason why not, in the order of posting.ts.
        if found_id[d] is null or (c_confined[i] and tenant[d] <> c_owner_tenant[i]) then code := 5; culprit := d;
        elsif found_id[c] is null or (c_confined[i] and tenant[c] <> c_owner_tenant[i]) then code := 5; culprit := c;
        elsif status[d] = 'closed' then code := 7; culprit := d;
        elsif status[c] = 'closed' then code := 7; culprit := c;
        elsif status[d] = 'pending' then code := 6; culprit := d;
        elsif status[c] = 'pending' then code := 6; culprit := c;
        elsif status[d] = 'blocked' or debit_blocked[d] then code := 8; culprit := d;
        elsif status[c] = 'blocked' or credit_blocked[c] then code := 8; culprit := c;
        elsif currency[d] <> l_currency[j] then code := 9; culprit := d;
        elsif currency[c] <> l_currency[j] then code := 9; culprit := c;
        elsif bal[d] - m < -bound then code := 10; culprit := d;
        elsif bal[c] + m > bound then code := 10; culprit := c;
        end if;
        exit when code <> 0;
      end if;
      bal[d] := bal[d] - m;
      seq[d] := seq[d] + 1;
      bal[c] := bal[c] + m;
      seq[c] := seq[c] + 1;
      o_debit_seq[j] := seq[d];
      o_debit_balance[j] := bal[d];
      o_credit_seq[j] := seq[c];
      o_credit_balance[j] := bal[c];
      done := j;
    end loop;
    if code = 0 then
      -- Funds are judged once, at the end: the order of lines inside one payment means nothing.
      for j in first..last loop
        d := l_debit[j];
        if bal[d] - o_held[d] < floor[d] then
          code := 11;
          culprit := d;
          exit;
        end if;
      end loop;
    end if;
    if code <> 0 then
      need := 0;
      for j in first..done loop
        d := l_debit[j];
        c := l_credit[j];
        m := l_amount[j];
        bal[d] := bal[d] + m;
        seq[d] := seq[d] - 1;
        bal[c] := bal[c] - m;
        seq[c] := seq[c] - 1;
        need := need + case culprit when d then m when c then -m else 0 end;
        o_debit_seq[j] := null;
      end loop;
      if code = 11 then
        o_available[i] := bal[culprit] - o_held[culprit] - floor[culprit];
        o_required[i] := need;
      end if;
      o_code[i] := code;
      o_account[i] := culprit;
      refused := refused + 1;
      continue;
    end if;
    o_place[i] := accepted;
    accepted := accepted + 1;
    -- The payment is the debited client's, else the credited one's; its tenant is that client's.
    d := l_debit[first];
    c := l_credit[first];
    o_client[i] := coalesce(client[d], client[c]);
    payment_tenant[i] := case when c_confined[i] then c_owner_tenant[i] when client[d] is not null then tenant[d] when client[c] is not null then tenant[c] else 'default' end;
  end loop;

  if p_atomic and refused > 0 then
    return;
  end if;

  -- 4. Definite refusals are kept under their key. What may be mended (an unknown account) is not, except for items of a list.
  if refused > 0 then
    insert into platform.idempotency_key (id, fingerprint, status, answer)
    select u.key, decode(u.request, 'hex'), 409,
           json_build_object('code', u.code, 'account', p_accounts[u.account], 'available', u.available::text, 'required', u.required::text, 'trace', u.trace)::text
    from unnest(c_key, c_request, c_trace, c_keep_absent, o_code, o_account, o_available, o_required)
      u(key, request, trace, keep_absent, code, account, available, required)
    where u.key is not null and (u.code >= 6 or u.code = 4 or (u.code = 5 and u.keep_absent));
    insert into platform.idempotency_key (id, fingerprint, payment_id)
    select u.key, decode(u.request, 'hex'), u.existing
    from unnest(c_key, c_request, o_code, o_existing) u(key, request, code, existing)
    where u.key is not null and u.code = 1
    on conflict (id) do nothing;
  end if;
  if accepted = 0 then
    return;
  end if;

  -- 5. Write. Every table once.
  batch := nextval('general_ledger.batch');
  insert into general_ledger.payment (id, client_id, batch_id, place, type, state, value_date, created_at, posted_at, content, tenant, owner_tenant, created_by, external_id, description, reference, metadata)
  select u.id, u.client, batch, u.place, u.type, 'posted', coalesce(u.value_date, o_today), o_booked_at, o_booked_at, u.content, u.tenant, u.owner_tenant, u.created_by, u.external_id,
         u.description, u.reference, u.metadata::jsonb
  from unnest(c_id, o_client, o_place, c_type, c_value_date, c_content, payment_tenant, c_owner_tenant, c_created_by, c_external_id, c_description, c_reference, c_metadata)
    u(id, client, place, type, value_date, content, tenant, owner_tenant, created_by, external_id, description, reference, metadata)
  where u.place is not null;

  insert into general_ledger.payment_line (payment_id, line_no, debit_account_id, credit_account_id, amount_minor, debit_seq, credit_seq, currency, type, description)
  select u.payment, u.no, p_accounts[u.debit], p_accounts[u.credit], u.amount, u.debit_seq, u.credit_seq, u.currency, u.type, u.description
  from unnest(l_payment, l_no, l_debit, l_credit, l_amount, o_debit_seq, o_credit_seq, l_currency, l_type, l_description)
    u(payment, no, debit, credit, amount, debit_seq, credit_seq, currency, type, description)
  where u.debit_seq is not null;

  insert into platform.idempotency_key (id, fingerprint, payment_id)
  select u.key, decode(u.request, 'hex'), u.id
  from unnest(c_key, c_request, c_id, o_place) u(key, request, id, place)
  where u.key is not null and u.place is not null;

  insert into general_ledger.entry (account_id, payment_id, account_seq, amount_minor, balance_after, held_after, booked_at, line_no)
  select p_accounts[u.debit], u.payment, u.debit_seq, -u.amount, u.debit_balance, o_held[u.debit], o_booked_at, u.no
  from unnest(l_payment, l_no, l_debit, l_amount, o_debit_seq, o_debit_balance) u(payment, no, debit, amount, debit_seq, debit_balance)
  where u.debit_seq is not null
  union all
  select p_accounts[u.credit], u.payment, u.credit_seq, u.amount, u.credit_balance, o_held[u.credit], o_booked_at, u.no
  from unnest(l_payment, l_no, l_credit, l_amount, o_credit_seq, o_credit_balance, o_debit_seq)
    u(payment, no, credit, amount, credit_seq, credit_balance, debit_seq)
  where u.debit_seq is not null;

  -- p_accounts ascends, so width_bucket finds an account's place in it by binary search.
  update general_ledger.account a
  set balance_minor = bal[width_bucket(a.id, p_accounts)], last_seq = seq[width_bucket(a.id, p_accounts)],
      version = a.version + (seq[width_bucket(a.id, p_accounts)] - a.last_seq), last_booked_at = o_booked_at
  where a.id = any(p_accounts) and a.last_seq <> seq[width_bucket(a.id, p_accounts)];

  -- 6. Number the changes. Last: the head is held until the commit.
  select n.first_sequence into o_first_sequence
  from general_ledger.append_journal(
    batch,
    array_fill('payment.posted'::general_ledger.change, array[accepted]),
    (select array_agg(u.id order by u.place) from unnest(c_id, o_place) u(id, place) where u.place is not null)) n;
end
$$;

revoke all on function general_ledger.append_journal from public;
revoke all on function general_ledger.post_batch from public;
grant execute on function general_ledger.post_batch to finlego_app;

-- Numbers a change of one account (opened, changed, blocked, closed), in the transaction of the change.
create function general_ledger.journal_account_change(p_change general_ledger.change, p_account uuid, out sequence bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_change not in ('account.opened') then
    raise exception 'unknown change %', p_change using errcode = 'invalid_parameter_value';
  end if;
  if not exists (select from general_ledger.account a where a.id = p_account) then
    raise exception 'there is no account %', p_account using errcode = 'foreign_key_violation';
  end if;
  select n.first_sequence into sequence
  from general_ledger.append_journal(nextval('general_ledger.batch'), array[p_change], array[p_account]) n;
end
$$;
revoke all on function general_ledger.journal_account_change from public;
grant execute on function general_ledger.journal_account_change to finlego_app;
