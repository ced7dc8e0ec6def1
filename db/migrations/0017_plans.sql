-- How clients stand: each line of the history names the version of the client that it brought, so that no two changes can be decided upon
-- the same one.
alter table client_profile.client_status_history add column version bigint not null default 1;
create unique index client_stands_once_per_version on client_profile.client_status_history (client_id, version);
