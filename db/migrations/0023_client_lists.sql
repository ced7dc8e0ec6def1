-- Lists of clients stay fast with millions of them. A filter means a few kinds of client (type, status, verification, risk); each kind
-- stands in order of creation in these indexes, and a page is merged from the kinds that the filter means. Erased clients are in no list.

create index client_in_order on client_profile.client (type, status, verification_status, risk_level, created_at, id)
  where erased_at is null;
create index client_in_order_of_tenant on client_profile.client (tenant, type, status, verification_status, risk_level, created_at, id)
  where erased_at is null;
create index client_by_external_id on client_profile.client (external_id) where external_id is not null and erased_at is null;

-- Marks of the words that a search may name. Kept up to date at once: a list of pending entries would be read by every search.
create index client_by_search_marks on client_profile.client using gin (search_marks) with (fastupdate = off)
  where erased_at is null and restricted_at is null;
