// The second lock on the door. The database refuses by itself what breaks a rule of money, tried as the owner with raw SQL. Every
// statement is rolled back; none may come so far as to be kept.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  append,
  attempt,
  change,
  DONE,
  draft,
  draftedLine,
  entries,
  line,
  openSmallBooks,
  PAYMENT,
  payment,
  pending,
  reversal,
  type SmallBooks,
  state,
} from "./raw-sql.ts";

let bank: SmallBooks["bank"];
let ids: SmallBooks["ids"];

beforeAll(async () => {
  ({ bank, ids } = await openSmallBooks());
});
afterAll(() => bank.close());

const book = (amount: number): string =>
  `update general_ledger.payment_line set posted_minor = ${amount}, debit_seq = 90, credit_seq = 91 where payment_id = '${PAYMENT}'`;
const release = `update general_ledger.payment_line set posted_minor = 0, debit_seq = null, credit_seq = null where payment_id = '${PAYMENT}'`;
const cancel = state("cancelled", ", cancelled_at = now()");
const withdraw = `update general_ledger.reversal set withdrawn = true where reversing_payment_id = '${PAYMENT}'`;
const account = (terms: string): string => `update general_ledger.account set ${terms} where id = '${ids.alice}'`;
const journal = (values: string): string =>
  `insert into general_ledger.journal (first_sequence, batch_id, size, committed_at, changes, subjects) values (${values})`;

const KEY = "insert into platform.idempotency_key (id, fingerprint, status, answer) values (gen_random_uuid(), sha256('x'), 200, '{}')";
const PAID_KEY =
  "insert into platform.idempotency_key (id, fingerprint, payment_id) values (gen_random_uuid(), sha256('x'), gen_random_uuid())";

describe("raw SQL as the owner:", () => {
  test("what keeps the rules is not refused", async () => {
    const { alice, bob } = ids;
    const sound: readonly (readonly string[])[] = [
      [payment(), line(alice, bob, "5"), entries([alice, -5], [bob, 5]), append(1_000_000)],
      [draft(), change(), state("pending", ", pended_at = now()"), state("posted", ", posted_at = now()")],
      [pending(), draftedLine(alice, bob, "5"), book(5), state("posted", ", posted_at = now()"), entries([alice, -5], [bob, 5])],
      [pending(), draftedLine(alice, bob, "5"), book(3)],
      [pending(), draftedLine(alice, bob, "5"), release],
      [draft(), state("cancelled", ", cancelled_at = now(), reason = 'expired'")],
      [payment({ type: "'reversal'", reverses_payment_id: `'${ids.payment}'` }), reversal(PAYMENT, ids.payment)],
      [reversal(PAYMENT, ids.payment), withdraw, reversal(ids.alice, ids.payment)],
      [account("held_minor = 9000")],
      [account("client_blocked = true")],
      ["update general_ledger.ledger_head set closed_through = current_date"],
    ];
    for (const statements of sound) expect(await attempt(bank.owner, statements), statements.join("; ")).toEqual(DONE);
  });

  type Case = readonly [name: string, statements: () => readonly string[], message: RegExp];

  test.each<Case>([
    ["a one-sided payment", () => [payment(), entries([ids.alice, -5])], /do not sum to zero/],
    ["sides that differ by one minor unit", () => [payment(), entries([ids.alice, -5], [ids.bob, 6])], /do not sum to zero/],
    ["a sum that is zero only across currencies", () => [payment(), entries([ids.alice, -5], [ids.yen, 5])], /do not sum to zero/],
    ["sides that come one after the other", () => [payment(), entries([ids.alice, -5]), entries([ids.bob, 5])], /do not sum to zero/],
    ["an entry of an account that is not there", () => [payment(), entries([PAYMENT, -5], [PAYMENT, 5])], /do not sum to zero/],
    ["an entry of zero", () => [payment(), entries([ids.alice, 0])], /entry_amount_is_not_zero/],
    [
      "a second entry of one number",
      () => [payment(), entries([ids.alice, -5], [ids.bob, 5]), entries([ids.alice, -5], [ids.bob, 5])],
      /entry_pkey/,
    ],
    ["a line of zero", () => [payment(), line(ids.alice, ids.bob, "0")], /payment_line_amount_in_range/],
    ["a line below zero", () => [payment(), line(ids.alice, ids.bob, "-5")], /payment_line_amount_in_range/],
    ["a line above 10^15", () => [payment(), line(ids.alice, ids.bob, "1000000000000001")], /payment_line_amount_in_range/],
    ["a line from an account to itself", () => [payment(), line(ids.alice, ids.alice, "5")], /payment_line_moves_between_two/],
    ["a fifty-first line", () => [payment(), line(ids.alice, ids.bob, "5", { line_no: "51" })], /payment_line_number_in_range/],
    ["an amount that is no number", () => [payment(), line(ids.alice, ids.bob, "'NaN'")], /invalid input syntax for type bigint/],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });

  test.each<Case>([
    [
      "a second posting of a payment",
      () => [entries([ids.alice, -5], [ids.bob, 5]).replaceAll(PAYMENT, ids.payment)],
      /is not being posted/,
    ],
    [
      "entries after the journal told of the payment",
      () => [payment(), append(1_000_000), entries([ids.alice, -5], [ids.bob, 5])],
      /is not being posted/,
    ],
    ["entries of a payment that is not there", () => [entries([ids.alice, -5], [ids.bob, 5])], /is not being posted/],
    ["entries of a draft", () => [draft(), entries([ids.alice, -5], [ids.bob, 5])], /is not being posted/],
    ["entries of a pending payment", () => [pending(), entries([ids.alice, -5], [ids.bob, 5])], /is not being posted/],
    ["a draft posted at once", () => [draft(), state("posted", ", posted_at = now()")], /cannot go from draft to posted/],
    ["a pending payment made a draft again", () => [pending(), state("draft", ", pended_at = null")], /cannot go from pending to draft/],
    [
      "a posted payment cancelled",
      () => [payment(), state("cancelled", ", posted_at = null, cancelled_at = now()")],
      /cannot go from posted to cancelled/,
    ],
    [
      "a cancelled payment posted",
      () => [draft(), state("cancelled", ", cancelled_at = now()"), state("posted", ", cancelled_at = null, posted_at = now()")],
      /cannot go from cancelled to posted/,
    ],
    [
      "a posted payment said otherwise",
      () => [payment(), `update general_ledger.payment set description = 'x' where id = '${PAYMENT}'`],
      /is final/,
    ],
    [
      "a posted payment moved in time",
      () => [payment(), `update general_ledger.payment set posted_at = now() - interval '1 day'`],
      /is final/,
    ],
    [
      "a draft given to another owner",
      () => [draft(), `update general_ledger.payment set owner_tenant = 'x' where id = '${PAYMENT}'`],
      /is final/,
    ],
    [
      "a pending payment said otherwise",
      () => [pending(), `update general_ledger.payment set metadata = '{"a":"b"}' where id = '${PAYMENT}'`],
      /is final/,
    ],
    ["a draft drafted anew", () => [draft(), state("draft", ", value_date = value_date + 1")], /is final/],
    ["a pending payment held anew", () => [pending(), state("pending", ", pended_at = now()")], /is final/],
    ["a posted payment posted anew", () => [payment(), state("posted", ", posted_at = now()")], /is final/],
    ["a cancelled payment cancelled anew", () => [draft(), cancel, cancel], /is final/],
    [
      "a change that is not counted",
      () => [draft(), `update general_ledger.payment set state = 'pending', pended_at = now() where id = '${PAYMENT}'`],
      /is final/,
    ],
    [
      "a change counted twice",
      () => [draft({ change_no: "2" }), state("pending", ", pended_at = now()").replace("+ 1", "+ 2")],
      /is final/,
    ],
    [
      "a draft that never expires",
      () => [draft({ expires_at: "now()" }), state("pending", ", pended_at = now(), expires_at = null")],
      /is final/,
    ],
    [
      "a reversal of another payment than it was drafted for",
      () => [
        draft({ type: "'reversal'", reverses_payment_id: `'${ids.payment}'` }),
        state("pending", ", pended_at = now(), reverses_payment_id = id"),
      ],
      /is final/,
    ],
    ["a transfer that reverses", () => [payment({ reverses_payment_id: `'${ids.payment}'` })], /payment_reversal_names_its_payment/],
    ["a posted payment without its time", () => [payment({ posted_at: "null" })], /payment_times_fit_state/],
    ["a draft with a time of posting", () => [payment({ state: "'draft'" })], /payment_times_fit_state/],
    ["a pending payment without its time", () => [payment({ state: "'pending'", posted_at: "null" })], /payment_times_fit_state/],
    [
      "an id that leaves no room for lines",
      () => [payment({ id: "'0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e01'" })],
      /payment_id_leaves_room_for_lines/,
    ],
    [
      "a second payment of one externalId",
      () => [payment({ external_id: "'x'" }), payment({ external_id: "'x'", id: `'${ids.alice.slice(0, 34)}00'` })],
      /payment_external_id_once/,
    ],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });

  const drafted = (): readonly string[] => [pending(), draftedLine(ids.alice, ids.bob, "5")];
  const set = (rest: string): string => `update general_ledger.payment_line set ${rest} where payment_id = '${PAYMENT}'`;

  test.each<Case>([
    ["a second booking of a line", () => [...drafted(), book(5), book(5)], /is final/],
    ["the rest of a line booked later", () => [...drafted(), book(3), book(2)], /is final/],
    ["a released line booked", () => [...drafted(), release, book(5)], /is final/],
    ["a booked line released", () => [...drafted(), book(5), release], /is final/],
    ["a line booked in one step booked anew", () => [payment(), line(ids.alice, ids.bob, "5"), book(5)], /payment_line_is_booked_whole/],
    ["a line booked by more than was ordered", () => [...drafted(), book(6)], /payment_line_books_no_more_than_ordered/],
    ["a line booked by less than nothing", () => [...drafted(), book(-1)], /payment_line_books_no_more_than_ordered/],
    ["a line booked without numbers of entries", () => [...drafted(), set("posted_minor = 5")], /payment_line_is_booked_whole/],
    ["a line booked on one side", () => [...drafted(), set("posted_minor = 5, debit_seq = 90")], /payment_line_is_booked_whole/],
    [
      "numbers of entries on a line that is not booked",
      () => [...drafted(), set("debit_seq = 90, credit_seq = 90")],
      /payment_line_is_booked_whole/,
    ],
    [
      "a released line with entries",
      () => [...drafted(), set("posted_minor = 0, debit_seq = 90, credit_seq = 90")],
      /payment_line_is_booked_whole/,
    ],
    [
      "a line without entries that nobody drafted",
      () => [draft(), line(ids.alice, ids.bob, "5", { debit_seq: "null", credit_seq: "null" })],
      /payment_line_is_booked_whole/,
    ],
    [
      "a line booked in one step by another amount",
      () => [payment(), line(ids.alice, ids.bob, "5", { posted_minor: "5" })],
      /payment_line_is_booked_whole/,
    ],
    ...["amount_minor = 4", "debit_account_id = payment_id", "credit_account_id = payment_id", "currency = 'JPY'", "type = 'fee'"].map(
      (terms): Case => [`a drafted line with ${terms}`, () => [...drafted(), set(terms)], /is final/],
    ),
    ...["description = 'x'", "line_no = 2", "drafted_in = 1", "payment_id = debit_account_id", "amount_minor = 4, posted_minor = 4"].map(
      (terms): Case => [`a drafted line with ${terms}`, () => [...drafted(), set(terms)], /is final/],
    ),
    ["a change told twice", () => [change(), change({ place: "1" })], /payment_change_pkey/],
    ["a change before the first", () => [change({ change_no: "0" })], /payment_change_starts_at_one/],
    ["a change that knows no account", () => [change({ stands: "'{}'" })], /payment_change_knows_its_accounts/],
    ["a change that knows an account by half", () => [change({ stands: "'{1,2,3,4,5}'" })], /payment_change_knows_its_accounts/],
    ["a second reversal", () => [reversal(PAYMENT, ids.payment), reversal(ids.alice, ids.payment)], /reversal_once/],
    ["a payment that reverses two", () => [reversal(PAYMENT, ids.payment), reversal(PAYMENT, ids.alice)], /reversal_pkey/],
    [
      "a withdrawn reversal brought back",
      () => [reversal(PAYMENT, ids.payment), withdraw, "update general_ledger.reversal set withdrawn = false"],
      /is final/,
    ],
    ["a reversal withdrawn twice", () => [reversal(PAYMENT, ids.payment), withdraw, withdraw], /is final/],
    [
      "a reversal turned to another payment",
      () => [
        reversal(PAYMENT, ids.payment),
        "update general_ledger.reversal set withdrawn = true, reversed_payment_id = reversing_payment_id",
      ],
      /is final/,
    ],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });

  test.each<Case>([
    ["a hold below zero", () => [account("held_minor = -1")], /account_holds_are_not_negative/],
    ["an announcement below zero", () => [account("incoming_minor = -1")], /account_holds_are_not_negative/],
    ["a balance below the floor", () => [account("balance_minor = -1")], /account_floor_is_kept/],
    ["a hold of more than there is", () => [account("held_minor = 9001")], /account_floor_is_kept/],
    ["a floor above the balance", () => [account("floor_minor = 9001")], /account_floor_is_kept/],
    ["a balance out of bounds", () => [account("balance_minor = 9000000000000000001")], /account_balance_within_bounds/],
    [
      "a floor on the debit side",
      () => ["update general_ledger.account set floor_minor = -9000000000000000000 where not credit_normal"],
      /account_floor_needs_credit_side/,
    ],
    [
      "an account of a client without a floor",
      () => [
        `insert into general_ledger.account (id, client_id, tenant, currency, credit_normal)
         select gen_random_uuid(), client_id, tenant, currency, true from general_ledger.account where id = '${ids.alice}'`,
      ],
      /account_of_client_has_floor/,
    ],
    ["a floor taken away from a client's account", () => [account("floor_minor = null")], /account_of_client_has_floor/],
    [
      "an account of the bank blocked with its client",
      () => [`update general_ledger.account set client_blocked = true where id = '${ids.source}'`],
      /account_client_block_needs_a_client/,
    ],
    ["a change of currency", () => [account("currency = 'USD'")], /update of general_ledger.account is refused/i],
    ["a change of client", () => [account("client_id = null")], /update of general_ledger.account is refused/i],
    ["a change of side", () => [account("credit_normal = false")], /update of general_ledger.account is refused/i],
    ["a change of tenant", () => [account("tenant = 'x'")], /update of general_ledger.account is refused/i],
    [
      "an account removed",
      () => [`delete from general_ledger.account where id = '${ids.alice}'`],
      /delete of general_ledger.account is refused/i,
    ],
    [
      "a second default account",
      () => [
        `insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, floor_minor, is_default)
         select gen_random_uuid(), client_id, tenant, currency, true, 0, true from general_ledger.account where id = '${ids.alice}'`,
      ],
      /account_one_default_per_client_and_currency/,
    ],
    [
      "an account of a client that is not there",
      () => [
        "insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, floor_minor) values (gen_random_uuid(), gen_random_uuid(), 'x', 'EUR', true, 0)",
      ],
      /account_client_id_fkey/,
    ],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });

  const KEPT = [
    "general_ledger.entry",
    "general_ledger.payment_change",
    "general_ledger.payment_metadata",
    "general_ledger.hold_change",
    "general_ledger.released_line",
    "general_ledger.account_kind",
    "general_ledger.journal",
    "platform.audit_entry",
    "platform.event",
    "client_profile.client_status_history",
  ];
  const STAYING = ["payment", "payment_line", "reversal", "value_shift", "account", "account_profile", "ledger_head"].map(
    (name) => `general_ledger.${name}`,
  );
  test.each([...KEPT, ...STAYING, "platform.idempotency_key", "client_profile.client"])("rows of %s are never removed", async (table) => {
    for (const statement of [`delete from ${table}`, `truncate ${table} cascade`]) {
      const end = await attempt(bank.owner, [statement]);
      expect(end.message).toMatch(/is refused: its rows are never changed or removed/);
    }
  });

  test.each(KEPT)("rows of %s are never changed", async (table) => {
    const { rows } = await bank.owner.query<{ name: string }>(
      "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity <> 'a'",
      [table],
    );
    expect(rows.length).toBeGreaterThan(2);
    for (const { name } of rows) {
      const end = await attempt(bank.owner, [`update ${table} set ${name} = ${name}`]);
      expect(end.message).toMatch(new RegExp(`UPDATE of ${table} is refused`));
    }
  });

  test.each<Case>([
    ["two journal rows in one transaction", () => [append(1_000_000), append(1_000_001)], /one transaction may write the journal once/],
    ["a batch numbered twice", () => [journal("1000, 1, 1, now(), '{payment.posted}', array[gen_random_uuid()]")], /journal_batch_once/],
    ["a number given twice", () => [journal("1, 1000000, 1, now(), '{payment.posted}', array[gen_random_uuid()]")], /journal_pkey/],
    ["a journal row of no changes", () => [journal("1000, 1000000, 0, now(), '{}', '{}'")], /journal_lists_every_change/],
    [
      "a journal row that counts wrong",
      () => [journal("1000, 1000000, 2, now(), '{payment.posted}', array[gen_random_uuid()]")],
      /journal_lists_every_change/,
    ],
    [
      "a journal row that leaves a gap",
      () => [journal("1000, 1000000, 1, now(), '{payment.posted}', array[gen_random_uuid()]")],
      /does not end at the head/,
    ],
    ["the head turned back", () => ["update general_ledger.ledger_head set last_sequence = last_sequence - 1"], /never turns back/],
    ["the head's time turned back", () => ["update general_ledger.ledger_head set last_at = last_at - interval '1 s'"], /never turns back/],
    [
      "a closed day opened again",
      () => [
        "update general_ledger.ledger_head set closed_through = '2020-02-02'",
        "update general_ledger.ledger_head set closed_through = '2020-02-01'",
      ],
      /never turns back/,
    ],
    [
      "a payment's key turned to another change",
      () => [PAID_KEY, "update platform.idempotency_key set payment_change = 2"],
      /has its answer/,
    ],
    ["an answered key answered anew", () => [KEY, "update platform.idempotency_key set answer = 'x' where status = 200"], /has its answer/],
    [
      "a payment's key given an answer",
      () => [PAID_KEY, "update platform.idempotency_key set status = 409, answer = 'x' where payment_id is not null"],
      /has its answer/,
    ],
    ["a second head of the ledger", () => ["insert into general_ledger.ledger_head (id) values (2)"], /ledger_has_one_head/],
    [
      "a key whose fingerprint is none",
      () => ["insert into platform.idempotency_key (id, fingerprint) values (gen_random_uuid(), 'short')"],
      /idempotency_key_fingerprint_is_sha256/,
    ],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });
});
