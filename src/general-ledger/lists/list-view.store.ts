// What lists are made of, as the walks read it: the view, and how a row of it is reached from an entry or a drafted line.

/** One kind of list. All pieces are SQL; `m` is a row of the view, `a` one of the accounts asked for, `e` an entry, `l` a line. */
export type ListView = {
  readonly name: string;
  /** From an entry to its row, once for each row. */
  readonly ofEntry: string;
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
  ofEntry: "m.payment_id = e.payment_id and m.line_no = e.line_no and m.side = case when e.amount_minor < 0 then 0 else 1 end",
  ofLine: (side) => `m.payment_id = l.payment_id and m.line_no = l.line_no and m.side = ${side}`,
  ofReleased: null,
};

/** Payments; one with several lines on an account is met at the first of them. */
export const PAYMENTS: ListView = {
  name: "general_ledger.listed_payment",
  ofEntry: `m.payment_id = e.payment_id and not exists (
      select from general_ledger.payment_line o
      where o.payment_id = e.payment_id and o.line_no < e.line_no and o.debit_seq is not null and a.id in (o.debit_account_id, o.credit_account_id))`,
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
