-- Functions that look rows up one by one, in a loop, keep their plans: planning each look anew took most of the time of a search.
-- A plan that is kept must hold for tables of any size, also when it was made for empty ones: rows are reached by index, one after another.
do $$
declare
  name text;
begin
  foreach name in array array[
    'count_entries_before(uuid, timestamptz)',
    'count_changes_before(timestamptz)',
    'last_change_dated_before(timestamptz, bigint)',
    'count_entries_through(uuid, bigint)',
    'last_draft_through(uuid, bigint)'
  ] loop
    execute format('alter function general_ledger.%s set plan_cache_mode = force_generic_plan', name);
    execute format('alter function general_ledger.%s set enable_seqscan = off', name);
    execute format('alter function general_ledger.%s set enable_hashjoin = off', name);
    execute format('alter function general_ledger.%s set enable_mergejoin = off', name);
  end loop;
end
$$;
