// Reads the books behind the bank's back and says what is wrong with them. Two judges: the invariants as plain SQL, which share no code
// with the product, and the product's own `finlego verify`.

import { spawn } from "node:child_process";
import type { Bank } from "./bank.ts";
import type { Report } from "./suite.ts";
import { ROOT } from "./server.ts";

/** Each finds violations: no row, no violation. */
const INVARIANTS: Readonly<Record<string, string>> = {
  "a payment's entries sum to zero, at least two of them": `
    select p.id::text from general_ledger.payment p left join general_ledger.entry e on e.payment_id = p.id
    where p.state = 'posted' group by p.id having coalesce(sum(e.amount_minor), 1) <> 0 or count(*) < 2`,
  "a payment that is not posted has no entries": `
    select p.id::text from general_ledger.payment p join general_ledger.entry e on e.payment_id = p.id where p.state <> 'posted'`,
  "an entry belongs to a payment": `
    select e.payment_id::text from general_ledger.entry e left join general_ledger.payment p on p.id = e.payment_id where p.id is null`,
  "the ledger sums to zero in each currency": `
    select a.currency from general_ledger.account a group by a.currency having sum(a.balance_minor) <> 0`,
  "a balance is the sum of its account's entries, numbered 1…n": `
    select a.id::text from general_ledger.account a left join general_ledger.entry e on e.account_id = a.id
    group by a.id having a.balance_minor <> coalesce(sum(e.amount_minor), 0)
      or a.last_seq <> count(e.account_id) or a.last_seq <> coalesce(max(e.account_seq), 0)`,
  "balanceAfter goes on from the entry before": `
    select account_id::text || ' ' || account_seq from (
      select *, lag(balance_after, 1, 0::bigint) over (partition by account_id order by account_seq) + amount_minor as wanted
      from general_ledger.entry) e where balance_after <> wanted`,
  "time never falls along an account": `
    select account_id::text || ' ' || account_seq from (
      select *, lag(booked_at) over (partition by account_id order by account_seq) as before from general_ledger.entry) e where booked_at < before`,
  "available money never passes its floor": `
    select id::text from general_ledger.account where floor_minor is not null and balance_minor - held_minor < floor_minor`,
  "no entry ever left a guarded account below its floor": `
    select a.id::text || ' ' || e.account_seq from general_ledger.account a join general_ledger.entry e on e.account_id = a.id
    join general_ledger.payment p on p.id = e.payment_id
    where a.floor_minor is not null and e.balance_after - e.held_after < a.floor_minor
      -- A floor that was moved says nothing of what was booked before.
      and not exists (select from general_ledger.journal j where j.subjects @> array[a.id] and 'account.changed' = any(j.changes))
      and not exists (select from general_ledger.entry later where later.account_id = e.account_id and later.payment_id = e.payment_id
        and later.account_seq > e.account_seq)`,
  "the journal has no gap": `
    select first_sequence::text from (
      select *, lag(first_sequence + size, 1, 1::bigint) over (order by first_sequence) as wanted from general_ledger.journal) j
    where first_sequence <> wanted`,
  "the head is the end of the journal": `
    select h.last_sequence::text from general_ledger.ledger_head h
    where h.last_sequence <> (select coalesce(sum(size), 0) from general_ledger.journal)`,
  "every posted payment stands in the journal once": `
    select p.id::text from general_ledger.payment p
    left join (select unnest(changes) as change, unnest(subjects) as subject from general_ledger.journal) j
      on j.subject = p.id and j.change = 'payment.posted'
    where p.state = 'posted' group by p.id having count(j.subject) <> 1`,
  "every account stands in the journal as opened once": `
    select a.id::text from general_ledger.account a
    left join (select unnest(changes) as change, unnest(subjects) as subject from general_ledger.journal) j
      on j.subject = a.id and j.change = 'account.opened'
    group by a.id having count(j.subject) <> 1`,
  "a payment's lines are its entries, of what was booked": `
    select l.payment_id::text from general_ledger.payment_line l join general_ledger.payment p on p.id = l.payment_id and p.state = 'posted'
    left join general_ledger.entry d on (d.account_id, d.account_seq) = (l.debit_account_id, l.debit_seq) and d.payment_id = l.payment_id
    left join general_ledger.entry c on (c.account_id, c.account_seq) = (l.credit_account_id, l.credit_seq) and c.payment_id = l.payment_id
    where d.amount_minor is distinct from nullif(-coalesce(l.posted_minor, l.amount_minor), 0)
      or c.amount_minor is distinct from nullif(coalesce(l.posted_minor, l.amount_minor), 0)`,
  "what an account holds, and what is announced to it, are its pending lines": `
    select a.id::text from general_ledger.account a
    left join (select l.debit_account_id as id, sum(l.amount_minor) as held from general_ledger.payment_line l
      join general_ledger.payment p on p.id = l.payment_id and p.state = 'pending' group by 1) h on h.id = a.id
    left join (select l.credit_account_id as id, sum(l.amount_minor) as incoming from general_ledger.payment_line l
      join general_ledger.payment p on p.id = l.payment_id and p.state = 'pending' group by 1) i on i.id = a.id
    where a.held_minor <> case when a.credit_normal then coalesce(h.held, 0) else 0 end
      or a.incoming_minor <> case when a.credit_normal then coalesce(i.incoming, 0) else 0 end`,
  "a drafted payment's history leads to its state, step by step": `
    select p.id::text from general_ledger.payment p join general_ledger.payment_change c on c.payment_id = p.id
    group by p.id having count(*) <> p.change_no or max(c.change_no) <> p.change_no
      or (array_agg(c.change::text order by c.change_no))[p.change_no] <> 'payment.' || case p.state when 'draft' then 'drafted' else p.state::text end
      or array_to_string(array_agg(c.change::text order by c.change_no), ' ') !~
        '^(payment.drafted ?)?(payment.pending ?)?(payment.posted|payment.cancelled)?$'
      or array_to_string(array_agg(c.change::text order by c.change_no), ' ') ~ 'drafted payment.posted'`,
  "a drafted payment's history stands in the journal, change by change": `
    select coalesce(c.payment_id, j.subject)::text from general_ledger.payment_change c
    full join (select j.batch_id, u.place - 1 as place, u.subject, u.change from general_ledger.journal j
      cross join lateral unnest(j.changes, j.subjects) with ordinality u(change, subject, place)) j
      on j.batch_id = c.batch_id and j.place = c.place and j.subject = c.payment_id and j.change = c.change
    where c.payment_id is null and j.change in ('payment.drafted', 'payment.pending', 'payment.cancelled') or j.subject is null`,
  "a payment is reversed once, by a payment that stands": `
    select r.reversed_payment_id::text from general_ledger.reversal r join general_ledger.payment p on p.id = r.reversing_payment_id
    group by 1 having count(*) filter (where not r.withdrawn) > 1 or bool_or(r.withdrawn <> (p.state = 'cancelled'))`,
  "a key names a payment that exists": `
    select k.id::text from platform.idempotency_key k left join general_ledger.payment p on p.id = k.payment_id
    where k.payment_id is not null and p.id is null`,
  "no entry was ever changed or removed": `
    select relname::text from pg_stat_user_tables
    where relname in ('entry', 'journal', 'payment_change') and n_tup_upd + n_tup_del > 0 or relname in ('payment', 'payment_line') and n_tup_del > 0`,
};

export async function checkBooks(bank: Bank, report: Report, when: string): Promise<void> {
  for (const [rule, text] of Object.entries(INVARIANTS)) {
    const rows = await bank.query<Record<string, unknown>>(text);
    const where = rows.slice(0, 3).map((row) => String(Object.values(row)[0]));
    report.expect(rows.length === 0, `${when}: not so for ${rows.length}: ${rule} (${where.join(", ")})`);
  }
  await checkByProduct(bank, report, when);
}

/** `finlego verify` on the same database: exit code 0 and nothing to say. */
async function checkByProduct(bank: Bank, report: Report, when: string): Promise<void> {
  const { code, output } = await runCli(["verify"], { FINLEGO_DATA: bank.data });
  report.expect(code === 0, `${when}: finlego verify ended with ${code}: ${output.slice(0, 1_500)}`);
}

export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string }> {
  const { DATABASE_URL: _ours, ...inherited } = process.env;
  const child = spawn(process.execPath, ["src/cli.ts", ...args], {
    cwd: ROOT,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return await new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

/** Payments with these externalIds that are in the books, by externalId. */
export async function storedPayments(bank: Bank, prefix: string): Promise<Map<string, { id: string; count: number }>> {
  const rows = await bank.query<{ externalId: string; id: string; count: number }>(
    `select external_id as "externalId", min(id::text) as id, count(*)::int as count from general_ledger.payment where starts_with(external_id, $1) group by external_id`,
    [prefix],
  );
  return new Map(rows.map(({ externalId, id, count }) => [externalId, { id, count }]));
}
