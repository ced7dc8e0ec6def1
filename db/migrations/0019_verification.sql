-- Verification by a provider: whom of ours it knows under which id, and every event that it told us of. Nothing here tells who a person is:
-- ids, states and labels alone. What the provider says in free words is not kept.

create schema if not exists onboarding;
grant usage on schema onboarding to finlego_app;

-- A client, or a person of a company, as the provider knows it.
create table onboarding.applicant (
  -- The client's id or the person's: what the provider calls externalUserId.
  subject_id uuid primary key,
  client_id uuid not null references client_profile.client (id),
  -- Null: the client itself.
  related_individual_id uuid references client_profile.related_individual (id),
  -- The provider's id; null until its answer, or an event, has told it.
  applicant_id text,
  level_name text not null,
  created_at timestamptz not null,
  linked_at timestamptz,
  -- Until then one process asks the provider for an applicant, and no other does.
  creating_until timestamptz,
  -- When the person was made known to the provider as a person of its company.
  person_linked_at timestamptz,
  -- The event whose verdict was applied last: nothing older is.
  applied_at timestamptz,
  applied_rank smallint,
  -- Why staff should look at the client, as far as the last verdict says so.
  attention text,
  -- What became of the applicant at the provider, and as of when.
  lifecycle text not null default 'active',
  lifecycle_at timestamptz,

  constraint applicant_is_one_of_ours check (subject_id = coalesce(related_individual_id, client_id)),
  constraint applicant_id_is_linked_once unique (applicant_id),
  constraint applicant_id_has_1_to_100_characters check (char_length(applicant_id) between 1 and 100),
  constraint applicant_level_has_a_name check (char_length(level_name) between 1 and 200),
  constraint applicant_is_linked_at_a_time check ((applicant_id is null) = (linked_at is null)),
  constraint applicant_verdict_has_its_place check ((applied_at is null) = (applied_rank is null)),
  constraint applicant_attention_is_known
    check (attention in ('resubmissionOfServed', 'blockedByVerification', 'approvedButNotActive')),
  constraint applicant_lifecycle_is_known check (lifecycle in ('active', 'deactivated', 'deleted', 'personalDataDeleted'))
);
create index applicant_by_client on onboarding.applicant (client_id);
grant select, insert on onboarding.applicant to finlego_app;
grant update (applicant_id, linked_at, creating_until, person_linked_at, applied_at, applied_rank, attention, lifecycle, lifecycle_at)
  on onboarding.applicant to finlego_app;

-- Who an applicant is never changes, and no verdict is taken back by an older one.
create function onboarding.check_applicant_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.applicant_id is not null and (old.applicant_id, old.linked_at) is distinct from (new.applicant_id, new.linked_at) then
    raise exception 'applicant % is linked', old.subject_id using errcode = 'restrict_violation';
  end if;
  if old.applied_at is not null
     and (new.applied_at is null or (new.applied_at, new.applied_rank) < (old.applied_at, old.applied_rank)) then
    raise exception 'a newer verdict of applicant % was applied', old.subject_id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger applicant_changes_forward before update on onboarding.applicant
  for each row execute function onboarding.check_applicant_change();
create trigger applicant_is_kept before delete or truncate on onboarding.applicant
  for each statement execute function platform.refuse_change();

-- Every event that came with a right signature, once: the inbox.
create table onboarding.verification_event (
  id uuid primary key,
  received_at timestamptz not null,
  applicant_id text not null,
  type text not null,
  -- As it was sent; '' where it was not. With applicant, type and correlation: which event it is.
  created_at_text text not null,
  correlation_id text not null,
  -- When it happened at the provider; null where the text is no instant, or one far in the future.
  event_at timestamptz,
  -- Place among events of one instant; null: it carries no verdict.
  rank smallint,
  external_user_id text,
  -- The documented members; comments and whatever nobody documented are not kept.
  content jsonb not null,
  -- SHA-256 of the bytes that were signed.
  body_hash bytea not null,
  -- new: to be applied. waiting: nobody knows its applicant yet. done: applied, or of no consequence. parked: never applied, see outcome.
  state text not null,
  outcome text,
  settled_at timestamptz,

  constraint verification_event_comes_once unique (applicant_id, type, created_at_text, correlation_id),
  constraint verification_event_texts_are_short check (
    greatest(char_length(applicant_id), char_length(type), char_length(created_at_text), char_length(correlation_id),
      char_length(external_user_id)) <= 100),
  constraint verification_event_body_hash_is_sha256 check (octet_length(body_hash) = 32),
  constraint verification_event_state_is_known check (state in ('new', 'waiting', 'done', 'parked')),
  constraint verification_event_is_settled_with_an_outcome check (
    (state in ('done', 'parked')) = (outcome is not null) and (outcome is null) = (settled_at is null)),
  constraint verification_event_without_an_instant_is_parked check (event_at is not null or state = 'parked')
);
create index verification_event_to_apply on onboarding.verification_event (applicant_id, event_at, rank, id) where state in ('new', 'waiting');
create index verification_event_by_applicant on onboarding.verification_event (applicant_id, event_at);
grant select, insert on onboarding.verification_event to finlego_app;
grant update (state, outcome, settled_at) on onboarding.verification_event to finlego_app;

-- What is settled stays settled.
create function onboarding.check_verification_event_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.state in ('done', 'parked') then
    raise exception 'event % is settled', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger verification_event_is_settled_once before update on onboarding.verification_event
  for each row execute function onboarding.check_verification_event_change();
create trigger verification_event_is_kept before delete or truncate on onboarding.verification_event
  for each statement execute function platform.refuse_change();
