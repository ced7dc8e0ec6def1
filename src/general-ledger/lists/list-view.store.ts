// What lists are made of, as the walks read it. Each kind of list has a view of all that may stand in it; what is booked is read from
// sources that look into no table a filter does not ask for, because thousands of rows are looked at for a page.

/** One kind of list. All pieces are SQL; `m` is a row of it, `a` one of the accounts asked for, `l` a line, `u` a change of the journal. */
export type ListView = {
  /** The view: everything, wherever it stands. */
  readonly name: string;
  /** Entries as rows of the list, with `account_id` and `account_seq`. */
  readonly entries: string;
  /**
   * The same rows of account `a`, read payment by payment in the order of their ids: several times as fast where all of them are looked at,
   * and slower where the first few would do. `ids` is SQL of an array.
   */
  entriesAmong(ids: string): string;
  /** All rows of the payment of `u`, drafts among them; `is_booked` where it stands at its posting. */
  readonly changed: string;
  /** Which of these are in the list, of a posting and of any other change. */
  readonly isPosted: string;
  readonly isListed: string;
  /** The slot of a side (0 or 1) of a line. */
  slotOf(lineNo: string, side: 0 | 1): string;
  /** From a line on the debited (0) or credited (1) account to its row, once for each row. */
  ofLine(side: 0 | 1): string;
  /**
   * Of a posted payment: from a line of the account that was released to its row, where nothing else of it stands there. Null: such a line
   * has a row of its own, which stands where it was drafted. `ids` is a placeholder.
   */
  readonly ofReleased: ((ids: string) => string) | null;
};

/** Sides of lines. */
export const TRANSACTIONS: ListView = {
  name: "general_ledger.movement",
  entries: `(
    select e.account_id, e.account_seq, e.payment_id, case when e.amount_minor < 0 then 0 else 1 end as side,
           2 * e.line_no + case when e.amount_minor < 0 then 0 else 1 end as slot, 'posted' as state, abs(e.amount_minor) as amount_minor,
           l.type, l.currency, coalesce(l.description, p.description) as description, p.reference, p.value_date, p.created_at,
           e.booked_at as posted_at, e.booked_at as dated_at,
           (select o.drafted_in is null from general_ledger.payment_line o
            where o.payment_id = e.payment_id and o.line_no = e.line_no) as is_one_step
    from general_ledger.entry e
    left join general_ledger.payment_line l on l.payment_id = e.payment_id and l.line_no = e.line_no
    left join general_ledger.payment p on p.id = e.payment_id)`,
  entriesAmong: (ids) => `(
    select s.account_id, s.account_seq, l.payment_id, s.side, 2 * l.line_no + s.side as slot, 'posted' as state,
           coalesce(l.posted_minor, l.amount_minor) as amount_minor, l.type, l.currency, coalesce(l.description, p.description) as description,
           p.reference, p.value_date, p.created_at, p.posted_at, p.posted_at as dated_at, l.drafted_in is null as is_one_step
    from general_ledger.payment_line l
    cross join lateral (values (0, l.debit_account_id, l.debit_seq), (1, l.credit_account_id, l.credit_seq)) s(side, account_id, account_seq)
    left join general_ledger.payment p on p.id = l.payment_id
    where l.payment_id = any(${ids}))`,
  changed: `(
    select l.payment_id, s.side, 2 * l.line_no + s.side as slot, l.debit_seq is not null as is_booked, l.drafted_in is null as is_one_step,
           case when l.debit_seq is not null then 'posted' when p.state = 'pending' then 'pending' else 'cancelled' end as state,
           case when l.debit_seq is null then l.amount_minor else coalesce(l.posted_minor, l.amount_minor) end as amount_minor,
           l.type, l.currency, coalesce(l.description, p.description) as description, p.reference, p.state as payment_state, p.value_date, p.created_at,
           case when l.debit_seq is not null then p.posted_at end as posted_at,
           case when l.debit_seq is not null then p.posted_at else p.created_at end as dated_at,
           case s.side when 0 then l.debit_account_id else l.credit_account_id end as account_id,
           (select o.tenant from general_ledger.account o
            where o.id = case s.side when 0 then l.debit_account_id else l.credit_account_id end) as tenant
    from general_ledger.payment_line l
    cross join (values (0), (1)) s(side)
    left join general_ledger.payment p on p.id = l.payment_id
    where l.payment_id = u.subject)`,
  isPosted: "m.is_booked",
  isListed: "m.payment_state <> 'draft'",
  slotOf: (lineNo, side) => `2 * ${lineNo} + ${side}`,
  ofLine: (side) => `m.payment_id = l.payment_id and m.line_no = l.line_no and m.side = ${side}`,
  ofReleased: null,
};

/** Payments; one with several lines on an account is met at the first of them. */
export const PAYMENTS: ListView = {
  name: "general_ledger.listed_payment",
  entries: `(
    select e.account_id, e.account_seq, e.payment_id, 0 as slot, 'posted' as state, e.booked_at as dated_at, p.type, p.metadata, p.client_id,
           p.external_id, p.tenant,
           (select o.change_no = 1 from general_ledger.payment o where o.id = e.payment_id) as is_one_step
    from general_ledger.entry e
    left join general_ledger.payment p on p.id = e.payment_id
    where e.line_no = 1 or not exists (
      select from general_ledger.payment_line o
      where o.payment_id = e.payment_id and o.line_no < e.line_no and o.debit_seq is not null
        and e.account_id in (o.debit_account_id, o.credit_account_id)))`,
  entriesAmong: (ids) => `(
    select a.id as account_id, l.account_seq, p.id as payment_id, 0 as slot, 'posted' as state, p.posted_at as dated_at, p.type, p.metadata,
           p.client_id, p.external_id, p.tenant, p.change_no = 1 as is_one_step
    from general_ledger.payment p
    cross join lateral (
      select case when l.debit_account_id = a.id then l.debit_seq else l.credit_seq end as account_seq
      from general_ledger.payment_line l
      where l.payment_id = p.id and l.debit_seq is not null and a.id in (l.debit_account_id, l.credit_account_id)
      order by l.line_no limit 1) l
    where p.id = any(${ids}))`,
  changed: `(
    select u.subject as payment_id, 0 as slot, p.state = 'posted' as is_booked, p.change_no = 1 as is_one_step, p.state::text as state,
           coalesce(p.posted_at, p.created_at) as dated_at, p.type, p.metadata, p.client_id, p.external_id, p.tenant
    from (values (0)) one(slot)
    left join general_ledger.payment p on p.id = u.subject)`,
  isPosted: "true",
  isListed: "true",
  slotOf: () => "0",
  ofLine: () => `m.payment_id = l.payment_id and not exists (
      select from general_ledger.payment_line o
      where o.payment_id = l.payment_id and o.line_no < l.line_no and a.id in (o.debit_account_id, o.credit_account_id))`,
  ofReleased: (ids) => `m.payment_id = l.payment_id and not exists (
      select from general_ledger.payment_line o
      where o.payment_id = l.payment_id and (o.debit_account_id = any(${ids}) or o.credit_account_id = any(${ids}))
        and (o.debit_seq is not null or o.line_no < l.line_no))`,
};

/**
 * The rows of the view to which the row before it leads. The offset keeps the planner from joining the view as a whole, which has more
 * tables than it puts in order: each row is reached by key.
 */
export function rowsOf({ name }: ListView, leads: string): string {
  return `lateral (select * from ${name} m where ${leads} offset 0) m`;
}

/** The sequence at which a row stands for a walk that began at that head. */
export function standsAt(head: string): string {
  return `case when m.is_booked and (m.is_one_step or m.sequence <= ${head}) then m.sequence else m.created_sequence end`;
}

/** The sequence at which a posted payment was posted. */
export function postedAt(paymentId: string): string {
  return `(select j.first_sequence + p.place from general_ledger.payment p join general_ledger.journal j on j.batch_id = p.batch_id
           where p.id = ${paymentId})`;
}
