// Damaged books of payments of one step: `verify` says what is wrong and where.

import { afterAll, beforeAll, describe, test } from "vitest";
import { type Damage, expectFound, type FilledBooks, openBooks, type Place } from "./damaged-books.ts";
import { type Books, CHANGES, fill } from "./one-step-books.ts";

let filled: FilledBooks<Books>;

beforeAll(async () => {
  filled = await openBooks(fill);
});
afterAll(() => filled.close());

const entry = (account: string, seq: number): string => `account_id = '${account}' and account_seq = ${seq}`;
const touched = (table: string): readonly Place[] => [{ table: `general_ledger.${table}` }];

const DAMAGES: readonly Damage<Books>[] = [
  {
    name: "one minor unit in an entry",
    done: ({ alice }) => `update general_ledger.entry set amount_minor = amount_minor + 1 where ${entry(alice, 2)}`,
    found: ({ alice, payment }) => ({
      "INV-1": [
        { paymentId: payment, currency: "EUR" },
        { paymentId: payment, lineNo: 1, accountId: alice, accountSeq: 2 },
      ],
      "INV-2": [{ currency: "EUR" }],
      "INV-3": [{ accountId: alice }],
      "INV-6": [{ accountId: alice, accountSeq: 2, paymentId: payment }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a lost entry",
    done: ({ alice }) => `delete from general_ledger.entry where ${entry(alice, 3)}`,
    found: ({ alice, payment }) => ({
      "INV-1": [
        { paymentId: payment, currency: "EUR" },
        { paymentId: payment, lineNo: 2, accountId: alice, accountSeq: 3 },
      ],
      "INV-2": [{ currency: "EUR" }],
      "INV-3": [{ accountId: alice }],
      "INV-6": [{ accountId: alice, accountSeq: 4 }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a doubled entry",
    done: ({ bob }) =>
      `insert into general_ledger.entry select account_id, payment_id, 99, amount_minor, balance_after, held_after, booked_at, line_no
       from general_ledger.entry where ${entry(bob, 1)}`,
    found: ({ bob, payment }) => ({
      "INV-1": [
        { paymentId: payment, currency: "EUR" },
        { paymentId: payment, lineNo: 1, accountId: bob, accountSeq: 99 },
      ],
      "INV-2": [{ currency: "EUR" }],
      "INV-3": [{ accountId: bob }],
      "INV-6": [{ accountId: bob, accountSeq: 99 }],
    }),
  },
  {
    name: "a balance one too high",
    done: ({ alice }) => `update general_ledger.account set balance_minor = balance_minor + 1 where id = '${alice}'`,
    found: ({ alice }) => ({ "INV-3": [{ accountId: alice }] }),
  },
  {
    name: "a balance one too low",
    done: ({ bob }) => `update general_ledger.account set balance_minor = balance_minor - 1 where id = '${bob}'`,
    found: ({ bob }) => ({ "INV-3": [{ accountId: bob }] }),
  },
  {
    name: "a hold that nobody placed",
    done: ({ alice }) => `update general_ledger.account set held_minor = held_minor + 1 where id = '${alice}'`,
    found: ({ alice }) => ({ "INV-4": [{ accountId: alice }] }),
  },
  {
    name: "a hold below zero",
    done: ({ alice }) => [
      "alter table general_ledger.account drop constraint account_holds_are_not_negative",
      `update general_ledger.account set held_minor = held_minor - 1 where id = '${alice}'`,
    ],
    found: ({ alice }) => ({
      "INV-4": [{ accountId: alice }],
      "DB-4": [{ table: "general_ledger.account", constraint: "account_holds_are_not_negative" }],
    }),
  },
  {
    name: "two accounts of a line swapped",
    done: ({ last }) =>
      `update general_ledger.payment_line set debit_account_id = credit_account_id, credit_account_id = debit_account_id where payment_id = '${last}'`,
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice },
        { paymentId: last, lineNo: 1, accountId: bob },
      ],
    }),
  },
  {
    name: "an entry moved to another account",
    done: ({ alice, bob }) => `update general_ledger.entry set account_id = '${bob}', account_seq = 50 where ${entry(alice, 4)}`,
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice, accountSeq: 4 },
        { paymentId: last, lineNo: 1, accountId: bob, accountSeq: 50 },
      ],
      "INV-3": [{ accountId: alice }, { accountId: bob }],
      "INV-6": [
        { accountId: alice, accountSeq: 5 },
        { accountId: bob, accountSeq: 50 },
      ],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a posted payment called cancelled",
    done: ({ last }) =>
      `update general_ledger.payment set state = 'cancelled', cancelled_at = posted_at, posted_at = null where id = '${last}'`,
    found: ({ last }) => ({
      "INV-1": [{ paymentId: last, lineNo: 1 }],
      "INV-5": [{ paymentId: last, lineNo: 1 }, { paymentId: last }],
      "INV-7": [{ paymentId: last }],
      "INV-12": [{ paymentId: last }],
    }),
  },
  {
    name: "a gap in the sequence",
    done: () => "delete from general_ledger.journal where first_sequence = 7",
    found: () => ({ "INV-7": [{ sequence: 8 }], "INV-10": touched("journal") }),
  },
  {
    name: "a tail of the journal cut off",
    done: () => `delete from general_ledger.journal where first_sequence = ${CHANGES}`,
    found: () => ({ "INV-7": [{ sequence: CHANGES }], "INV-10": touched("journal") }),
  },
  {
    name: "the ledger's head turned back",
    done: () => "update general_ledger.ledger_head set last_sequence = last_sequence - 1",
    found: () => ({ "INV-7": [{ sequence: CHANGES - 1 }] }),
  },
  {
    name: "an account's currency changed",
    done: ({ yen }) => `update general_ledger.account set currency = 'EUR' where id = '${yen}'`,
    found: ({ yen }) => ({
      "INV-1": [{ accountId: yen, lineNo: 1 }],
      "INV-2": [{ currency: "EUR" }, { currency: "JPY" }],
      "INV-23": [{ accountId: yen }],
    }),
  },
  {
    name: "a line's currency changed",
    done: ({ last }) => `update general_ledger.payment_line set currency = 'JPY' where payment_id = '${last}'`,
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice },
        { paymentId: last, lineNo: 1, accountId: bob },
      ],
    }),
  },
  {
    name: "two balances off by amounts that cancel out",
    done: ({ alice, bob }) =>
      `update general_ledger.account set balance_minor = balance_minor + case id when '${alice}' then 1 else -1 end where id in ('${alice}', '${bob}')`,
    found: ({ alice, bob }) => ({ "INV-3": [{ accountId: alice }, { accountId: bob }] }),
  },
  {
    name: "both entries of a line off by amounts that cancel out, and the balances with them",
    done: ({ alice, bob, last }) => [
      `update general_ledger.entry set amount_minor = amount_minor + sign(amount_minor)::bigint, balance_after = balance_after + sign(amount_minor)::bigint
       where payment_id = '${last}'`,
      `update general_ledger.account set balance_minor = balance_minor + case id when '${alice}' then -1 else 1 end where id in ('${alice}', '${bob}')`,
    ],
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice },
        { paymentId: last, lineNo: 1, accountId: bob },
      ],
      "INV-6": [{ accountId: alice, accountSeq: 5 }, { accountId: bob }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "two subjects of the journal exchanged",
    done: ({ payment, last }) =>
      `update general_ledger.journal set subjects = array[case subjects[1] when '${payment}' then '${last}'::uuid else '${payment}'::uuid end]
       where subjects[1] in ('${payment}', '${last}')`,
    found: ({ payment, last }) => ({ "INV-7": [{ paymentId: payment }, { paymentId: last }], "INV-10": touched("journal") }),
  },
  {
    name: "the journal's opening given to another account",
    done: ({ alice, bob }) => `update general_ledger.journal set subjects = array['${bob}'::uuid] where subjects[1] = '${alice}'`,
    found: ({ alice, bob }) => ({
      "INV-6": [{ accountId: bob }],
      "INV-7": [{ accountId: alice }, { accountId: bob }],
      "INV-10": touched("journal"),
    }),
  },
  {
    name: "times of the journal out of order",
    done: () => "update general_ledger.journal set committed_at = committed_at - interval '1 day' where first_sequence = 9",
    found: () => ({ "INV-7": [{ sequence: 9 }], "INV-10": touched("journal") }),
  },
  {
    name: "a payment that claims another place",
    done: ({ last }) => `update general_ledger.payment set place = place + 1 where id = '${last}'`,
    found: ({ last }) => ({ "INV-7": [{ paymentId: last }] }),
  },
  {
    name: "an idempotency key that points nowhere",
    done: ({ payment }) =>
      `update platform.idempotency_key set payment_id = '00000000-0000-7000-8000-000000000000' where payment_id = '${payment}'`,
    found: () => ({ "INV-8": [{ paymentId: "00000000-0000-7000-8000-000000000000" }] }),
  },
  {
    name: "an idempotency key without its answer",
    done: () => "update platform.idempotency_key set answer = null where status = 409",
    found: () => ({ "INV-8": [{}] }),
  },
  {
    name: "an entry's time turned back",
    // Not by an hour: the day before would be damage of another kind.
    done: ({ alice }) =>
      `update general_ledger.entry set booked_at = (select e.booked_at - interval '1 millisecond' from general_ledger.entry e where e.${entry(alice, 3)})
       where ${entry(alice, 4)}`,
    found: ({ alice, last }) => ({
      "INV-5": [{ paymentId: last, accountId: alice, accountSeq: 4 }],
      "INV-6": [{ accountId: alice, accountSeq: 4 }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a payment's time of posting changed",
    done: ({ last }) => `update general_ledger.payment set posted_at = posted_at + interval '1 second' where id = '${last}'`,
    found: ({ last }) => ({ "INV-5": [{ paymentId: last }] }),
  },
  {
    name: "a payment given to another client",
    done: ({ payment }) => `update general_ledger.payment set client_id = null where id = '${payment}'`,
    found: ({ payment }) => ({ "INV-23": [{ paymentId: payment }] }),
  },
  {
    name: "a payment that is gone",
    done: ({ last }) => `delete from general_ledger.payment where id = '${last}'`,
    found: ({ alice, bob, last }) => ({
      "INV-1": [{ paymentId: last }],
      "INV-6": [{ accountId: alice }, { accountId: bob }],
      "INV-7": [{ paymentId: last }],
      "INV-23": [{ paymentId: last, lineNo: 1 }],
    }),
  },
  {
    name: "an account that is gone",
    done: ({ yen }) => `delete from general_ledger.account where id = '${yen}'`,
    found: ({ yen }) => ({
      "INV-1": [{ currency: "unknown" }],
      "INV-2": [{ currency: "unknown" }],
      "INV-7": [{ accountId: yen }],
      "INV-20": [{ subject: `account:${yen}` }],
      "INV-23": [{ accountId: yen }, { accountId: yen, accountSeq: 1 }, { constraint: "account_profile_account_id_fkey", account_id: yen }],
    }),
  },
  {
    name: "a floor taken away from a client's account",
    done: ({ alice }) => [
      "alter table general_ledger.account drop constraint account_of_client_has_floor",
      `update general_ledger.account set floor_minor = null where id = '${alice}'`,
    ],
    found: ({ alice }) => ({
      "INV-4": [{ accountId: alice }],
      "DB-4": [{ table: "general_ledger.account", constraint: "account_of_client_has_floor" }],
    }),
  },
  {
    name: "an account turned to the other side",
    done: ({ source }) => `update general_ledger.account set credit_normal = not credit_normal where id = '${source}'`,
    found: ({ source }) => ({ "INV-23": [{ accountId: source }] }),
  },
  {
    name: "an audit row that is gone",
    done: ({ alice }) => `delete from platform.audit_entry where subject = 'account:${alice}'`,
    found: ({ alice }) => ({ "INV-20": [{ subject: `account:${alice}` }], "INV-10": [{ table: "platform.audit_entry" }] }),
  },
  {
    name: "a client's standing changed behind its history",
    done: ({ aliceClient }) => `update client_profile.client set status = 'closed', closed_at = now() where id = '${aliceClient}'`,
    found: ({ alice, aliceClient }) => ({ "INV-12": [{ clientId: aliceClient }, { accountId: alice }] }),
  },
  {
    name: "a client whose accounts are stopped for nothing",
    done: ({ alice }) => `update general_ledger.account set client_blocked = true where id = '${alice}'`,
    found: ({ alice }) => ({ "INV-12": [{ accountId: alice }] }),
  },
  {
    name: "a client of a plan that there is not",
    done: ({ aliceClient }) => `update client_profile.client set plan_code = 'gone' where id = '${aliceClient}'`,
    found: ({ aliceClient }) => ({ "INV-23": [{ clientId: aliceClient }] }),
  },
  {
    name: "a history that runs ahead of its client",
    done: ({ aliceClient }) => `update client_profile.client_status_history set version = 9 where client_id = '${aliceClient}'`,
    found: ({ aliceClient }) => ({ "INV-12": [{ clientId: aliceClient }], "INV-10": [{ table: "client_profile.client_status_history" }] }),
  },
  {
    name: "a client that is gone",
    done: ({ aliceClient }) => `delete from client_profile.client where id = '${aliceClient}'`,
    found: ({ aliceClient }) => ({
      "INV-20": [{ subject: `client:${aliceClient}` }],
      "INV-23": [
        { table: "general_ledger.account", client_id: aliceClient },
        { table: "client_profile.client_status_history", client_id: aliceClient },
      ],
    }),
  },
  {
    name: "a trigger switched off",
    done: () => "alter table general_ledger.entry disable trigger entry_is_immutable",
    found: () => ({ "DB-4": [{ table: "general_ledger.entry", trigger: "entry_is_immutable" }] }),
  },
  {
    name: "a trigger taken away",
    done: () => "drop trigger entry_sums_are_zero on general_ledger.entry",
    found: () => ({ "DB-4": [{ table: "general_ledger.entry", trigger: "entry_sums_are_zero" }] }),
  },
  {
    name: "the trigger of a foreign key switched off",
    done: () => "alter table client_profile.client_status_history disable trigger all",
    found: () => ({ "DB-4": [{ table: "client_profile.client_status_history", trigger: "client_status_history_is_immutable" }] }),
  },
  {
    name: "a lock whose function was emptied",
    done: () =>
      "create or replace function platform.refuse_change() returns trigger language plpgsql as $$ begin return coalesce(new, old); end $$",
    found: () => ({ "DB-4": [{ function: "platform.refuse_change()" }] }),
  },
  {
    name: "a rule that swallows a statement",
    done: () => "create rule swallow as on insert to platform.audit_entry do instead nothing",
    found: () => ({ "DB-4": [{ table: "platform.audit_entry", rule: "swallow" }] }),
  },
  {
    name: "a right that nobody granted in a migration",
    done: () => "grant update (balance_minor), delete on general_ledger.account to finlego_app",
    found: () => ({ "DB-1": [{ on: "general_ledger.account" }, { on: "general_ledger.account", column: "balance_minor" }] }),
  },
  {
    name: "a right that everybody has",
    done: () => "grant insert on general_ledger.entry to public",
    found: () => ({ "DB-1": [{ on: "general_ledger.entry", column: "amount_minor" }] }),
  },
  {
    name: "a door opened beside the door",
    done: () => "grant execute on function general_ledger.append_journal to finlego_app",
    found: () => ({
      "DB-1": [{ function: "general_ledger.append_journal(bigint,general_ledger.change[],uuid[])" }],
    }),
  },
  {
    name: "a table that belongs to the app role",
    done: () => "alter table platform.event owner to finlego_app",
    found: () => ({ "DB-2": [{ relation: "platform.event" }], "DB-1": [{ on: "platform.event", column: "subject" }] }),
  },
];

describe("damage is found, by the right check and at the right place:", () => {
  test.each(DAMAGES)("$name", (damage) => expectFound(filled, damage));
});
