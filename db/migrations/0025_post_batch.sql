-- What a batch costs (docs/decisions/0018). Behaviour is that of 0014; only the way differs:
--   - A query inside an expression (`... and not exists (select ...)`) is executed whole each time the expression is asked, even where an
--     earlier part decides it: in the loop over commands that was an eighth of the cost of a payment. It stands in an `if` of its own.
--   - Transfers of one line, on which nothing else hangs, are judged by one condition. What does not pass goes the long way, which knows why.
--   - Repeats are looked for by two probes, and only where some are expected or something is refused; only where there are any are they
--     told apart. Elsewhere the unique keys find them.

drop function general_ledger.post_batch;
create function general_ledger.post_batch(
  p_accounts uuid[],        -- the touched accounts, each once, ascending; lines name them by position
  p_atomic boolean,         -- all commands or none
  p_time_zone text,         -- of the bank: today's date there is the value date unless given
  p_expects_repeats boolean, -- false: a batch that holds a repeat may fail with unique_violation, and is to be sent again with true
  -- one element per command; a list that is null altogether stands for nulls
  c_operation general_ledger.operation[], -- null: transfer
  c_id uuid[],              -- of the new payment, or of the one to change
  c_owner_tenant text[],    -- tenant of the caller: externalIds are unique within it
  c_confined boolean[], c_created_by text[], -- the caller sees its tenant only; subject of the caller
  c_external_id text[], c_content uuid[], -- what the caller asked for, hashed
  c_key uuid[], c_request bytea[], -- idempotency key, hashed with its owner, or null; SHA-256 of the request under it
  c_trace text,             -- trace ids, kept with refusals under a key: the text of an array, read only when there are any
  c_keep_absent boolean[],  -- keep notFound under the key too (items of a list are answered once and for all)
  c_type general_ledger.payment_type[], c_value_date date[], c_description text[], c_reference text[], c_metadata text[],
  c_reason text[], c_expires_at timestamptz[],
  c_reverses uuid[], c_client uuid[], -- the payment that this one undoes; whom it is about: must own one of its accounts
  c_lines integer[],        -- number of lines; null: each has one
  -- one element per line, in the order of the commands; for a change: the payment's lines as they were drafted
  l_debit integer[], l_credit integer[], -- positions in p_accounts
  l_amount bigint[], l_currency text[], l_description text[],
  l_type general_ledger.payment_type[], -- null: each has its payment's, which has no other line
  l_capture bigint[],       -- post: what to book of the line, 0 releases it whole; null: all
  -- conditions in the order of the commands: the account must be at this version when the command is judged
  v_command integer[], v_account integer[], v_version bigint[],
  -- results, per batch
  out o_first_sequence bigint, out o_booked_at timestamptz, out o_today date,
  out o_first_open date,        -- the first day that is not closed; null: no day is
  -- per command
  out o_code smallint[],        -- the accepted ones are numbered in their order, from first_sequence
  out o_account integer[],      -- the account a refusal is about
  out o_available bigint[], out o_required bigint[], -- insufficientFunds: what there is, what is needed; a condition: version found, asked for
  out o_existing uuid[],        -- the payment that a repeat asks for
  out o_change smallint[],      -- the change of it: of a repeat the one answered then, of an accepted change its number
  out o_refusal text[], out o_client uuid[], -- the refusal kept under the key; whom the payment is about
  -- per line that was booked: number, balance and (only when the batch has drafted payments) holds of both accounts after it
  out o_debit_seq bigint[], out o_debit_balance bigint[], out o_debit_held bigint[],
  out o_credit_seq bigint[], out o_credit_balance bigint[], out o_credit_held bigint[],
  -- six figures per line of an accepted command that is no transfer (see payment_change.stands), as the command left them
  out o_stands bigint[],
  -- per command that changes a payment: when it was pended, and the last reason given for a change before this one
  out o_pended_at timestamptz[], out o_reason text[],
  -- per account
  out o_held bigint[], out o_credit_normal boolean[]
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_bitmapscan = off set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  bound constant bigint := 9000000000000000000;
  commands constant integer := cardinality(c_id); lines constant integer := cardinality(l_debit);
  -- Only transfers: the arrays of two-phase payments stay empty, and nothing is paid for them.
  phased constant boolean := c_operation is not null;
  conditional constant boolean := v_command is not null or c_client is not null or c_reverses is not null or c_expires_at is not null;
  -- Transfers of one line each, which nothing depends on: nearly all payments. They are judged by one condition; holds and posts likewise.
  plain constant boolean := not phased and not conditional and c_lines is null;
  plain_phased constant boolean := phased and not conditional and c_lines is null and l_capture is null;
  -- Of the accounts (see take_accounts).
  tenant text[]; client uuid[]; currency text[]; floor bigint[]; can_debit boolean[]; can_credit boolean[];
  bal bigint[]; seq bigint[]; held bigint[]; incoming bigint[]; ahead bigint[]; last_booked timestamptz; found_id uuid[]; rows tid[];
  -- Of the payments to change, by command: state, number of changes, and what these say of the change.
  states general_ledger.payment_state[]; numbers smallint[]; codes smallint[];
  -- What becomes of the commands, and (only when the batch has drafted payments) of their lines: what was accepted, what it books.
  accepted integer := 0; refused integer := 0;
  payment_tenant text[] := array_fill(null::text, array[commands]);
  subjects uuid[] := c_id; changes general_ledger.change[]; reversed uuid[] := '{}'; l_operation general_ledger.operation[];
  place integer[] := array_fill(null::integer, array[commands]); amount bigint[] := l_amount;
  l_payment uuid[] := c_id; l_no smallint[] := array_fill(1::smallint, array[lines]);
  batch bigint; closed date; closed_at_commit date;
  -- The command and line at hand.
  i integer; first integer; last integer := 0; done integer; only_tenant text;
  op general_ledger.operation := 'transfer'; moves boolean := true; cancels boolean := false; grip bigint := 0;
  j integer; d integer; c integer; m bigint; k integer;
  code smallint; culprit integer; need bigint; v integer := 1;
begin
  if c_lines is not null then
    select array_agg(c_id[u.at] order by u.at, n), array_agg(n order by u.at, n) into l_payment, l_no
    from unnest(c_lines) with ordinality u(count, at) cross join lateral generate_series(1, u.count) n;
  end if;
  if 1 > any (c_lines) or cardinality(l_payment) is distinct from lines then
    raise exception 'the lines do not fit the commands' using errcode = 'invalid_parameter_value';
  end if;

  -- 1. Lock and read, in id order: no two batches can wait for each other.
  select array_agg(a.id), array_agg(a.tenant), array_agg(a.client_id), array_agg(a.currency), array_agg(a.floor_minor),
         array_agg(a.status = 'active' and not a.debit_blocked and not a.client_blocked), array_agg(a.status = 'active' and not a.credit_blocked),
         array_agg(a.credit_normal), array_agg(a.balance_minor), array_agg(a.last_seq), array_agg(a.held_minor),
         array_agg(a.incoming_minor) filter (where phased), array_agg(a.version - a.last_seq) filter (where phased or conditional), max(a.last_booked_at),
         array_agg(a.row), (select h.closed_through from general_ledger.ledger_head h where h.id = 1)
  into found_id, tenant, client, currency, floor, can_debit, can_credit, o_credit_normal, bal, seq, held, incoming, ahead, last_booked, rows, closed
  from (select a.*, a.ctid as row from general_ledger.account a where a.id = any(p_accounts) order by a.id for no key update) a;
  if found_id is distinct from p_accounts then
    -- Some account is none: its place in the lists is to be empty.
    select t.tenant, t.client, t.currency, t.floor, t.can_debit, t.can_credit, t.credit_normal, t.balance, t.seq, t.held, t.incoming, t.ahead, t.last_booked
    into tenant, client, currency, floor, can_debit, can_credit, o_credit_normal, bal, seq, held, incoming, ahead, last_booked
    from general_ledger.take_accounts(p_accounts, phased or conditional) t;
  end if;
  o_held := held;
  -- Taken after the locks, so that time never falls along an account. Whole milliseconds: what is shown is what is stored.
  o_booked_at := greatest(date_trunc('milliseconds', clock_timestamp()), last_booked);
  if closed > '-infinity' then o_first_open := closed + 1; end if;
  o_account := place;
  o_available := array_fill(null::bigint, array[commands]);
  o_required := o_available;
  o_client := array_fill(null::uuid, array[commands]);
  o_debit_seq := array_fill(null::bigint, array[lines]);
  o_debit_balance := o_debit_seq; o_credit_seq := o_debit_seq; o_credit_balance := o_debit_seq;

  -- 2. Repeats. Looked up after the locks, so that a twin that held them is seen; the unique keys judge the rest.
  if p_expects_repeats and general_ledger.any_repeat(c_external_id, c_key) then
    select r.codes, r.existing, r.changes, r.refusals into o_code, o_existing, o_change, o_refusal
    from general_ledger.find_repeats(commands, c_key, c_request, c_external_id, c_owner_tenant, c_content) r;
  else
    o_code := array_fill(0::smallint, array[commands]); o_existing := o_client; o_change := array_fill(null::smallint, array[commands]);
  end if;

  if phased then
    -- Time never falls along a payment either.
    select n.states, n.numbers, n.codes, n.pended_at, n.reasons, n.since into states, numbers, codes, o_pended_at, o_reason, o_booked_at
    from general_ledger.judge_changes(c_id, c_operation, c_confined, c_owner_tenant, o_booked_at, l_payment, l_no, l_capture) n;
    o_debit_held := o_debit_seq; o_credit_held := o_debit_seq;
    o_stands := array_fill(null::bigint, array[6 * lines]);
    changes := array_fill(null::general_ledger.change, array[commands]);
    l_operation := array_fill(null::general_ledger.operation, array[lines]);
    if l_capture is not null then
      select array_agg(coalesce(u.capture, u.amount) order by u.at) into amount from unnest(l_capture, l_amount) with ordinality u(capture, amount, at);
    end if;
  end if;
  o_today := (o_booked_at at time zone p_time_zone)::date;

  -- 3. Judge, in order. A command's lines are applied one by one and taken back when it is refused.
  for i in 1..commands loop
    if plain then
      d := l_debit[i]; c := l_credit[i]; m := l_amount[i];
      if o_code[i] = 0 and can_debit[d] and can_credit[c]
         and (not c_confined[i] or (tenant[d] = c_owner_tenant[i] and tenant[c] = c_owner_tenant[i]))
         and currency[d] = l_currency[i] and currency[c] = l_currency[i] and bal[d] - m >= -bound and bal[c] + m <= bound
         and (floor[d] is null or bal[d] - m - held[d] >= floor[d]) then
        bal[d] := bal[d] - m; seq[d] := seq[d] + 1;
        bal[c] := bal[c] + m; seq[c] := seq[c] + 1;
        o_debit_seq[i] := seq[d]; o_debit_balance[i] := bal[d];
        o_credit_seq[i] := seq[c]; o_credit_balance[i] := bal[c];
        place[i] := accepted; accepted := accepted + 1;
        o_client[i] := coalesce(client[d], client[c]);
        payment_tenant[i] := case when c_confined[i] then c_owner_tenant[i] when client[d] is not null then tenant[d] when client[c] is not null then tenant[c] else 'default' end;
        continue;
      end if;
      last := i - 1;
    elsif plain_phased then
      op := c_operation[i]; d := l_debit[i]; c := l_credit[i]; m := l_amount[i]; moves := op = 'post';
      if o_code[i] = 0 and codes[i] = 0 and can_debit[d] and can_credit[c] and currency[d] = l_currency[i] and currency[c] = l_currency[i]
         and (not c_confined[i] or (tenant[d] = c_owner_tenant[i] and tenant[c] = c_owner_tenant[i]))
         and (case when moves then bal[d] - m >= -bound and bal[c] + m <= bound
                   when op = 'hold' then held[d] + m <= bound and incoming[c] + m <= bound and (floor[d] is null or bal[d] - held[d] - m >= floor[d]) end) then
        place[i] := accepted; accepted := accepted + 1; l_operation[i] := op; o_change[i] := coalesce(numbers[i], 0) + 1;
        changes[accepted] := case when moves then 'payment.posted' else 'payment.pending' end::general_ledger.change;
        ahead[d] := ahead[d] + 1; ahead[c] := ahead[c] + 1; grip := case when moves then -m else m end;
        if o_credit_normal[d] then held[d] := held[d] + grip; end if;
        if o_credit_normal[c] then incoming[c] := incoming[c] + grip; end if;
        if moves then
          bal[d] := bal[d] - m; seq[d] := seq[d] + 1; bal[c] := bal[c] + m; seq[c] := seq[c] + 1;
          o_debit_seq[i] := seq[d]; o_debit_balance[i] := bal[d]; o_debit_held[i] := held[d];
          o_credit_seq[i] := seq[c]; o_credit_balance[i] := bal[c]; o_credit_held[i] := held[c];
        end if;
        o_client[i] := coalesce(client[d], client[c]);
        payment_tenant[i] := case when c_confined[i] then c_owner_tenant[i] when client[d] is not null then tenant[d] when client[c] is not null then tenant[c] else 'default' end;
        k := 6 * i; o_stands[k - 5] := seq[d]; o_stands[k - 4] := bal[d]; o_stands[k - 3] := held[d];
        o_stands[k - 2] := seq[c]; o_stands[k - 1] := bal[c]; o_stands[k] := held[c];
        continue;
      end if;
      last := i - 1;
    end if;

    first := last + 1; last := last + coalesce(c_lines[i], 1); code := o_code[i];
    if code <> 0 then refused := refused + 1; continue; end if;
    culprit := null; done := first - 1;
    only_tenant := case when c_confined[i] then c_owner_tenant[i] end;

    if phased then
      op := c_operation[i]; code := codes[i];
      if code = 12 then o_code[i] := 12; o_existing[i] := c_id[i]; o_change[i] := numbers[i]; continue; end if;
      if code = 0 and l_capture is not null and not 0 < any (amount[first:last]) then
        raise exception 'payment % would be posted without an amount', c_id[i] using errcode = 'invalid_parameter_value';
      end if;
      moves := op in ('transfer', 'post'); cancels := op >= 'cancel';
      -- What is ordered is held and announced, what is posted or cancelled gives it back.
      grip := case when op in ('hold', 'pend') then 1 when op = 'post' or cancels and states[i] = 'pending' then -1 else 0 end;
    end if;

    if conditional and code = 0 then
      if c_expires_at[i] <= o_booked_at then code := 20; end if;
      while v_command[v] <= i loop
        d := v_account[v];
        if v_command[v] = i and code = 0 and (only_tenant is null or tenant[d] = only_tenant) and seq[d] + ahead[d] <> v_version[v] then
          code := 15; culprit := d;
          o_available[i] := seq[d] + ahead[d]; o_required[i] := v_version[v];
        end if;
        v := v + 1;
      end loop;
      if code = 0 and c_reverses[i] is not null then
        code := case when c_reverses[i] = any(reversed) then 16 else general_ledger.judge_reversal(
          c_reverses[i], only_tenant, p_accounts, l_debit[first:last], l_credit[first:last], l_amount[first:last], l_currency[first:last]) end;
      end if;
    end if;

    if code = 0 then
      for j in first..last loop
        d := l_debit[j]; c := l_credit[j]; m := amount[j];
        -- Cancelling gives back what is held, whatever has become of the accounts.
        if not cancels and (
             can_debit[d] and can_credit[c] and (only_tenant is null or (tenant[d] = only_tenant and tenant[c] = only_tenant))
             and currency[d] = l_currency[j] and currency[c] = l_currency[j]
             and case when moves then bal[d] - m >= -bound and bal[c] + m <= bound else held[d] + m <= bound and incoming[c] + m <= bound end) is not true then
          code := general_ledger.first_obstacle(op, p_accounts[d], p_accounts[c], only_tenant, m, l_currency[j],
            case when moves then bal[d] - m >= -bound else not o_credit_normal[d] or held[d] + m <= bound end,
            case when moves then bal[c] + m <= bound else not o_credit_normal[c] or incoming[c] + m <= bound end);
          if code <> 0 then
            culprit := case when code > 0 then d else c end; code := abs(code); exit;
          end if;
        end if;
        if grip <> 0 then
          -- On the credit side of the books only.
          if o_credit_normal[d] then held[d] := held[d] + grip * l_amount[j]; end if;
          if o_credit_normal[c] then incoming[c] := incoming[c] + grip * l_amount[j]; end if;
          ahead[d] := ahead[d] + 1; ahead[c] := ahead[c] + 1;
        end if;
        if moves and m > 0 then
          bal[d] := bal[d] - m; seq[d] := seq[d] + 1; bal[c] := bal[c] + m; seq[c] := seq[c] + 1;
          o_debit_seq[j] := seq[d]; o_debit_balance[j] := bal[d];
          o_credit_seq[j] := seq[c]; o_credit_balance[j] := bal[c];
          if phased then o_debit_held[j] := held[d]; o_credit_held[j] := held[c]; end if;
        end if;
        done := j;
      end loop;
      -- Funds are judged once, at the end: the order of lines inside one payment means nothing. A post needs none: they are held.
      if code = 0 and grip >= 0 and op <> 'draft' then
        for j in first..last loop
          d := l_debit[j];
          if bal[d] - held[d] < floor[d] then code := 11; culprit := d; exit; end if;
        end loop;
      end if;
    end if;

    -- Last, so that it says nothing of accounts that the caller may not see. (In an if of its own: see above.)
    if conditional and code = 0 then
      if c_client[i] is not null
         and not exists (select from generate_series(first, last) n where c_client[i] in (client[l_debit[n]], client[l_credit[n]])) then
        code := 19;
      end if;
    end if;

    if code <> 0 then
      need := 0;
      for j in first..done loop
        d := l_debit[j]; c := l_credit[j]; m := amount[j];
        if grip <> 0 then
          if o_credit_normal[d] then held[d] := held[d] - grip * l_amount[j]; end if;
          if o_credit_normal[c] then incoming[c] := incoming[c] - grip * l_amount[j]; end if;
          ahead[d] := ahead[d] - 1; ahead[c] := ahead[c] - 1;
        end if;
        if o_debit_seq[j] is not null then
          bal[d] := bal[d] + m; seq[d] := seq[d] - 1;
          bal[c] := bal[c] - m; seq[c] := seq[c] - 1;
          o_debit_seq[j] := null;
        end if;
        -- A transfer may spend what it brings; a hold takes only what is there.
        need := need + case when culprit = d then m when culprit = c and moves then -m else 0 end;
      end loop;
      if code = 11 then
        o_available[i] := bal[culprit] - held[culprit] - floor[culprit]; o_required[i] := need;
      end if;
      o_code[i] := code; o_account[i] := culprit;
      refused := refused + 1;
      continue;
    end if;

    place[i] := accepted; accepted := accepted + 1;
    -- The payment is the debited client's, else the credited one's; its tenant is that client's.
    d := l_debit[first]; c := l_credit[first];
    o_client[i] := coalesce(c_client[i], client[d], client[c]);
    payment_tenant[i] := case when only_tenant is not null then only_tenant when client[d] is not null then tenant[d] when client[c] is not null then tenant[c] else 'default' end;
    if c_reverses[i] is not null then reversed := reversed || c_reverses[i]; end if;
    if phased then
      changes[accepted] := case when moves then 'payment.posted' when cancels then 'payment.cancelled' when op = 'draft' then 'payment.drafted'
        else 'payment.pending' end::general_ledger.change;
      if op <> 'transfer' then o_change[i] := coalesce(numbers[i], 0) + 1; end if;
      for j in first..last loop
        l_operation[j] := op;
        continue when op = 'transfer';
        d := l_debit[j]; c := l_credit[j];
        k := 6 * j;
        o_stands[k - 5] := seq[d]; o_stands[k - 4] := bal[d]; o_stands[k - 3] := held[d];
        o_stands[k - 2] := seq[c]; o_stands[k - 1] := bal[c]; o_stands[k] := held[c];
      end loop;
    end if;
  end loop;

  if p_atomic and refused > 0 then return; end if;
  if accepted < commands then
    -- What is refused meets no unique key, and a repeat is answered as it was the first time.
    if not p_expects_repeats and general_ledger.any_repeat(c_external_id, c_key) then
      raise exception 'a repeat that was not expected' using errcode = 'unique_violation';
    end if;
    perform general_ledger.keep_answers(c_key, c_request, c_trace::text[], c_keep_absent, o_code, p_accounts, o_account, o_available, o_required, o_existing, o_change);
  end if;
  if accepted = 0 then return;
  elsif accepted < commands then
    select array_agg(c_id[n] order by n) into subjects from generate_series(1, commands) n where place[n] is not null;
  end if;

  -- 4. Write. Every table once. (unnest in a select list gives row by row what as a table it would put down and take up again.)
  batch := nextval('general_ledger.batch');
  insert into general_ledger.payment (id, client_id, batch_id, place, type, state, value_date, asked_value_date, created_at, pended_at, posted_at, content, tenant, owner_tenant,
         created_by, external_id, description, reference, reason, metadata, expires_at, reverses_payment_id)
  select u.id, u.client, batch, u.place, u.type,
         case u.operation when 'draft' then 'draft' when 'hold' then 'pending' else 'posted' end::general_ledger.payment_state,
         greatest(coalesce(u.value_date, o_today), o_first_open), case when u.value_date < o_first_open then u.value_date end,
         o_booked_at, case when u.operation = 'hold' then o_booked_at end, case when u.operation is null or u.operation = 'transfer' then o_booked_at end,
         u.content, u.tenant, u.owner_tenant, u.created_by, u.external_id, u.description, u.reference, u.reason, u.metadata::jsonb, u.expires_at, u.reverses
  from (
    select unnest(c_id) as id, unnest(c_operation) as operation, unnest(o_client) as client, unnest(place) as place, unnest(c_type) as type,
           unnest(c_value_date) as value_date, unnest(c_content) as content, unnest(payment_tenant) as tenant, unnest(c_owner_tenant) as owner_tenant,
           unnest(c_created_by) as created_by, unnest(c_external_id) as external_id, unnest(c_description) as description, unnest(c_reference) as reference,
           unnest(c_reason) as reason, unnest(c_metadata) as metadata, unnest(c_expires_at) as expires_at, unnest(c_reverses) as reverses
  ) u
  where u.place is not null and (u.operation is null or u.operation < 'pend');

  insert into general_ledger.payment_line (payment_id, line_no, debit_account_id, credit_account_id, amount_minor, debit_seq, credit_seq, currency, type, description, drafted_in)
  select u.payment, u.no, p_accounts[u.debit], p_accounts[u.credit], u.amount, u.debit_seq, u.credit_seq, u.currency, u.type, u.description,
         case when u.debit_seq is null then batch end
  from (
    select unnest(l_payment) as payment, unnest(l_no) as no, unnest(l_debit) as debit, unnest(l_credit) as credit, unnest(l_amount) as amount,
           unnest(o_debit_seq) as debit_seq, unnest(o_credit_seq) as credit_seq, unnest(l_currency) as currency, unnest(coalesce(l_type, c_type)) as type,
           unnest(l_description) as description, unnest(l_operation) as operation
  ) u
  where case when phased then u.operation < 'pend' else u.debit_seq is not null end;

  insert into platform.idempotency_key (id, fingerprint, payment_id, payment_change)
  select u.key, u.request, u.id, u.change
  from (select unnest(c_key) as key, unnest(c_request) as request, unnest(c_id) as id, unnest(place) as place, unnest(o_change) as change) u
  where u.key is not null and u.place is not null;

  if phased then
    perform general_ledger.book_changes(batch, o_booked_at, o_today, o_first_open, c_id, c_operation, place, o_change, states, c_value_date, c_reason);
    perform general_ledger.book_drafted_lines(p_accounts, l_operation, l_payment, l_debit, l_credit, l_amount, amount, o_debit_seq, o_credit_seq);
    perform general_ledger.keep_history(batch, o_booked_at, o_today, o_first_open, c_id, c_operation, place, o_change, changes,
      c_value_date, c_created_by, c_reason, c_lines, o_stands);
  end if;
  if c_metadata is not null or c_expires_at is not null or c_reverses is not null then
    perform general_ledger.keep_extras(c_id, c_operation, place, c_metadata, c_expires_at, c_reverses);
  end if;

  insert into general_ledger.entry (account_id, payment_id, account_seq, amount_minor, balance_after, held_after, booked_at, line_no)
  select p_accounts[u.debit], u.payment, u.seq, -u.amount, u.balance, case when phased then u.held else o_held[u.debit] end, o_booked_at, u.no
  from (select unnest(l_payment) as payment, unnest(l_no) as no, unnest(l_debit) as debit, unnest(amount) as amount,
               unnest(o_debit_seq) as seq, unnest(o_debit_balance) as balance, unnest(o_debit_held) as held) u
  where u.seq is not null
  union all
  select p_accounts[u.credit], u.payment, u.seq, u.amount, u.balance, case when phased then u.held else o_held[u.credit] end, o_booked_at, u.no
  from (select unnest(l_payment) as payment, unnest(l_no) as no, unnest(l_credit) as credit, unnest(amount) as amount,
               unnest(o_credit_seq) as seq, unnest(o_credit_balance) as balance, unnest(o_credit_held) as held, unnest(o_debit_seq) as debit_seq) u
  where u.debit_seq is not null;

  if phased then
    perform general_ledger.book_accounts(p_accounts, rows, o_booked_at, bal, seq, held, incoming, ahead);
  else
    -- The rows are locked, so they stand where they were read. p_accounts ascends: width_bucket finds an account's place in it by binary
    -- search. As `(select p_accounts)` it is laid out flat once for the statement; named itself it would be for each row.
    update general_ledger.account a
    set balance_minor = bal[width_bucket(a.id, (select p_accounts))], last_seq = seq[width_bucket(a.id, (select p_accounts))],
        version = a.version + (seq[width_bucket(a.id, (select p_accounts))] - a.last_seq), last_booked_at = o_booked_at, room = null
    where a.ctid = any(rows) and a.last_seq <> seq[width_bucket(a.id, (select p_accounts))];
    get diagnostics k = row_count;
    if k < cardinality(p_accounts) then
      select count(distinct n) into d from unnest(l_debit || l_credit, o_debit_seq || o_debit_seq) u(n, seq) where u.seq is not null;
      if k <> d then raise exception 'an account was not found where it was locked' using errcode = 'serialization_failure'; end if;
    end if;
  end if;

  -- 5. Number the changes. Last: the head is held until the commit. Whoever closed days meanwhile has changed what a value date may be.
  select n.first_sequence, n.closed_through into o_first_sequence, closed_at_commit
  from general_ledger.append_journal(
    batch,
    case when phased then changes[1:accepted] else array_fill('payment.posted'::general_ledger.change, array[accepted]) end,
    subjects) n;
  if closed_at_commit <> closed then raise exception 'days were closed meanwhile' using errcode = 'serialization_failure'; end if;
end
$$;
revoke all on function general_ledger.post_batch from public;
grant execute on function general_ledger.post_batch to finlego_app;
