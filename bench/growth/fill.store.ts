// SQL that fills empty books with a history of any length, in minutes: set by set and as the owner, with the triggers switched off that
// would look at each row. What comes out is what posting one by one would have left: every figure follows from the rows before it,
// every payment has its key and its place in the journal, every opening its audit. `verify` holds it against all its rules.

import type { Client } from "pg";
import { benchMasterKeys } from "../master-key.ts";

export type BookSize = {
  /** Accounts of clients; two to a client. The bank's own comes on top. */
  readonly accounts: number;
  /** Payments of one line. The first ones, one for each account, bring its opening money from the bank. */
  readonly payments: number;
};

export type FillStep = { readonly title: string; readonly statements: readonly string[] };

/** Money enough for any account to pay for ever: 10 million in minor units of two decimals. */
const OPENING_MINOR = 1_000_000_000;
/** One in so many payments credits the account with number 1: the hottest of the ledger. */
const HOT_EVERY = 10;
const BATCH = 200;
const OPENINGS_PER_BATCH = 1_000;

const TABLES = [
  "client_profile.client",
  "client_profile.client_key",
  "client_profile.search_key",
  "client_profile.client_status_history",
  "general_ledger.account",
  "general_ledger.account_profile",
  "general_ledger.account_kind",
  "general_ledger.payment",
  "general_ledger.payment_line",
  "general_ledger.entry",
  "general_ledger.payment_metadata",
  "general_ledger.journal",
  "general_ledger.ledger_head",
  "platform.audit_entry",
  "platform.idempotency_key",
];

/** A UUIDv7 of that instant whose rest is a hash; payments' ids end in 00. */
const uuidAt = (at: string, seed: string): string =>
  `(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') || '7' || substr(md5(${seed}), 1, 3) || 'a' || substr(md5(${seed}), 4, 13) || '00')::uuid`;

/** All of it, in order. Time goes from 400 days ago to an hour ago: accounts are opened in the first half, payments made in the second. */
export function fillSteps(size: BookSize): FillStep[] {
  return [
    prepare(size),
    planPayments(size),
    countAlongAccounts(),
    openAccounts(),
    writePayments(),
    writeEntries(),
    writeJournal(size),
    finish(),
  ];
}

function prepare({ accounts, payments }: BookSize): FillStep {
  const batches = Math.ceil(payments / BATCH);
  return {
    title: "accounts to be",
    statements: [
      "set synchronous_commit = off",
      "set work_mem = '512MB'",
      "set jit = off",
      "select setseed(0.5)",
      "create schema bench_fill",
      ...TABLES.map((table) => `alter table ${table} disable trigger user`),
      `create table bench_fill.span as
       select date_trunc('milliseconds', now() - interval '400 days') as opened_from, date_trunc('milliseconds', now() - interval '200 days') as paid_from,
              (interval '200 days' - interval '1 hour') / ${batches} as batch_step, (interval '199 days') / ${accounts + 1} as opening_step,
              ${Math.ceil((accounts + 1) / OPENINGS_PER_BATCH)} as opening_batches, ${accounts + 1} as openings`,
      // Number 0 is the bank's.
      `create unlogged table bench_fill.holder as
       select h.number, ${uuidAt("h.opened_at", "'account ' || h.number")} as id,
              case when h.number > 0 then ${uuidAt("h.opened_at", "'client ' || (h.number + 1) / 2")} end as client, h.opened_at
       from (select n as number, date_trunc('milliseconds', s.opened_from + s.opening_step * n) as opened_at
             from bench_fill.span s cross join generate_series(0, ${accounts}) n) h`,
      // Both accounts of a client have its one id, that of the first.
      "update bench_fill.holder h set client = f.client from bench_fill.holder f where h.number > 0 and h.number % 2 = 0 and f.number = h.number - 1",
      "alter table bench_fill.holder add primary key (number)",
      "analyze bench_fill.holder",
    ],
  };
}

function planPayments({ accounts, payments }: BookSize): FillStep {
  const anyone = `1 + floor(random() * ${accounts})::integer`;
  return {
    title: "payments to be",
    statements: [
      `create unlogged table bench_fill.movement as
       select m.n, ${uuidAt("m.at", "'payment ' || m.n")} as id, m.debit, case when m.credit = m.debit then m.credit % ${accounts} + 1 else m.credit end as credit,
              case when m.n <= ${accounts} then ${OPENING_MINOR} else 1 + (m.n::bigint * 7919) % 10000 end::bigint as amount,
              case when m.n <= ${accounts} then 'deposit' when m.n % 50 = 7 then 'fee' when m.n % 50 = 8 then 'withdrawal' else 'transfer' end::general_ledger.payment_type as type,
              m.at, m.batch, (m.n - 1) % ${BATCH} as place
       from (
         select p.n, p.batch, date_trunc('milliseconds', s.paid_from + s.batch_step * p.batch) as at, p.debit, p.credit
         from bench_fill.span s
         cross join (
           select n, (n - 1) / ${BATCH} as batch, case when n <= ${accounts} then 0 else ${anyone} end as debit,
                  case when n <= ${accounts} then n when n % ${HOT_EVERY} = 0 then 1 else ${anyone} end as credit
           from generate_series(1, ${payments}) n) p) m`,
      "alter table bench_fill.movement add primary key (n)",
      "analyze bench_fill.movement",
    ],
  };
}

function countAlongAccounts(): FillStep {
  return {
    title: "numbers and balances along every account",
    statements: [
      `create unlogged table bench_fill.side as
       select s.n, s.side, s.account, s.amount, (row_number() over w)::bigint as seq, (sum(s.amount) over w)::bigint as balance
       from (select n, 0 as side, debit as account, -amount as amount from bench_fill.movement
             union all select n, 1, credit, amount from bench_fill.movement) s
       window w as (partition by s.account order by s.n rows unbounded preceding)`,
      `create unlogged table bench_fill.booked as
       select d.n, d.seq as debit_seq, d.balance as debit_balance, c.seq as credit_seq, c.balance as credit_balance
       from bench_fill.side d join bench_fill.side c on c.n = d.n and c.side = 1
       where d.side = 0`,
      "alter table bench_fill.booked add primary key (n)",
      `create unlogged table bench_fill.stand as
       select account as number, max(seq) as last_seq, sum(amount)::bigint as balance, max(n) as last_n from bench_fill.side group by account`,
      "drop table bench_fill.side",
      "analyze bench_fill.booked",
      "analyze bench_fill.stand",
    ],
  };
}

function openAccounts(): FillStep {
  return {
    title: "clients and accounts",
    statements: [
      // Their data and keys are filling, and open with no key: no read of the bench asks for them.
      `insert into client_profile.client (id, tenant, external_id, type, status, verification_status, risk_level, phone_is_e164, sealed_profile, email_mark,
              search_marks, created_at, updated_at)
       select h.client, 'default', 'bench-client-' || (h.number + 1) / 2, 'company', 'active', 'approved', 'low', true, repeat('x', 400)::bytea,
              uuid_send(h.client), '{}', h.opened_at, h.opened_at
       from bench_fill.holder h where h.number % 2 = 1 order by h.number`,
      `insert into client_profile.client_key (client_id, master_key, wrapped_key, created_at)
       select c.id, '${benchMasterKeys.current}', decode(rpad(replace(c.id::text, '-', ''), 120, '0'), 'hex'), c.created_at
       from client_profile.client c order by c.created_at`,
      `insert into client_profile.search_key (master_key, wrapped_key)
       values ('${benchMasterKeys.current}', '\\x${benchMasterKeys.newKey("search key").wrapped.wrappedKey.toString("hex")}')`,
      `insert into client_profile.client_status_history (client_id, at, status, verification_status, risk_level, reason, actor_kind, actor_id)
       select c.id, c.created_at, c.status, c.verification_status, c.risk_level, 'imported', 'system', 'bench' from client_profile.client c order by c.created_at`,
      `insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, is_default, floor_minor, balance_minor, last_seq, version, last_booked_at)
       select h.id, h.client, 'default', 'EUR', h.number > 0, h.number % 2 = 1, case when h.number > 0 then 0 end, coalesce(s.balance, 0), coalesce(s.last_seq, 0),
              coalesce(s.last_seq, 0) + 1, m.at
       from bench_fill.holder h
       left join bench_fill.stand s on s.number = h.number
       left join bench_fill.movement m on m.n = s.last_n
       order by h.number`,
      `insert into general_ledger.account_profile (account_id, owner_tenant, number, name, type, category, created_at, tenant, client_id, currency, status)
       select h.id, 'default', 'BENCH' || lpad(h.number::text, 9, '0'), 'Account ' || h.number, k.type, k.category, h.opened_at, 'default', h.client, 'EUR', 'active'
       from bench_fill.holder h
       cross join lateral (select case when h.number = 0 then 'settlement' else 'client' end::general_ledger.account_type as type,
         case when h.number = 0 then 'asset' else 'liability' end::general_ledger.account_category as category) k
       order by h.number`,
      `insert into general_ledger.account_kind (tenant, currency, type, status)
       select distinct p.tenant, p.currency, p.type, p.status from general_ledger.account_profile p on conflict do nothing`,
      `insert into platform.audit_entry (at, actor_kind, actor_id, tenant, action, subject, trace_id, detail)
       select c.created_at, 'system', 'bench', 'default', 'client.created', 'client:' || c.id, 'bench', '{}'::jsonb from client_profile.client c
       union all
       select h.opened_at, 'system', 'bench', 'default', 'account.opened', 'account:' || h.id, 'bench', '{}'::jsonb from bench_fill.holder h`,
    ],
  };
}

/** In the order in which they were made, as they would lie in the files. */
function writePayments(): FillStep {
  return {
    title: "payments, lines, keys",
    statements: [
      `insert into general_ledger.payment (id, client_id, batch_id, place, type, state, value_date, created_at, posted_at, content, tenant, owner_tenant,
              created_by, external_id, description, reference, metadata)
       select m.id, coalesce(d.client, c.client), s.opening_batches + 1 + m.batch, m.place, m.type, 'posted', (m.at at time zone 'UTC')::date, m.at, m.at,
              md5('content ' || m.n)::uuid, 'default', 'default', 'bench', md5('external ' || m.n)::uuid::text, 'Payment number ' || m.n,
              case when m.n % 5 = 0 then 'REF' || m.n end,
              case when m.n % 10 = 3 then jsonb_build_object('order', m.n::text, 'channel', (array['web', 'app', 'branch'])[1 + m.n % 3]) end
       from bench_fill.span s
       cross join bench_fill.movement m
       join bench_fill.holder d on d.number = m.debit
       join bench_fill.holder c on c.number = m.credit
       order by m.n`,
      `insert into general_ledger.payment_line (payment_id, line_no, debit_account_id, credit_account_id, amount_minor, debit_seq, credit_seq, currency, type)
       select m.id, 1, d.id, c.id, m.amount, b.debit_seq, b.credit_seq, 'EUR', m.type
       from bench_fill.movement m
       join bench_fill.booked b on b.n = m.n
       join bench_fill.holder d on d.number = m.debit
       join bench_fill.holder c on c.number = m.credit
       order by m.n`,
      `insert into platform.idempotency_key (id, created_at, payment_id, fingerprint)
       select md5('key ' || m.n)::uuid, m.at, m.id, sha256(convert_to('request ' || m.n, 'UTF8')) from bench_fill.movement m order by m.n`,
      `insert into general_ledger.payment_metadata (name, value, payment_id)
       select e.key, e.value, p.id from general_ledger.payment p cross join lateral jsonb_each_text(p.metadata) e where p.metadata is not null`,
    ],
  };
}

function writeEntries(): FillStep {
  return {
    title: "entries",
    statements: [
      `insert into general_ledger.entry (account_id, payment_id, account_seq, amount_minor, balance_after, held_after, booked_at, line_no)
       select h.id, x.id, x.seq, x.amount, x.balance, 0, x.at, 1
       from (
         select m.n, m.id, m.at, s.side, s.account, s.amount, s.seq, s.balance
         from bench_fill.movement m
         join bench_fill.booked b on b.n = m.n
         cross join lateral (values (0, m.debit, -m.amount, b.debit_seq, b.debit_balance), (1, m.credit, m.amount, b.credit_seq, b.credit_balance))
           s(side, account, amount, seq, balance)) x
       join bench_fill.holder h on h.number = x.account
       order by x.n, x.side`,
    ],
  };
}

function writeJournal({ payments }: BookSize): FillStep {
  return {
    title: "journal",
    statements: [
      `insert into general_ledger.journal (first_sequence, batch_id, size, committed_at, changes, subjects)
       select h.number / ${OPENINGS_PER_BATCH} * ${OPENINGS_PER_BATCH} + 1, h.number / ${OPENINGS_PER_BATCH} + 1, count(*), max(h.opened_at),
              array_fill('account.opened'::general_ledger.change, array[count(*)::integer]), array_agg(h.id order by h.number)
       from bench_fill.holder h group by h.number / ${OPENINGS_PER_BATCH} order by 1`,
      `insert into general_ledger.journal (first_sequence, batch_id, size, committed_at, changes, subjects)
       select min(s.openings) + m.batch * ${BATCH} + 1, min(s.opening_batches) + 1 + m.batch, count(*), min(m.at),
              array_fill('payment.posted'::general_ledger.change, array[count(*)::integer]), array_agg(m.id order by m.n)
       from bench_fill.span s cross join bench_fill.movement m group by m.batch order by m.batch`,
      `update general_ledger.ledger_head h set last_sequence = s.openings + ${payments}, last_at = (select max(j.committed_at) from general_ledger.journal j)
       from bench_fill.span s`,
      "select setval('general_ledger.batch', (select max(j.batch_id) from general_ledger.journal j))",
    ],
  };
}

function finish(): FillStep {
  return {
    title: "statistics",
    statements: [...TABLES.map((table) => `alter table ${table} enable trigger user`), "drop schema bench_fill cascade", "vacuum analyze"],
  };
}

export async function runStep(owner: Client, { statements }: FillStep): Promise<void> {
  for (const statement of statements) await owner.query(statement);
}
