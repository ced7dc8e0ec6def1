-- What every module stands on: idempotency keys, the outbox, audit, and the role that the running product has.
-- The migrator owns everything. The app role may do what is granted here and nothing else; it owns nothing, so it
-- can neither switch off a trigger nor change a table.

do $$
begin
  create role finlego_app nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

-- A migrator that is not a superuser must be a member before it may SET ROLE.
do $$
begin
  if not pg_has_role(current_user, 'finlego_app', 'member') then
    execute format('grant finlego_app to %I', current_user);
  end if;
end
$$;

revoke all on schema platform from public;
grant usage on schema platform to finlego_app;
grant select on platform.migration to finlego_app;

-- One row for each key that ever had an effect or a definite refusal. `id` is a hash of owner and key, `fingerprint` of the
-- request. A ledger payment's answer is rebuilt from the payment; other answers are kept as they were sent.
create table platform.idempotency_key (
  id uuid primary key,
  created_at timestamptz not null default clock_timestamp(),
  payment_id uuid,
  status smallint,
  fingerprint bytea not null,
  answer text,
  constraint idempotency_key_fingerprint_is_sha256 check (octet_length(fingerprint) = 32)
);
grant select, insert on platform.idempotency_key to finlego_app;
grant update (status, answer) on platform.idempotency_key to finlego_app;

-- The outbox: what happened, written in the transaction in which it happened.
create table platform.event (
  id uuid primary key,
  type text not null,
  subject text not null,
  tenant text not null,
  occurred_at timestamptz not null,
  trace_id text not null,
  data jsonb not null
);
create index event_by_time on platform.event (occurred_at, id);
grant select, insert on platform.event to finlego_app;

-- Who did what, in the transaction in which it was done. Never changed, never removed.
create table platform.audit_entry (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  actor_kind text not null,
  actor_id text not null,
  tenant text,
  action text not null,
  subject text not null,
  trace_id text not null,
  detail jsonb not null
);
create index audit_entry_by_subject on platform.audit_entry (subject, id);
grant select, insert on platform.audit_entry to finlego_app;

create function platform.refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '% of %.% is refused: its rows are never changed or removed', tg_op, tg_table_schema, tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger audit_entry_is_immutable before update or delete or truncate on platform.audit_entry
  for each statement execute function platform.refuse_change();
create trigger event_is_immutable before update or delete or truncate on platform.event
  for each statement execute function platform.refuse_change();
create trigger idempotency_key_is_kept before delete or truncate on platform.idempotency_key
  for each statement execute function platform.refuse_change();

-- A key takes its answer once. What it stands for, and an answer once given, never change.
create function platform.check_key_change() returns trigger
language plpgsql as $$
begin
  if (old.id, old.fingerprint, old.payment_id, old.created_at) is distinct from (new.id, new.fingerprint, new.payment_id, new.created_at)
     or old.payment_id is not null or old.status is not null then
    raise exception 'idempotency key % has its answer', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger idempotency_key_is_answered_once before update on platform.idempotency_key
  for each row execute function platform.check_key_change();

-- The job queue's tables have row-level security without policies; the app role works the queue.
do $$
declare
  name text;
begin
  execute 'grant usage on schema graphile_worker to finlego_app';
  execute 'grant select, insert, update, delete on all tables in schema graphile_worker to finlego_app';
  execute 'grant usage, select on all sequences in schema graphile_worker to finlego_app';
  execute 'grant execute on all functions in schema graphile_worker to finlego_app';
  for name in select tablename from pg_tables where schemaname = 'graphile_worker' and rowsecurity loop
    execute format('create policy finlego_app_works on graphile_worker.%I to finlego_app using (true) with check (true)', name);
  end loop;
end
$$;
