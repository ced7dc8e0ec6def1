-- How far the followers of the journal have come. A follower tells somebody outside of every change, in the order of the sequence and at
-- least once; the journal itself is what it reads, so nothing is written twice.

create table general_ledger.journal_follower (
  name text primary key,
  -- The last change that was delivered; 0: none yet. Everything after it is still to be told.
  last_sequence bigint not null default 0,
  -- The one instance that delivers at present, and until when it may without saying so again. Null: nobody.
  holder uuid,
  held_until timestamptz,
  constraint journal_follower_stands_at_a_sequence check (last_sequence >= 0),
  constraint journal_follower_is_held_for_a_time check ((holder is null) = (held_until is null))
) with (fillfactor = 10);
insert into general_ledger.journal_follower (name) values ('sink');

grant select, update (last_sequence, holder, held_until) on general_ledger.journal_follower to finlego_app;
