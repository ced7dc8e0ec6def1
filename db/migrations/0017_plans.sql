-- How clients stand: each line of the history names the version of the client that it brought, so that no two changes can be decided upon
-- the same one.
alter table client_profile.client_status_history add column version bigint not null default 1;
create unique index client_stands_once_per_version on client_profile.client_status_history (client_id, version);

-- Reason and time of a block go with it; the history keeps them.
alter table client_profile.client
  add constraint client_block_leaves_nothing check (status = 'blocked' or num_nonnulls(blocked_at, sealed_block_reason) = 0);

-- What the bank offers its clients: plans, with a fee for each month, limits and fees of what is done. A plan is changed by a further
-- version; what held at any time can be told for ever.
create table client_profile.plan (
  code text primary key,
  -- The version that holds.
  version integer not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint plan_code_is_a_name check (code ~ '^[a-z][a-z0-9-]{0,39}$')
);

create table client_profile.plan_version (
  code text not null references client_profile.plan (code),
  version integer not null,
  name text not null,
  currency text not null,
  monthly_fee_minor bigint not null,
  at timestamptz not null,
  actor_kind text not null,
  actor_id text not null,
  primary key (code, version),
  constraint plan_version_starts_at_one check (version >= 1),
  constraint plan_name_has_1_to_100_characters check (char_length(name) between 1 and 100),
  constraint plan_currency_is_a_code check (currency ~ '^[A-Z]{3}$'),
  constraint plan_monthly_fee_is_an_amount check (monthly_fee_minor between 0 and 1000000000000000)
);
alter table client_profile.plan
  add constraint plan_has_the_version_that_holds foreign key (code, version) references client_profile.plan_version (code, version)
    deferrable initially deferred;

create table client_profile.plan_limit (
  code text not null,
  version integer not null,
  kind text not null,
  -- Of amounts: in which currency, and how much (minor units). Other currencies are not limited.
  currency text,
  amount_minor bigint,
  -- Of accounts: how many may be open at once.
  accounts_max integer,
  foreign key (code, version) references client_profile.plan_version (code, version),
  constraint plan_limit_once_per_kind_and_currency unique nulls not distinct (code, version, kind, currency),
  constraint plan_limit_kind_is_known check (kind in ('accounts', 'singleTransfer', 'dailyOutgoing', 'monthlyOutgoing')),
  constraint plan_limit_is_of_its_kind check (
    case kind when 'accounts' then accounts_max is not null and num_nonnulls(currency, amount_minor) = 0
    else accounts_max is null and num_nonnulls(currency, amount_minor) = 2 end),
  constraint plan_limit_currency_is_a_code check (currency ~ '^[A-Z]{3}$'),
  constraint plan_limit_is_an_amount check (amount_minor between 0 and 1000000000000000),
  constraint plan_limit_is_a_number_of_accounts check (accounts_max between 0 and 1000000)
);

create table client_profile.plan_fee (
  code text not null,
  version integer not null,
  kind text not null,
  -- The rail, of outgoing transfers.
  transfer_type text,
  currency text not null,
  -- Minor units: of each transfer, of each account and month.
  amount_minor bigint,
  -- Of foreign exchange: millionths of what is exchanged, and at least so much (minor units).
  millionths integer,
  minimum_minor bigint,
  foreign key (code, version) references client_profile.plan_version (code, version),
  constraint plan_fee_once_per_kind_rail_and_currency unique nulls not distinct (code, version, kind, transfer_type, currency),
  constraint plan_fee_kind_is_known check (kind in ('outgoingTransfer', 'accountMonthly', 'foreignExchange')),
  constraint plan_fee_is_of_its_kind check (
    (kind = 'outgoingTransfer') = (transfer_type is not null)
    and num_nonnulls(millionths, minimum_minor) = case kind when 'foreignExchange' then 2 else 0 end
    and (kind = 'foreignExchange') = (amount_minor is null)),
  constraint plan_fee_rail_is_known
    check (transfer_type in ('internal', 'sepa', 'sepaInstant', 'swift', 'fasterPayments', 'chaps', 'ach', 'fedwire')),
  constraint plan_fee_currency_is_a_code check (currency ~ '^[A-Z]{3}$'),
  constraint plan_fee_is_an_amount check (amount_minor between 0 and 1000000000000000),
  constraint plan_fee_minimum_is_an_amount check (minimum_minor between 0 and 1000000000000000),
  constraint plan_fee_is_a_share check (millionths between 0 and 1000000)
);

grant select, insert on client_profile.plan, client_profile.plan_version, client_profile.plan_limit, client_profile.plan_fee to finlego_app;
grant update (version, updated_at) on client_profile.plan to finlego_app;

create trigger plan_is_kept before delete or truncate on client_profile.plan
  for each statement execute function platform.refuse_change();
create trigger plan_version_is_immutable before update or delete or truncate on client_profile.plan_version
  for each statement execute function platform.refuse_change();
create trigger plan_limit_is_immutable before update or delete or truncate on client_profile.plan_limit
  for each statement execute function platform.refuse_change();
create trigger plan_fee_is_immutable before update or delete or truncate on client_profile.plan_fee
  for each statement execute function platform.refuse_change();

-- The plan of everybody of whom nothing else was said.
insert into client_profile.plan (code, version, created_at, updated_at) values ('standard', 1, now(), now());
insert into client_profile.plan_version (code, version, name, currency, monthly_fee_minor, at, actor_kind, actor_id)
values ('standard', 1, 'Standard', 'EUR', 490, now(), 'job', 'migration');
insert into client_profile.plan_limit (code, version, kind, currency, amount_minor, accounts_max)
values ('standard', 1, 'accounts', null, null, 1000),
       ('standard', 1, 'singleTransfer', 'EUR', 5000000, null),
       ('standard', 1, 'dailyOutgoing', 'EUR', 10000000, null),
       ('standard', 1, 'monthlyOutgoing', 'EUR', 50000000, null);
insert into client_profile.plan_fee (code, version, kind, transfer_type, currency, amount_minor, millionths, minimum_minor)
values ('standard', 1, 'outgoingTransfer', 'internal', 'EUR', 0, null, null),
       ('standard', 1, 'outgoingTransfer', 'sepa', 'EUR', 20, null, null),
       ('standard', 1, 'outgoingTransfer', 'sepaInstant', 'EUR', 20, null, null),
       ('standard', 1, 'outgoingTransfer', 'swift', 'EUR', 1500, null, null),
       ('standard', 1, 'outgoingTransfer', 'fasterPayments', 'GBP', 20, null, null),
       ('standard', 1, 'outgoingTransfer', 'chaps', 'GBP', 1500, null, null),
       ('standard', 1, 'outgoingTransfer', 'ach', 'USD', 50, null, null),
       ('standard', 1, 'outgoingTransfer', 'fedwire', 'USD', 2000, null, null),
       ('standard', 1, 'accountMonthly', null, 'EUR', 0, null, null),
       ('standard', 1, 'foreignExchange', null, 'EUR', null, 5000, 100);

-- No foreign key: plans are kept for ever, and all new clients of the bank would wait at the row of the same one. `verify` looks after it.
alter table client_profile.client add column plan_code text not null default 'standard';
grant update (plan_code) on client_profile.client to finlego_app;
