-- The second lock on how a client stands: the transitions of contract 4.4, as the code has them (standing.ts), and no others. A client that
-- was rejected or closed never comes back, and nobody becomes active whose verification is not approved.

create function client_profile.check_client_status() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.status in ('rejected', 'closed')
     or new.status = 'pending'
     or (new.status = 'rejected' and old.status <> 'pending')
     or (old.status = 'pending' and new.status in ('blocked', 'closed'))
     or (old.status = 'pending' and new.status = 'active' and new.verification_status <> 'approved') then
    raise exception 'client % is %: it cannot become %', old.id, old.status, new.status using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger client_status_goes_its_ways before update of status on client_profile.client
  for each row when (old.status is distinct from new.status) execute function client_profile.check_client_status();
