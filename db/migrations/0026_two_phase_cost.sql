-- Payments in two phases at less cost. What they say, and what is refused, stays as it was; one-step payments pay nothing for any of it.
--
-- Where width_bucket looks for a place in a list, the list stands as `(select list)`: it is then laid out flat once for the statement,
-- and not once for each row.

-- 1. What was held. A booking says it itself: an entry knows what is held after it. So does the change that created a payment, drafted or
-- held, which is found by its lines. Noted is what else changes it: what is pended later, cancelled, or released whole by a posting. (Rows
-- of before, which repeat the others, stay: they are right.)

drop trigger payment_change_notes_holds on general_ledger.payment_change;
drop function general_ledger.note_holds;

-- What was held on an account before an instant. Along one account batches and their times rise with the sequence, so the last draft before
-- it is found by a binary search over their numbers, and the latest of the three who know is right. (Of one change the note is made last.)
create function general_ledger.held_before(p_account uuid, p_before timestamptz) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  entries constant bigint := general_ledger.count_entries_before(p_account, p_before);
  low bigint := 0;      -- the account's last batch up to `low` is before
  high bigint := 9223372036854775807; -- batch `high` is not
  middle bigint := high;
  draft record;
  last_draft bigint;
  held bigint;
begin
  loop
    select l.drafted_in as batch, l.payment_id into draft
    from general_ledger.payment_line l
    where l.debit_account_id = p_account and l.drafted_in <= middle and l.drafted_in > low order by l.drafted_in desc limit 1;
    if draft.batch is null then
      low := middle;
    elsif (select p.created_at from general_ledger.payment p where p.id = draft.payment_id) < p_before then
      last_draft := draft.batch;
      low := middle;
    else
      high := draft.batch;
    end if;
    exit when high - low <= 1;
    middle := low + (high - low) / 2;
  end loop;

  select x.held into held
  from (
    (select n.held_minor as held, n.batch_id, n.place, 2 as rank from general_ledger.hold_change n
     where n.account_id = p_account and n.changed_at < p_before order by n.changed_at desc, n.batch_id desc, n.place desc limit 1)
    union all
    select e.held_after, p.batch_id, p.place, 1
    from general_ledger.entry e join general_ledger.payment p on p.id = e.payment_id
    where e.account_id = p_account and e.account_seq = entries
    union all
    (select c.stands[6 * l.line_no - 3], c.batch_id, c.place, 0
     from general_ledger.payment_line l join general_ledger.payment_change c on c.payment_id = l.payment_id and c.change_no = 1
     where l.debit_account_id = p_account and l.drafted_in = last_draft order by c.place desc limit 1)
  ) x
  order by x.batch_id desc, x.place desc, x.rank desc limit 1;
  return coalesce(held, 0);
end
$$;
revoke all on function general_ledger.held_before from public;
grant execute on function general_ledger.held_before to finlego_app;

-- Times of payments in two phases never fall behind the head of the ledger: so what is noted along an account never falls either, whatever
-- the clock does.
create or replace function general_ledger.judge_changes(
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
  reverses boolean[]; is_plain boolean;
begin
  select array_agg(s.state), array_agg(s.change_no), array_agg(s.pended_at), array_agg(s.reason), array_agg(s.expires_at),
         array_agg(s.reverses_payment_id is not null), max(s.expires_at) is null and l_capture is null,
         greatest(p_now, max(s.created_at), max(s.pended_at), (select h.last_at from general_ledger.ledger_head h where h.id = 1)),
         -- What holds where no time is over and everything is booked; the rest is judged below.
         array_agg(case
           when s.operation < 'pend' then 0
           when s.state is null then 5
           when s.operation = 'post' then case s.state when 'pending' then 0 when 'posted' then 12 else 13 end
           when s.operation = 'pend' then case s.state when 'draft' then 0 when 'pending' then 12 else 13 end
           when s.state = 'cancelled' then 12
           when s.operation = 'cancel' and s.state <> 'posted' then 0
           else 13
         end)
  into states, numbers, pended_at, reasons, expires, reverses, is_plain, since, codes
  from (
    select p.*, u.operation
    from (select unnest(p_id) as id, unnest(p_operation) as operation, unnest(p_confined) as confined, unnest(p_owner_tenant) as tenant,
                 generate_subscripts(p_id, 1) as at) u
    left join lateral (
      select x.state, x.change_no, x.pended_at, x.reason, x.expires_at, x.reverses_payment_id, x.created_at
      from general_ledger.payment x where x.id = u.id and u.operation >= 'pend' and (not u.confined or x.tenant = u.tenant) limit 1
    ) p on true
    order by u.at
  ) s;
  if (select count(*) <> count(distinct u.id) from (select unnest(p_id) as id, unnest(p_operation) as operation) u where u.operation >= 'pend') then
    raise exception 'one call may change a payment once' using errcode = 'invalid_parameter_value';
  end if;
  if is_plain then return; end if;

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

-- 2. Rows of payments and of lines change in their place (heap-only updates): no index asks for what changes in them, and each page leaves
-- room for the second state of two payments in five. (A bank may set other fillfactors at any time: 50 where all payments go in two
-- phases, 100 where none does.)

alter table general_ledger.payment set (fillfactor = 70);
alter table general_ledger.payment_line set (fillfactor = 70);

-- Drafted lines by account: of which batch is enough.
drop index general_ledger.payment_line_drafted_by_debit, general_ledger.payment_line_drafted_by_credit;
create index payment_line_drafted_by_debit on general_ledger.payment_line (debit_account_id, drafted_in) where drafted_in is not null;
create index payment_line_drafted_by_credit on general_ledger.payment_line (credit_account_id, drafted_in) where drafted_in is not null;

-- Payments that wait for somebody: drafted or pending. Rows go when their payment is final.
create table general_ledger.open_payment (
  payment_id uuid primary key
);
grant select on general_ledger.open_payment to finlego_app;
insert into general_ledger.open_payment (payment_id) select p.id from general_ledger.payment p where p.state in ('draft', 'pending');
drop index general_ledger.payment_open;

-- Lines that a partial capture released whole, by both their accounts.
create table general_ledger.released_line (
  account_id uuid not null,
  payment_id uuid not null,
  line_no smallint not null,
  primary key (account_id, payment_id, line_no)
);
grant select on general_ledger.released_line to finlego_app;
create trigger released_line_is_immutable before update or delete or truncate on general_ledger.released_line
  for each statement execute function platform.refuse_change();
insert into general_ledger.released_line (account_id, payment_id, line_no)
select s.account_id, l.payment_id, l.line_no
from general_ledger.payment_line l
cross join lateral (values (l.debit_account_id), (l.credit_account_id)) s(account_id)
where l.posted_minor = 0;
drop index general_ledger.payment_line_released_by_debit, general_ledger.payment_line_released_by_credit;

create or replace function general_ledger.has_pending_payment(p_account uuid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from general_ledger.account a where a.id = p_account and (a.held_minor <> 0 or a.incoming_minor <> 0)
  ) or exists (
    select from general_ledger.account a
    cross join general_ledger.open_payment o
    where a.id = p_account and not a.credit_normal
      and exists (select from general_ledger.payment_line l where l.payment_id = o.payment_id and p_account in (l.debit_account_id, l.credit_account_id))
      and (select p.state from general_ledger.payment p where p.id = o.payment_id) = 'pending'
  )
$$;

-- 3. The rules of updates. Terms may not be named by an update at all, and the rest are conditions of triggers: a function is called only
-- for what is refused. (After the update, because a trigger before it locks each row once more.)

create function general_ledger.refuse_new_terms() returns trigger
language plpgsql as $$
begin
  raise exception 'a row of %.% is final in what it says', tg_table_schema, tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger payment_terms_are_final before update of id, client_id, type, content, tenant, owner_tenant, created_by, external_id,
    description, reference, metadata, created_at, expires_at, reverses_payment_id on general_ledger.payment
  for each statement execute function general_ledger.refuse_new_terms();
drop trigger payment_changes_follow_its_states on general_ledger.payment;
create trigger payment_changes_follow_its_states after update on general_ledger.payment
  for each row when (
    new.change_no <> old.change_no + 1 or new.state <= old.state or old.state >= 'posted' or old.state = 'draft' and new.state = 'posted'
  ) execute function general_ledger.check_payment_change();

create trigger payment_line_terms_are_final before update of payment_id, line_no, debit_account_id, credit_account_id, amount_minor,
    currency, type, description, drafted_in on general_ledger.payment_line
  for each statement execute function general_ledger.refuse_new_terms();
drop trigger payment_line_is_booked_once on general_ledger.payment_line;
create trigger payment_line_is_booked_once after update on general_ledger.payment_line
  for each row when (old.drafted_in is null or old.posted_minor is not null)
  execute function general_ledger.check_line_change();

-- 4. The functions that write changes, as in 0013 but for what is said above.

-- Books the accepted changes of payments that were there before. Lists have one element per command; a command without a place was
-- not accepted. The state that was judged is compared, so that no payment can go two ways.
create or replace function general_ledger.book_changes(
  p_batch bigint, p_at timestamptz, p_today date, p_first_open date,
  p_id uuid[], p_operation general_ledger.operation[], p_place integer[], p_number smallint[], p_state general_ledger.payment_state[],
  p_value_date date[], p_reason text[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  accepted constant bigint := (
    select count(*) from (select unnest(p_operation) as operation, unnest(p_place) as place) u where u.place is not null and u.operation >= 'pend');
  booked bigint;
begin
  if accepted = 0 then
    return;
  end if;

  update general_ledger.payment p
  set state = case u.operation when 'pend' then 'pending' when 'post' then 'posted' else 'cancelled' end::general_ledger.payment_state,
      batch_id = p_batch, place = u.place, change_no = u.number, reason = coalesce(u.reason, p.reason),
      pended_at = case when u.operation = 'pend' then p_at else p.pended_at end,
      posted_at = case when u.operation = 'post' then p_at end,
      cancelled_at = case when u.operation >= 'cancel' then p_at end,
      value_date = case when u.operation = 'post' then greatest(coalesce(u.value_date, p_today), p_first_open) else p.value_date end,
      asked_value_date = case when u.operation <> 'post' then p.asked_value_date when u.value_date < p_first_open then u.value_date end
  from (select unnest(p_id) as id, unnest(p_operation) as operation, unnest(p_place) as place, unnest(p_number) as number,
               unnest(p_state) as state, unnest(p_value_date) as value_date, unnest(p_reason) as reason) u
  where u.place is not null and u.operation >= 'pend' and p.id = u.id and p.state = u.state and p.change_no = u.number - 1;
  get diagnostics booked = row_count;
  if booked <> accepted then
    raise exception 'a payment was changed under the locks of its accounts' using errcode = 'serialization_failure';
  end if;

  delete from general_ledger.open_payment o
  using (select unnest(p_id) as id, unnest(p_operation) as operation, unnest(p_place) as place) u
  where u.place is not null and u.operation >= 'post' and o.payment_id = u.id;

  if 'cancel' = any(p_operation) or 'expire' = any(p_operation) then
    update general_ledger.reversal r
    set withdrawn = true
    from (select unnest(p_id) as id, unnest(p_operation) as operation, unnest(p_place) as place) u
    where u.place is not null and u.operation >= 'cancel' and r.reversing_payment_id = u.id and not r.withdrawn;
  end if;
end
$$;

-- Books or releases the lines of drafted payments that are posted, and compares the lines of all that are changed with those that were judged.
-- Lists have one element per line; p_operation says what was accepted of it. Lines of one payment stand together and in order.
create or replace function general_ledger.book_drafted_lines(
  p_accounts uuid[], p_operation general_ledger.operation[], p_payment uuid[], p_debit integer[], p_credit integer[],
  p_ordered bigint[], p_booked bigint[], p_debit_seq bigint[], p_credit_seq bigint[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  ids uuid[];
  befores integer[]; -- how many lines stand before those of the payment
  posted uuid[]; others uuid[];
  lines bigint;
  known bigint;
  same bigint;
begin
  select array_agg(u.id), array_agg(u.before), sum(u.lines), array_agg(u.id) filter (where u.operation = 'post'),
         array_agg(u.id) filter (where u.operation <> 'post')
  into ids, befores, lines, posted, others
  from (select u.payment as id, u.operation, min(u.at) - 1 as before, count(*) as lines
        from unnest(p_payment, p_operation) with ordinality u(payment, operation, at)
        where u.operation >= 'pend' group by u.payment, u.operation order by u.payment) u;
  if ids is null then
    return;
  end if;

  with booked as (
    update general_ledger.payment_line l
    set debit_seq = p_debit_seq[befores[width_bucket(l.payment_id, (select ids))] + l.line_no],
        credit_seq = p_credit_seq[befores[width_bucket(l.payment_id, (select ids))] + l.line_no],
        posted_minor = p_booked[befores[width_bucket(l.payment_id, (select ids))] + l.line_no]
    where l.payment_id = any(posted)
    returning l.payment_id, l.line_no, l.debit_account_id, l.credit_account_id, l.amount_minor
  )
  select count(*), count(*) filter (where l.debit_account_id = p_accounts[p_debit[l.n]] and l.credit_account_id = p_accounts[p_credit[l.n]] and l.amount_minor = p_ordered[l.n])
  into known, same
  from (
    select b.*, befores[width_bucket(b.payment_id, (select ids))] + b.line_no as n from booked b
    union all
    select x.payment_id, x.line_no, x.debit_account_id, x.credit_account_id, x.amount_minor, befores[width_bucket(x.payment_id, (select ids))] + x.line_no
    from general_ledger.payment_line x
    where x.payment_id = any(others)
  ) l;
  if known <> lines or same <> lines then
    raise exception 'the lines of a payment are others than those that were judged' using errcode = 'invalid_parameter_value';
  end if;

  if 0 = any(p_booked) then
    insert into general_ledger.released_line (account_id, payment_id, line_no)
    select s.account_id, l.payment_id, l.line_no
    from general_ledger.payment_line l
    cross join lateral (values (l.debit_account_id), (l.credit_account_id)) s(account_id)
    where l.payment_id = any(posted) and l.posted_minor = 0;
  end if;
end
$$;

-- Writes down the changes of payments that do not go in one step: what an answer of now is rebuilt from later; which of them wait; and what
-- they change of what is held where no entry says it.
create or replace function general_ledger.keep_history(
  p_batch bigint, p_at timestamptz, p_today date, p_first_open date,
  p_id uuid[], p_operation general_ledger.operation[], p_place integer[], p_number smallint[], p_changes general_ledger.change[],
  p_value_date date[], p_by text[], p_reason text[], p_lines integer[], p_stands bigint[]
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  befores integer[]; -- how many lines stand before those of the command; null: each command has one
begin
  if p_lines is not null then
    select array_agg(u.before order by u.at) into befores
    from (select at, (sum(lines) over (order by at) - lines)::integer as before from unnest(p_lines) with ordinality l(lines, at)) u;
  end if;

  insert into general_ledger.payment_change (payment_id, change_no, batch_id, place, change, changed_at, value_date, changed_by, reason, stands)
  select u.id, u.number, p_batch, u.place, p_changes[u.place + 1], p_at,
         case when u.operation in ('pend', 'cancel', 'expire') then (select p.value_date from general_ledger.payment p where p.id = u.id)
              else greatest(coalesce(u.value_date, p_today), p_first_open) end,
         u.by, u.reason,
         -- A slice would lay the whole list out for each row.
         case when u.lines > 1 then p_stands[6 * u.before + 1 : 6 * (u.before + u.lines)]
              else array[p_stands[6 * u.before + 1], p_stands[6 * u.before + 2], p_stands[6 * u.before + 3],
                         p_stands[6 * u.before + 4], p_stands[6 * u.before + 5], p_stands[6 * u.before + 6]] end
  from (
    select c.*, coalesce(befores[c.at], c.at - 1) as before
    from (select unnest(p_id) as id, unnest(p_operation) as operation, unnest(p_place) as place, unnest(p_number) as number,
                 unnest(p_value_date) as value_date, unnest(p_by) as by, unnest(p_reason) as reason, unnest(p_lines) as lines,
                 generate_subscripts(p_id, 1) as at) c
  ) u
  where u.place is not null and u.operation <> 'transfer';

  insert into general_ledger.open_payment (payment_id)
  select u.id
  from (select unnest(p_id) as id, unnest(p_operation) as operation, unnest(p_place) as place) u
  where u.place is not null and u.operation in ('draft', 'hold');

  -- What was drafted begins to hold when it is pended, and a line releases what it held when its payment is cancelled, or posted without it;
  -- a payment of one line is not posted without it.
  if not p_operation && array['pend', 'cancel', 'expire']::general_ledger.operation[] and p_lines is null then
    return;
  end if;
  insert into general_ledger.hold_change (account_id, changed_at, batch_id, place, held_minor)
  select distinct l.debit_account_id, p_at, p_batch, u.place, p_stands[6 * (coalesce(befores[u.at], u.at - 1) + l.line_no) - 3]
  from (select unnest(p_id) as id, unnest(p_operation) as operation, unnest(p_place) as place, unnest(p_lines) as lines,
               generate_subscripts(p_id, 1) as at) u
  cross join lateral (
    select x.debit_account_id, x.line_no, x.posted_minor from general_ledger.payment_line x where x.payment_id = u.id offset 0
  ) l
  where u.place is not null and (u.operation in ('pend', 'cancel', 'expire') or u.operation = 'post' and u.lines > 1)
    and (u.operation <> 'post' or l.posted_minor = 0)
    and (u.operation not in ('cancel', 'expire') or (select p.pended_at from general_ledger.payment p where p.id = u.id) is not null)
    and (select a.credit_normal from general_ledger.account a where a.id = l.debit_account_id);
end
$$;
