-- Whether a tenant has a client of that e-mail address is asked whenever staff register one. The address is known by its mark alone.
create index client_by_email on client_profile.client (tenant, email_mark) where erased_at is null;
