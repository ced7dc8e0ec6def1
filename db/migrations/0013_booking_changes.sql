-- What post_batch (0014) writes beside the rows of payments of one step: answers under keys, changes of drafted payments, history, and what
-- few payments have. As in 0007, no table is joined with lists of the batch: where rows of `= any(ids)` are to meet them, ids ascends and
-- width_bucket finds a row's place in it by binary search.

-- Keeps answers under their keys. Definite refusals: what may be mended (an unknown account) is not kept, except for items of a list.
-- And what was done before, as the answer that it got now; what a key itself has told stands there already (its changes are negative).
create function general_ledger.keep_answers(
  p_key uuid[], p_request bytea[], p_trace text[], p_keep_absent boolean[], p_code smallint[],
  p_accounts uuid[], p_account integer[], p_available bigint[], p_required bigint[], p_existing uuid[], p_change smallint[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into platform.idempotency_key (id, fingerprint, status, answer)
  select u.key, u.request, 409,
         json_build_object('code', u.code, 'account', p_accounts[u.account], 'available', u.available::text, 'required', u.required::text, 'trace', u.trace)::text
  from unnest(p_key, p_request, p_trace, p_keep_absent, p_code, p_account, p_available, p_required)
    u(key, request, trace, keep_absent, code, account, available, required)
  where u.key is not null and (u.code between 6 and 11 or u.code between 13 and 18 or u.code = 4 or (u.code = 5 and u.keep_absent));

  insert into platform.idempotency_key (id, fingerprint, payment_id, payment_change)
  select u.key, u.request, u.existing, u.change
  from unnest(p_key, p_request, p_code, p_existing, p_change) u(key, request, code, existing, change)
  where u.key is not null and u.code in (1, 12) and u.change > 0
  on conflict (id) do nothing;
end
$$;

-- Books the accepted changes of payments that were there before. Lists have one element per command; a command without a place was
-- not accepted. The state that was judged is compared, so that no payment can go two ways.
create function general_ledger.book_changes(
  p_batch bigint, p_at timestamptz, p_today date, p_first_open date,
  p_id uuid[], p_operation general_ledger.operation[], p_place integer[], p_number smallint[], p_state general_ledger.payment_state[],
  p_value_date date[], p_reason text[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ids uuid[];
  positions integer[];
  booked bigint;
begin
  select array_agg(u.id), array_agg(u.at) into ids, positions
  from (select u.id, u.at from unnest(p_id, p_operation, p_place) with ordinality u(id, operation, place, at)
        where u.place is not null and u.operation >= 'pend' order by u.id) u;
  if ids is null then
    return;
  end if;

  update general_ledger.payment p
  set (state, batch_id, place, change_no, reason, pended_at, posted_at, cancelled_at, value_date, asked_value_date) = (
    select case u.operation when 'pend' then 'pending' when 'post' then 'posted' else 'cancelled' end::general_ledger.payment_state,
           p_batch, p_place[u.n], p_number[u.n], coalesce(p_reason[u.n], p.reason),
           case when u.operation = 'pend' then p_at else p.pended_at end,
           case when u.operation = 'post' then p_at end,
           case when u.operation >= 'cancel' then p_at end,
           case when u.operation = 'post' then greatest(coalesce(p_value_date[u.n], p_today), p_first_open) else p.value_date end,
           case when u.operation <> 'post' then p.asked_value_date when p_value_date[u.n] < p_first_open then p_value_date[u.n] end
    from (select n, p_operation[n] as operation from (select positions[width_bucket(p.id, ids)] as n) x) u)
  where p.id = any(ids) and p.state = p_state[positions[width_bucket(p.id, ids)]] and p.change_no = p_number[positions[width_bucket(p.id, ids)]] - 1;
  get diagnostics booked = row_count;
  if booked <> cardinality(ids) then
    raise exception 'a payment was changed under the locks of its accounts' using errcode = 'serialization_failure';
  end if;

  if 'cancel' = any(p_operation) or 'expire' = any(p_operation) then
    update general_ledger.reversal r
    set withdrawn = true
    where r.reversing_payment_id = any(ids) and not r.withdrawn and p_operation[positions[width_bucket(r.reversing_payment_id, ids)]] >= 'cancel';
  end if;
end
$$;

-- Books or releases the lines of drafted payments that are posted, and compares the lines of all that are changed with those that were judged.
-- Lists have one element per line; p_operation says what was accepted of it. Lines of one payment stand together and in order.
create function general_ledger.book_drafted_lines(
  p_accounts uuid[], p_operation general_ledger.operation[], p_payment uuid[], p_debit integer[], p_credit integer[],
  p_ordered bigint[], p_booked bigint[], p_debit_seq bigint[], p_credit_seq bigint[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ids uuid[];
  befores integer[]; -- how many lines stand before those of the payment
  lines bigint;
  known bigint;
  same bigint;
begin
  select array_agg(u.id), array_agg(u.before), sum(u.lines) into ids, befores, lines
  from (select u.payment as id, min(u.at) - 1 as before, count(*) as lines
        from unnest(p_payment, p_operation) with ordinality u(payment, operation, at)
        where u.operation >= 'pend' group by u.payment order by u.payment) u;
  if ids is null then
    return;
  end if;

  with booked as (
    update general_ledger.payment_line l
    set debit_seq = p_debit_seq[befores[width_bucket(l.payment_id, ids)] + l.line_no],
        credit_seq = p_credit_seq[befores[width_bucket(l.payment_id, ids)] + l.line_no],
        posted_minor = p_booked[befores[width_bucket(l.payment_id, ids)] + l.line_no]
    where l.payment_id = any(ids) and p_operation[befores[width_bucket(l.payment_id, ids)] + 1] = 'post'
    returning l.payment_id, l.line_no, l.debit_account_id, l.credit_account_id, l.amount_minor
  )
  select count(*), count(*) filter (where l.debit_account_id = p_accounts[p_debit[l.n]] and l.credit_account_id = p_accounts[p_credit[l.n]] and l.amount_minor = p_ordered[l.n])
  into known, same
  from (
    select b.*, befores[width_bucket(b.payment_id, ids)] + b.line_no as n from booked b
    union all
    select x.payment_id, x.line_no, x.debit_account_id, x.credit_account_id, x.amount_minor, befores[width_bucket(x.payment_id, ids)] + x.line_no
    from general_ledger.payment_line x
    where x.payment_id = any(ids) and p_operation[befores[width_bucket(x.payment_id, ids)] + 1] <> 'post'
  ) l;
  if known <> lines or same <> lines then
    raise exception 'the lines of a payment are others than those that were judged' using errcode = 'invalid_parameter_value';
  end if;
end
$$;

-- Sets the figures of accounts among which some are held or announced; lists follow p_accounts, which ascends. p_ahead: how far the version
-- is ahead of the last number.
create function general_ledger.book_accounts(
  p_accounts uuid[], p_at timestamptz, p_balance bigint[], p_seq bigint[], p_held bigint[], p_incoming bigint[], p_ahead bigint[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update general_ledger.account a
  set balance_minor = p_balance[width_bucket(a.id, p_accounts)], last_seq = p_seq[width_bucket(a.id, p_accounts)],
      held_minor = p_held[width_bucket(a.id, p_accounts)], incoming_minor = p_incoming[width_bucket(a.id, p_accounts)],
      version = p_seq[width_bucket(a.id, p_accounts)] + p_ahead[width_bucket(a.id, p_accounts)],
      last_booked_at = case when a.last_seq <> p_seq[width_bucket(a.id, p_accounts)] then p_at else a.last_booked_at end
  where a.id = any(p_accounts) and a.version <> p_seq[width_bucket(a.id, p_accounts)] + p_ahead[width_bucket(a.id, p_accounts)];
end
$$;

-- Writes down the changes of payments that do not go in one step: what an answer of now is rebuilt from later.
create function general_ledger.keep_history(
  p_batch bigint, p_at timestamptz, p_today date, p_first_open date,
  p_id uuid[], p_operation general_ledger.operation[], p_place integer[], p_number smallint[], p_changes general_ledger.change[],
  p_value_date date[], p_by text[], p_reason text[], p_lines integer[], p_stands bigint[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into general_ledger.payment_change (payment_id, change_no, batch_id, place, change, changed_at, value_date, changed_by, reason, stands)
  select u.id, u.number, p_batch, u.place, p_changes[u.place + 1], p_at,
         case when u.operation in ('pend', 'cancel', 'expire') then (select p.value_date from general_ledger.payment p where p.id = u.id)
              else greatest(coalesce(u.value_date, p_today), p_first_open) end,
         u.by, u.reason, p_stands[6 * (u.through - coalesce(u.lines, 1)) + 1 : 6 * u.through]
  from (select u.*, sum(coalesce(u.lines, 1)) over (order by u.at)::integer as through
        from unnest(p_id, p_operation, p_place, p_number, p_value_date, p_by, p_reason, p_lines) with ordinality
          u(id, operation, place, number, value_date, by, reason, lines, at)) u
  where u.place is not null and u.operation <> 'transfer';
end
$$;

-- What few payments have beside their row: metadata to search by, an end, a payment that they undo.
create function general_ledger.keep_extras(
  p_id uuid[], p_operation general_ledger.operation[], p_place integer[], p_metadata text[], p_expires_at timestamptz[], p_reverses uuid[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into general_ledger.payment_metadata (name, value, payment_id)
  select e.key, e.value, u.id
  from unnest(p_id, p_place, p_metadata) u(id, place, metadata)
  cross join lateral jsonb_each_text(u.metadata::jsonb) e
  where u.place is not null and u.metadata is not null;

  insert into general_ledger.payment_expiry (expires_at, payment_id)
  select u.expires_at, u.id
  from unnest(p_id, p_operation, p_place, p_expires_at) u(id, operation, place, expires_at)
  where u.place is not null and u.expires_at is not null and u.operation in ('draft', 'hold');

  insert into general_ledger.reversal (reversing_payment_id, reversed_payment_id)
  select u.id, u.reverses
  from unnest(p_id, p_place, p_reverses) u(id, place, reverses)
  where u.place is not null and u.reverses is not null;
end
$$;

revoke all on function general_ledger.keep_answers, general_ledger.book_changes, general_ledger.book_drafted_lines,
  general_ledger.book_accounts, general_ledger.keep_history,
  general_ledger.keep_extras from public;
