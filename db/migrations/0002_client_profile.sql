-- Clients of the bank. A client belongs to one tenant (white-label customer) for ever; what it is called by that tenant
-- (external_id) is unique there. Whose status changed, when, why and by whom is kept in client_status_history.

create schema client_profile;
grant usage on schema client_profile to finlego_app;

create table client_profile.client (
  id uuid primary key,
  tenant text not null,
  external_id text,
  type text not null,
  status text not null,
  verification_status text not null,
  risk_level text not null,
  block_reason text,
  blocked_at timestamptz,

  email text not null,
  phone_number text not null,
  -- False: stored as it was given, but no code can be sent to it.
  phone_is_e164 boolean not null,
  street_line1 text not null,
  street_line2 text,
  city text not null,
  state text,
  zip text not null,
  country text not null,

  -- A person. All null for a company.
  first_name text,
  last_name text,
  date_of_birth date,
  citizenship_country text,
  residence_country text,
  document_type text,
  document_number text,
  document_issued_by text,
  document_issued_country text,
  document_issued_date date,
  document_expiration_date date,

  created_at timestamptz not null,
  updated_at timestamptz not null,

  constraint client_external_id_once_per_tenant unique (tenant, external_id),
  constraint client_tenant_is_a_name check (tenant ~ '^[A-Za-z0-9_-]{1,64}$'),
  constraint client_external_id_has_1_to_100_characters check (char_length(external_id) between 1 and 100),
  constraint client_type_is_known check (type in ('individual', 'company')),
  constraint client_status_is_known check (status in ('pending', 'active', 'blocked', 'rejected', 'closed')),
  constraint client_verification_status_is_known
    check (verification_status in ('notStarted', 'pending', 'onHold', 'resubmissionRequested', 'approved', 'rejected')),
  constraint client_risk_level_is_known check (risk_level in ('low', 'medium', 'high', 'prohibited')),
  constraint client_prohibited_is_never_active check (risk_level <> 'prohibited' or status <> 'active'),
  constraint client_block_has_its_time check (status <> 'blocked' or blocked_at is not null),
  constraint client_email_has_5_to_64_characters check (char_length(email) between 5 and 64),
  constraint client_phone_number_has_5_to_17_characters check (char_length(phone_number) between 5 and 17),
  constraint client_country_is_upper_case check (country ~ '^[A-Z]{2}$'),
  constraint client_individual_is_whole check (
    num_nonnulls(first_name, last_name, date_of_birth, citizenship_country, residence_country, document_type, document_number,
      document_issued_by, document_issued_country, document_issued_date, document_expiration_date)
    = case type when 'individual' then 11 when 'company' then 0 end),
  constraint client_individual_countries_are_upper_case
    check (citizenship_country ~ '^[A-Z]{2}$' and residence_country ~ '^[A-Z]{2}$' and document_issued_country ~ '^[A-Z]{2}$'),
  constraint client_document_type_is_known check (document_type in ('passport', 'driverLicense', 'idCard', 'other')),
  constraint client_document_expires_on_or_after_its_issue check (document_expiration_date >= document_issued_date)
);

-- Who the client is, whose it is and when it came are fixed; standing, contact and address may change.
grant select, insert on client_profile.client to finlego_app;
grant update (status, verification_status, risk_level, block_reason, blocked_at, email, phone_number, phone_is_e164,
  street_line1, street_line2, city, state, zip, country, updated_at) on client_profile.client to finlego_app;

-- Every standing a client ever had, the first one included. Never changed, never removed.
create table client_profile.client_status_history (
  id bigint generated always as identity primary key,
  client_id uuid not null references client_profile.client (id),
  at timestamptz not null,
  status text not null,
  verification_status text not null,
  risk_level text not null,
  reason text not null,
  actor_kind text not null,
  actor_id text not null
);
create index client_status_history_by_client on client_profile.client_status_history (client_id, id);
grant select, insert on client_profile.client_status_history to finlego_app;

create trigger client_status_history_is_immutable before update or delete or truncate on client_profile.client_status_history
  for each statement execute function platform.refuse_change();
create trigger client_is_kept before delete or truncate on client_profile.client
  for each statement execute function platform.refuse_change();
