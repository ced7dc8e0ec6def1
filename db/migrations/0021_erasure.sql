-- How a client is forgotten: it asks, staff look at it, and when the time for which the law keeps its data is over the client's key is
-- destroyed. What stays is a certificate that it was done, and ids that lead nowhere.

-- What a client asks staff for. Its own words stand encrypted under its key, and go with it.
create table client_profile.deletion_notification (
  id uuid primary key,
  client_id uuid not null references client_profile.client (id),
  reason text,
  sealed_comment bytea,
  status text not null,
  requested_at timestamptz not null,
  updated_at timestamptz not null,

  constraint deletion_notification_reason_is_known check (reason in ('noLongerNeeded', 'foundAlternative', 'privacy', 'other')),
  constraint deletion_notification_status_is_known check (status in ('received', 'inReview', 'completed', 'declined')),
  constraint deletion_notification_completed_has_no_comment check (status <> 'completed' or sealed_comment is null)
);
create unique index deletion_notification_open_once on client_profile.deletion_notification (client_id)
  where status in ('received', 'inReview');
create index deletion_notification_by_client on client_profile.deletion_notification (client_id, id);
create index deletion_notification_by_status on client_profile.deletion_notification (status, id);
grant select, insert on client_profile.deletion_notification to finlego_app;
grant update (status, sealed_comment, updated_at) on client_profile.deletion_notification to finlego_app;

-- A declined one stays declined (the client may ask again); a completed one stays completed. An erasure empties what a declined one says.
create function client_profile.check_deletion_notification_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.status in ('completed', 'declined') and (new.status <> old.status or new.sealed_comment is not null)
     or (old.status = 'inReview' and new.status = 'received') then
    raise exception 'deletion notification % is %', old.id, old.status using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger deletion_notification_goes_forward before update on client_profile.deletion_notification
  for each row execute function client_profile.check_deletion_notification_change();
create trigger deletion_notification_is_kept before delete or truncate on client_profile.deletion_notification
  for each statement execute function platform.refuse_change();

-- Every state that a notification had, with who, when and why. The words of staff stand encrypted under the client's key.
create table client_profile.deletion_notification_history (
  id bigint generated always as identity primary key,
  notification_id uuid not null references client_profile.deletion_notification (id),
  at timestamptz not null,
  status text not null,
  sealed_note bytea,
  actor_kind text not null,
  actor_id text not null
);
create index deletion_notification_history_by_notification on client_profile.deletion_notification_history (notification_id, id);
grant select, insert on client_profile.deletion_notification_history to finlego_app;
create trigger deletion_notification_history_is_immutable before update or delete or truncate on client_profile.deletion_notification_history
  for each statement execute function platform.refuse_change();

-- What proves an erasure for ever. `text` is the certificate as it is hashed; it names the client by its id alone.
create table client_profile.erasure_certificate (
  client_id uuid primary key references client_profile.client (id),
  id uuid not null,
  erased_at timestamptz not null,
  text text not null,
  sha256 bytea not null,

  constraint erasure_certificate_id_once unique (id),
  constraint erasure_certificate_is_of_its_client check (text::jsonb ->> 'clientId' = client_id::text and text::jsonb ->> 'certificateId' = id::text),
  constraint erasure_certificate_is_hashed check (sha256 = pg_catalog.sha256(convert_to(text, 'UTF8')))
);
grant select, insert on client_profile.erasure_certificate to finlego_app;
create trigger erasure_certificate_is_immutable before update or delete or truncate on client_profile.erasure_certificate
  for each statement execute function platform.refuse_change();

-- Whom the daily look for clients whose time has come goes through.
create index client_to_erase on client_profile.client (id) where restricted_at is not null and erased_at is null;

-- The tenant's own name for a client may tell who it is: it goes with the erasure, and changes at no other time. An erased client stays so.
create function client_profile.check_client_erasure() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.external_id is distinct from old.external_id and (new.external_id is not null or new.erased_at is null) then
    raise exception 'the external_id of client % is not changed', old.id using errcode = 'restrict_violation';
  end if;
  if old.erased_at is not null then
    raise exception 'client % is erased', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger client_is_erased_once before update on client_profile.client
  for each row execute function client_profile.check_client_erasure();
grant update (external_id) on client_profile.client to finlego_app;

-- What an erased client called its accounts may tell who it was. The numbers, payments and entries are books, and stay.
create function general_ledger.forget_account_names(p_client uuid) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changed bigint;
begin
  if not exists (select from client_profile.client c where c.id = p_client and c.erased_at is not null) then
    raise exception 'client % is not erased', p_client using errcode = 'restrict_violation';
  end if;
  update general_ledger.account_profile p
  set name = a.currency || ' account'
  from general_ledger.account a
  where a.client_id = p_client and a.id = p.account_id and p.name <> a.currency || ' account';
  get diagnostics changed = row_count;
  return changed;
end
$$;
revoke all on function general_ledger.forget_account_names(uuid) from public;
grant execute on function general_ledger.forget_account_names(uuid) to finlego_app;
