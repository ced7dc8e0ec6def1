-- Documents of clients: passports, proofs of address, registers of companies. Here stands what is known of each; its bytes lie in the
-- document store under the same id, encrypted under a key made from the client's. Bytes come first and their row after them, so a row always
-- has its bytes; bytes without a row are swept away.

create table client_profile.document (
  id uuid primary key,
  client_id uuid not null references client_profile.client (id),
  -- Of which person of the company; null: of the client itself.
  related_individual_id uuid references client_profile.related_individual (id),
  type text not null,
  -- What the bytes are, judged by themselves and not by what was said of them.
  content_type text not null,
  size_bytes integer not null,
  -- AES-256-GCM of file name, description and SHA-256 as JSON. Null once the client is erased.
  sealed_details bytea,
  scan_status text not null,
  scanned_at timestamptz,
  -- What the scanner calls the malware.
  scan_finding text,
  uploaded_at timestamptz not null,
  uploaded_by text not null,
  deleted_at timestamptz,
  deleted_by text,
  -- When the sweep last looked for the bytes in vain; null while they are there.
  missing_at timestamptz,
  erased_at timestamptz,
  -- When the store had dropped the bytes of an erased document.
  content_removed_at timestamptz,

  constraint document_type_is_known check (type in (
    'passport', 'driverLicense', 'idCard', 'residencePermit', 'selfie', 'proofOfAddress', 'sourceOfFunds', 'companyRegistration',
    'articlesOfAssociation', 'shareholderRegister', 'directorRegister', 'powerOfAttorney', 'bankStatement', 'contract', 'other')),
  constraint document_content_type_is_known check (content_type in ('application/pdf', 'image/jpeg', 'image/png', 'image/heic')),
  constraint document_size_is_at_most_10_mib check (size_bytes between 1 and 10485760),
  constraint document_scan_status_is_known check (scan_status in ('notScanned', 'pending', 'clean', 'infected')),
  constraint document_scan_has_its_time check ((scan_status in ('clean', 'infected')) = (scanned_at is not null)),
  constraint document_finding_is_of_infected_ones check ((scan_status = 'infected') = (scan_finding is not null)),
  constraint document_deletion_has_its_author check ((deleted_at is null) = (deleted_by is null)),
  constraint document_is_sealed_until_erased check ((sealed_details is null) = (erased_at is not null)),
  constraint document_content_is_removed_after_erasure check (content_removed_at is null or erased_at is not null)
);
create index document_by_client on client_profile.document (client_id, uploaded_at, id);
-- The order in which the store lists what it holds: by its folders, which are named after the last two digits of the id.
create index document_by_place on client_profile.document ((right(id::text, 2)), id);
-- What jobs have to do: scans that are due, and bytes that are to be removed.
create index document_to_scan on client_profile.document (id) where scan_status in ('pending', 'notScanned') and erased_at is null;
create index document_to_remove on client_profile.document (client_id) where erased_at is not null and content_removed_at is null;
create index document_missing on client_profile.document (id) where missing_at is not null;

grant select, insert on client_profile.document to finlego_app;
grant update (sealed_details, scan_status, scanned_at, scan_finding, deleted_at, deleted_by, missing_at, erased_at, content_removed_at)
  on client_profile.document to finlego_app;
create trigger document_is_kept before delete or truncate on client_profile.document
  for each statement execute function platform.refuse_change();

-- A document is deleted and erased once, its details are never exchanged, and what was found infected never becomes clean.
create function client_profile.check_document_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if (old.deleted_at is not null and new.deleted_at is distinct from old.deleted_at)
    or (old.erased_at is not null and new.erased_at is distinct from old.erased_at)
    or (old.content_removed_at is not null and new.content_removed_at is distinct from old.content_removed_at)
    or (new.sealed_details is not null and new.sealed_details is distinct from old.sealed_details)
    or (old.scan_status = 'infected' and new.scan_status <> 'infected')
    or (old.scan_status = 'clean' and new.scan_status in ('notScanned', 'pending')) then
    raise exception 'document % cannot be changed so', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger document_changes_one_way before update on client_profile.document
  for each row execute function client_profile.check_document_change();

-- Of its own client's persons, and of nobody else's.
create function client_profile.check_document_person() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.related_individual_id is not null and not exists (
    select from client_profile.related_individual r where r.id = new.related_individual_id and r.client_id = new.client_id)
  then
    raise exception 'document % is of a person of another client', new.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger document_person_is_of_its_client before insert on client_profile.document
  for each row execute function client_profile.check_document_person();
