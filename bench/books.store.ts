// The accounts that are paid between, and the proof after each run that the books are right.

import type { Client } from "pg";

const CURRENCY = "EUR";

/** Opens accounts for clients with a floor of zero, and one of the bank that the money comes from. Ids rise. */
export async function openAccounts(owner: Client, ids: readonly string[], bank: string): Promise<void> {
  await owner.query("begin");
  await owner.query(
    `insert into general_ledger.account (id, tenant, currency, credit_normal, floor_minor)
     select u.id, 'default', $3, true, 0 from unnest($1::uuid[]) u(id)
     union all select $2::uuid, 'default', $3, false, null`,
    [ids, bank, CURRENCY],
  );
  await owner.query(
    `insert into general_ledger.account_profile (account_id, owner_tenant, number, name, type, category, created_at)
     select u.id, 'default', 'BENCH' || lpad(u.at::text, 9, '0'), 'Account ' || u.at,
            case when u.id = $2 then 'settlement' else 'client' end::general_ledger.account_type,
            case when u.id = $2 then 'asset' else 'liability' end::general_ledger.account_category, clock_timestamp()
     from unnest($1::uuid[] || $2::uuid) with ordinality u(id, at)`,
    [ids, bank],
  );
  await owner.query(
    `select general_ledger.append_journal(nextval('general_ledger.batch'),
       array_fill('account.opened'::general_ledger.change, array[cardinality(u.ids)]), u.ids)
     from (select $1::uuid[] || $2::uuid as ids) u`,
    [ids, bank],
  );
  await owner.query(
    `insert into platform.audit_entry (at, actor_kind, actor_id, tenant, action, subject, trace_id, detail)
     select clock_timestamp(), 'system', 'bench', 'default', 'account.opened', 'account:' || u.id, 'bench', '{}'
     from unnest($1::uuid[] || $2::uuid) u(id)`,
    [ids, bank],
  );
  await owner.query("commit");
}

/** One line for each rule that the books break; empty when all is well. */
export async function findBrokenRules(owner: Client): Promise<string[]> {
  const { rows } = await owner.query<{ rule: string; faults: string }>(`
    with entries as materialized (
      select account_id, sum(amount_minor) as balance, count(*) as entries, max(account_seq) as last_seq from general_ledger.entry group by account_id
    ), numbers as (
      select first_sequence, size, lead(first_sequence) over (order by first_sequence) as next from general_ledger.journal
    ), lines as materialized (
      select payment_id, count(*) as lines from general_ledger.payment_line group by payment_id
    ), sides as materialized (
      select payment_id, count(*) as sides, sum(amount_minor) as sum from general_ledger.entry group by payment_id
    ), pending as materialized (
      select s.account_id, sum(s.held) as held, sum(s.incoming) as incoming
      from general_ledger.payment p
      join general_ledger.payment_line l on l.payment_id = p.id
      cross join lateral (values (l.debit_account_id, l.amount_minor, 0), (l.credit_account_id, 0, l.amount_minor)) s(account_id, held, incoming)
      where p.state = 'pending'
      group by s.account_id
    )
    select 'all entries sum to zero' as rule, count(*) as faults from (select sum(amount_minor) as sum from general_ledger.entry) e where e.sum <> 0
    union all
    select 'every posted payment sums to zero and has two entries per line, any other has none', count(*)
    from general_ledger.payment p left join lines l on l.payment_id = p.id left join sides s on s.payment_id = p.id
    where l.lines is null or coalesce(s.sides, 0) <> case when p.state = 'posted' then 2 * l.lines else 0 end or s.sum <> 0
    union all
    select 'a balance is the sum of its entries', count(*)
    from general_ledger.account a left join entries e on e.account_id = a.id where a.balance_minor <> coalesce(e.balance, 0)
    union all
    select 'an account''s entries are numbered without gaps', count(*)
    from general_ledger.account a left join entries e on e.account_id = a.id
    where (a.last_seq, a.last_seq) is distinct from (coalesce(e.entries, 0), coalesce(e.last_seq, 0))
    union all
    select 'what is held and announced is the sum of the pending payments', count(*)
    from general_ledger.account a left join pending h on h.account_id = a.id
    where a.credit_normal and (a.held_minor, a.incoming_minor) is distinct from (coalesce(h.held, 0), coalesce(h.incoming, 0))
    union all
    select 'no account is below its floor', count(*) from general_ledger.account where balance_minor - held_minor < floor_minor
    union all
    select 'the journal has no gaps', count(*) from numbers where next <> first_sequence + size
    union all
    select 'the journal ends at the head', count(*)
    from general_ledger.ledger_head h, (select max(first_sequence + size - 1) as last from general_ledger.journal) j where j.last is distinct from h.last_sequence
    union all
    select 'the journal names every change of a payment', count(*)
    from (select (select count(*) from general_ledger.journal cross join unnest(changes) c(change) where c.change::text like 'payment.%') is distinct from
                 (select sum(change_no) from general_ledger.payment) as differs) j where j.differs`);
  return rows.filter(({ faults }) => Number(faults) > 0).map(({ rule, faults }) => `${rule}: broken ${faults} times`);
}
