-- One-time codes: what a client has confirmed with something that it alone was sent. A code stands here only as an HMAC under the
-- server's key, and until it is sent inside an encrypted message; neither key is in the database.

create schema one_time_codes;
grant usage on schema one_time_codes to finlego_app;

-- How often a client was wrong in a row, whatever the code. Locked before each try: of tries at the same moment one is judged after the other.
create table one_time_codes.client_failures (
  client_id uuid primary key references client_profile.client (id),
  failures smallint not null default 0,
  constraint client_failures_end_in_a_block_at_the_fifth check (failures between 0 and 4)
);
grant select, insert on one_time_codes.client_failures to finlego_app;
grant update (failures) on one_time_codes.client_failures to finlego_app;

-- One code that was asked for. `subject` is what it stands for beside its purpose (an account; later amount, currency and creditor).
create table one_time_codes.challenge (
  id uuid primary key,
  client_id uuid not null references client_profile.client (id),
  purpose text not null,
  subject text not null,
  channel text not null,
  -- HMAC of the address it goes to: a code does not outlive a change of the client's address.
  destination_hash bytea not null,
  -- HMAC over id, client, purpose, subject and code.
  code_hash bytea not null,
  -- The text to send, AES-256-GCM; emptied when it is sent or can be of no use any more.
  sealed_message bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  sent_at timestamptz,
  ended_at timestamptz,
  outcome text,
  -- The proof of a verified code is good until then, once.
  proof_expires_at timestamptz,
  proof_used_at timestamptz,

  constraint challenge_purpose_has_1_to_100_characters check (char_length(purpose) between 1 and 100),
  constraint challenge_channel_is_known check (channel in ('sms', 'email')),
  constraint challenge_hashes_are_sha256 check (octet_length(destination_hash) = 32 and octet_length(code_hash) = 32),
  constraint challenge_outcome_is_known check (outcome in ('verified', 'replaced', 'blocked')),
  constraint challenge_ends_with_an_outcome check ((ended_at is null) = (outcome is null)),
  constraint challenge_ended_has_no_message check (ended_at is null or sealed_message is null),
  constraint challenge_sent_has_no_message check (sent_at is null or sealed_message is null),
  constraint challenge_proof_follows_verification check ((proof_expires_at is not null) = (outcome is not null and outcome = 'verified')),
  constraint challenge_proof_is_used_after_verification check (proof_used_at is null or proof_expires_at is not null)
);
create unique index challenge_lives_once_per_purpose on one_time_codes.challenge (client_id, purpose) where ended_at is null;
create index challenge_by_client on one_time_codes.challenge (client_id, created_at);

grant select, insert on one_time_codes.challenge to finlego_app;
grant update (sealed_message, sent_at, ended_at, outcome, proof_expires_at, proof_used_at) on one_time_codes.challenge to finlego_app;

-- What has ended stays ended, and a proof is used once.
create function one_time_codes.check_challenge_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if (old.ended_at is not null
      and (old.ended_at, old.outcome, old.proof_expires_at) is distinct from (new.ended_at, new.outcome, new.proof_expires_at))
     or (old.proof_used_at is not null and old.proof_used_at is distinct from new.proof_used_at)
     or (old.sealed_message is null and new.sealed_message is not null) then
    raise exception 'code % has ended', old.id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger challenge_ends_once before update on one_time_codes.challenge
  for each row execute function one_time_codes.check_challenge_change();
create trigger challenge_is_kept before delete or truncate on one_time_codes.challenge
  for each statement execute function platform.refuse_change();

-- While a block stands the client is sent no code, and none is judged. `until` is infinity for one that stays until staff lifts it:
-- they set lifted_at and lifted_by. Lifted blocks no longer count towards a permanent one.
create table one_time_codes.block (
  id bigint generated always as identity primary key,
  client_id uuid not null references client_profile.client (id),
  at timestamptz not null,
  until timestamptz not null,
  lifted_at timestamptz,
  lifted_by text,
  constraint block_lasts check (until > at),
  constraint block_is_lifted_by_somebody check ((lifted_at is null) = (lifted_by is null))
);
create index block_by_client on one_time_codes.block (client_id, at);
grant select, insert on one_time_codes.block to finlego_app;
grant update (lifted_at, lifted_by) on one_time_codes.block to finlego_app;
create trigger block_is_kept before delete or truncate on one_time_codes.block
  for each statement execute function platform.refuse_change();
