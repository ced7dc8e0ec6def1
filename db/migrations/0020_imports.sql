-- Bulk imports of clients. A run stands in the transactions that store its clients, batch by batch, so that it can be cut anywhere and goes
-- on behind the last row that was stored. Neither the run nor its faults hold anything of a person but the tenant's own id for it.

create schema if not exists onboarding;
grant usage on schema onboarding to finlego_app;

-- One import of one tenant, under an id that the tenant chose.
create table onboarding.import_run (
  tenant text not null,
  id uuid not null,
  -- Rows that are settled: they were stored, they were in use, or they were at fault.
  rows integer not null default 0,
  created integer not null default 0,
  duplicates integer not null default 0,
  faulty integer not null default 0,
  started_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz,
  -- The one call that is at work, and until when it may without saying so again. Null: nobody.
  holder uuid,
  held_until timestamptz,

  primary key (tenant, id),
  constraint import_run_tenant_is_a_name check (tenant ~ '^[A-Za-z0-9_-]{1,64}$'),
  constraint import_run_rows_add_up check (rows = created + duplicates + faulty and least(created, duplicates, faulty) >= 0),
  constraint import_run_has_at_most_100_000_rows check (rows <= 100000),
  constraint import_run_is_held_for_a_time check ((holder is null) = (held_until is null)),
  constraint import_run_finished_is_held_by_nobody check (finished_at is null or holder is null)
) with (fillfactor = 50);
grant select, insert on onboarding.import_run to finlego_app;
grant update (rows, created, duplicates, faulty, updated_at, finished_at, holder, held_until) on onboarding.import_run to finlego_app;

-- A run only goes forward, and what is finished stays as it is.
create function onboarding.check_import_run_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.finished_at is not null
     or new.created < old.created or new.duplicates < old.duplicates or new.faulty < old.faulty then
    raise exception 'import % of % does not go back', old.id, old.tenant using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger import_run_goes_forward before update on onboarding.import_run
  for each row execute function onboarding.check_import_run_change();
create trigger import_run_is_kept before delete or truncate on onboarding.import_run
  for each statement execute function platform.refuse_change();

-- What the rows of a run were, 8 bytes for each: marks under the bank's search key, so that the same content is known again and nobody
-- without that key can tell what it was.
create table onboarding.import_batch (
  tenant text not null,
  import_id uuid not null,
  first_row integer not null,
  marks bytea not null,

  primary key (tenant, import_id, first_row),
  foreign key (tenant, import_id) references onboarding.import_run (tenant, id),
  constraint import_batch_begins_at_a_row check (first_row >= 1),
  constraint import_batch_has_marks check (octet_length(marks) > 0 and octet_length(marks) % 8 = 0)
);
grant select, insert on onboarding.import_batch to finlego_app;
create trigger import_batch_is_immutable before update or delete or truncate on onboarding.import_batch
  for each statement execute function platform.refuse_change();

-- Why a row made no client.
create table onboarding.import_fault (
  tenant text not null,
  import_id uuid not null,
  row integer not null,
  external_id text,
  code text not null,
  -- Sentences by field: names and rules, never what stood in a field.
  errors jsonb not null,
  -- Who has the externalId already.
  client_id uuid references client_profile.client (id),

  primary key (tenant, import_id, row),
  foreign key (tenant, import_id) references onboarding.import_run (tenant, id),
  constraint import_fault_is_of_a_row check (row >= 1),
  constraint import_fault_code_is_known check (code in ('validationFailed', 'malformedRequest', 'payloadTooLarge', 'duplicateExternalId')),
  constraint import_fault_external_id_has_at_most_100_characters check (char_length(external_id) <= 100),
  constraint import_fault_names_a_client_in_use check (client_id is null or code = 'duplicateExternalId')
);
create index import_fault_by_client on onboarding.import_fault (client_id) where client_id is not null;
create index import_fault_by_external_id on onboarding.import_fault (tenant, external_id) where external_id is not null;
grant select, insert, update (external_id) on onboarding.import_fault to finlego_app;

-- Only the erasure of a client takes something away: what its tenant called it.
create function onboarding.check_import_fault_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.external_id is not null then
    raise exception 'fault of row % of import % is not changed', old.row, old.import_id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger import_fault_only_forgets before update on onboarding.import_fault
  for each row execute function onboarding.check_import_fault_change();
create trigger import_fault_is_kept before delete or truncate on onboarding.import_fault
  for each statement execute function platform.refuse_change();
