-- Personal data leaves the clear. What tells who a client is or how to reach it stands encrypted under a key of that client alone; that key
-- stands wrapped under a master key that is never in the database. Destroying the client's key erases the client, here and in every backup
-- that is restored with it destroyed. Rows from before are encrypted by the first process that starts with this release.

create table client_profile.client_key (
  client_id uuid primary key references client_profile.client (id),
  -- Which master key wraps it: a name made from that key, which tells nothing of it.
  master_key text,
  wrapped_key bytea,
  created_at timestamptz not null,
  destroyed_at timestamptz,
  constraint client_key_is_there_until_it_is_destroyed check (
    num_nonnulls(master_key, wrapped_key) = case when destroyed_at is null then 2 else 0 end)
);
-- Which clients are still to be wrapped anew after a change of the master key.
create index client_key_by_master_key on client_profile.client_key (master_key, client_id) where master_key is not null;
grant select, insert on client_profile.client_key to finlego_app;
grant update (master_key, wrapped_key, destroyed_at) on client_profile.client_key to finlego_app;

-- What is destroyed stays so: a key never comes back.
create function client_profile.check_key_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.destroyed_at is not null then
    raise exception 'the key of client % is destroyed', old.client_id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger client_key_is_destroyed_once before update on client_profile.client_key
  for each row execute function client_profile.check_key_change();
create trigger client_key_is_kept before delete or truncate on client_profile.client_key
  for each statement execute function platform.refuse_change();

-- The key of the marks by which clients are searched (HMAC): one for the bank, wrapped like a client's, the same for ever.
create table client_profile.search_key (
  id smallint primary key default 1,
  master_key text not null,
  wrapped_key bytea not null,
  constraint search_key_is_one check (id = 1)
);
grant select, insert on client_profile.search_key to finlego_app;
grant update (master_key, wrapped_key) on client_profile.search_key to finlego_app;
create trigger search_key_is_kept before delete or truncate on client_profile.search_key
  for each statement execute function platform.refuse_change();

alter table client_profile.client
  -- AES-256-GCM of the profile as JSON. Null once the client is erased.
  add column sealed_profile bytea,
  -- What staff wrote when they blocked the client.
  add column sealed_block_reason bytea,
  -- Keyed marks of the e-mail address and of what a search may find the client by.
  add column email_mark bytea,
  add column search_marks bigint[],
  -- Rises with every change: what a change was decided upon is what it is applied to.
  add column version bigint not null default 1,
  add column closed_at timestamptz,
  -- The client asked to be forgotten and its data only wait for the end of their retention.
  add column restricted_at timestamptz,
  add column erased_at timestamptz,
  drop column block_reason,
  drop constraint client_individual_is_whole,
  alter column email drop not null,
  alter column phone_number drop not null,
  alter column street_line1 drop not null,
  alter column city drop not null,
  alter column zip drop not null,
  alter column country drop not null;

-- Not valid: rows from before pass until they are encrypted, once; no row is written in the clear again.
alter table client_profile.client
  add constraint client_has_no_plain_data check (
    num_nonnulls(email, phone_number, street_line1, street_line2, city, state, zip, country, first_name, last_name, date_of_birth,
      citizenship_country, residence_country, document_type, document_number, document_issued_by, document_issued_country,
      document_issued_date, document_expiration_date) = 0) not valid,
  add constraint client_is_sealed_until_erased check (
    num_nonnulls(sealed_profile, email_mark, search_marks) = case when erased_at is null then 3 else 0 end) not valid,
  add constraint client_closed_has_its_time check ((status = 'closed') = (closed_at is not null)) not valid,
  add constraint client_erased_was_closed check (erased_at is null or (status in ('closed', 'rejected') and sealed_block_reason is null)) not valid,
  add constraint client_email_mark_is_128_bits check (octet_length(email_mark) = 16) not valid;

grant update (
  sealed_profile, sealed_block_reason, email_mark, search_marks, version, closed_at, restricted_at, erased_at,
  first_name, last_name, date_of_birth, citizenship_country, residence_country, document_type, document_number, document_issued_by,
  document_issued_country, document_issued_date, document_expiration_date
) on client_profile.client to finlego_app;

-- Persons of a company. Their data stand encrypted under the company's key.
create table client_profile.related_individual (
  id uuid primary key,
  client_id uuid not null references client_profile.client (id),
  -- 0, 1, 2 … in the order they were given.
  position smallint not null,
  roles text[] not null,
  share_percent numeric(7, 4),
  verification_status text not null,
  sealed_profile bytea,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- No longer a person of the company; kept while the company's data are.
  removed_at timestamptz,

  constraint related_individual_has_roles check (cardinality(roles) >= 1),
  constraint related_individual_roles_are_known
    check (roles <@ array['director', 'shareholder', 'ultimateBeneficialOwner', 'representative']),
  constraint related_individual_share_is_a_percentage check (share_percent between 0 and 100),
  constraint related_individual_verification_status_is_known
    check (verification_status in ('notStarted', 'pending', 'onHold', 'resubmissionRequested', 'approved', 'rejected'))
);
create index related_individual_by_client on client_profile.related_individual (client_id, position);
grant select, insert on client_profile.related_individual to finlego_app;
grant update (position, roles, share_percent, verification_status, sealed_profile, updated_at, removed_at)
  on client_profile.related_individual to finlego_app;
create trigger related_individual_is_kept before delete or truncate on client_profile.related_individual
  for each statement execute function platform.refuse_change();

-- Free words of staff, encrypted under the client's key; `reason` keeps to words of the program.
alter table client_profile.client_status_history add column sealed_note bytea;

-- Where no client waits to be encrypted the rules hold for all rows already; elsewhere they are validated after the last one was.
do $$
begin
  if not exists (select from client_profile.client) then
    alter table client_profile.client
      validate constraint client_has_no_plain_data,
      validate constraint client_is_sealed_until_erased,
      validate constraint client_closed_has_its_time,
      validate constraint client_erased_was_closed,
      validate constraint client_email_mark_is_128_bits;
  end if;
end
$$;
