// Books of payments that went step by step: `verify` finds them sound, and says of damaged ones what is wrong and where.

import { verify } from "#platform/verify.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "./builders.ts";
import { complaintsOf, type Damage, expectFound, type FilledBooks, openBooks, type Place, rooms } from "./damaged-books.ts";
import { bodyOf, openLedgerApp, type TestAccount } from "./setup/ledger.ts";
import { type Books, fill } from "./two-phase-books.ts";

let filled: FilledBooks<Books>;

beforeAll(async () => {
  filled = await openBooks(fill);
});
afterAll(() => filled.close());

test("sound books are right, as the owner and as the app role see them", async () => {
  const copy = await filled.copy();
  try {
    for (const url of [copy.ownerUrl, copy.appUrl]) {
      expect(complaintsOf(await verify({ url, mode: "development", rooms }))).toEqual([]);
    }
  } finally {
    await copy.drop();
  }
});

test("books on which payments are held, posted and cancelled at once are right at every instant", async () => {
  const bank = await openLedgerApp();
  try {
    const [alice, bob, carol] = [
      await bank.aFundedAccount("1000.00"),
      await bank.aFundedAccount("1000.00"),
      await bank.aFundedAccount("1000.00"),
    ];
    const live = async (from: TestAccount, to: TestAccount, end: "post" | "cancel", body: unknown): Promise<void> => {
      const order = { externalId: unique("hold"), state: "pending", transactions: [aLine(from, to, "2.00")] };
      const payment = bodyOf(await bank.system.post("/v2/internal/Payments", order));
      await bank.transfer(aTransfer(to, from, "0.01"));
      bodyOf(await bank.system.post(`/v2/internal/Payments/${String(payment["id"])}/${end}`, body));
    };
    const settled = Promise.all(
      Array.from({ length: 20 }, () => [
        live(alice, bob, "post", { amount: "1.25" }),
        live(bob, carol, "cancel", {}),
        live(carol, alice, "post", {}),
      ]).flat(),
    );
    for (let round = 0; round < 3; round++) {
      expect(complaintsOf(await verify({ url: bank.database.ownerUrl, mode: "development", rooms }))).toEqual([]);
    }
    await settled;
    expect(complaintsOf(await verify({ url: bank.database.ownerUrl, mode: "development", rooms }))).toEqual([]);
  } finally {
    await bank.close();
  }
});

const set = (table: string, id: string, terms: string): string =>
  `update general_ledger.${table} set ${terms} where ${table === "payment" ? "id" : "payment_id"} = '${id}'`;
const line = (id: string, no: number, terms: string): string => `${set("payment_line", id, terms)} and line_no = ${no}`;
const change = (id: string, no: number, terms: string): string => `${set("payment_change", id, terms)} and change_no = ${no}`;
const account = (id: string, terms: string): string => `update general_ledger.account set ${terms} where id = '${id}'`;
const without = (constraint: string): string => `alter table general_ledger.payment_line drop constraint ${constraint}`;
const lacking = (table: string, constraint: string): Place => ({ table: `general_ledger.${table}`, constraint });
const firstHold = (id: string): string =>
  `select account_id, batch_id from general_ledger.hold_change where account_id = '${id}' order by batch_id limit 1`;
/** Statistics know of every update of a table that is only added to. */
const touched = (table: string): readonly Place[] => [{ table: `general_ledger.${table}` }];

const OF_LINES: readonly Damage<Books>[] = [
  {
    name: "an entry of a capture as high as the order",
    done: ({ captured }) => `update general_ledger.entry set amount_minor = sign(amount_minor) * 400 where payment_id = '${captured}'`,
    found: ({ captured, alice, bob }) => ({
      "INV-1": [
        { paymentId: captured, lineNo: 1, accountId: alice },
        { paymentId: captured, lineNo: 1, accountId: bob },
      ],
      "INV-3": [{ accountId: alice }, { accountId: bob }],
      "INV-6": [{ accountId: alice }, { accountId: bob }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a captured amount changed",
    done: ({ captured }) => line(captured, 1, "posted_minor = 151"),
    found: ({ captured, alice, bob }) => ({
      "INV-1": [
        { paymentId: captured, lineNo: 1, accountId: alice },
        { paymentId: captured, lineNo: 1, accountId: bob },
      ],
    }),
  },
  {
    name: "more booked than was ordered",
    done: ({ captured }) => [without("payment_line_books_no_more_than_ordered"), line(captured, 1, "posted_minor = 401")],
    found: ({ captured }) => ({
      "INV-1": [{ paymentId: captured, lineNo: 1 }],
      "INV-13": [{ paymentId: captured, lineNo: 1 }],
      "DB-4": [lacking("payment_line", "payment_line_books_no_more_than_ordered")],
    }),
  },
  {
    name: "a released line booked on paper",
    done: ({ captured }) => line(captured, 2, "posted_minor = 500, debit_seq = 99, credit_seq = 99"),
    found: ({ captured, alice }) => ({
      "INV-1": [{ paymentId: captured, lineNo: 2, accountSeq: 99 }],
      "INV-6": [{ accountId: alice }],
      "INV-23": [{ paymentId: captured, lineNo: 2 }],
    }),
  },
  {
    name: "a booked line called released",
    done: ({ captured }) => line(captured, 1, "posted_minor = 0, debit_seq = null, credit_seq = null"),
    found: ({ captured, alice, bob }) => ({
      "INV-1": [
        { paymentId: captured, lineNo: 1, accountId: alice },
        { paymentId: captured, lineNo: 1, accountId: bob },
      ],
      "INV-6": [{ accountId: alice }],
      "INV-13": [{ paymentId: captured }],
      "INV-23": [{ paymentId: captured, lineNo: 1 }],
    }),
  },
  {
    name: "a line of a posted payment that was forgotten",
    done: ({ captured }) => line(captured, 2, "posted_minor = null"),
    found: ({ captured }) => ({
      "INV-1": [{ paymentId: captured, lineNo: 2 }],
      "INV-5": [{ paymentId: captured, lineNo: 2 }],
      "INV-23": [{ paymentId: captured, lineNo: 2 }],
    }),
  },
  {
    name: "a line of a hold booked on paper",
    done: ({ held }) => line(held, 1, "posted_minor = 200, debit_seq = 99, credit_seq = 99"),
    found: ({ held }) => ({ "INV-5": [{ paymentId: held, lineNo: 1 }] }),
  },
  {
    name: "a line of a draft released",
    done: ({ draft }) => line(draft, 1, "posted_minor = 0"),
    found: ({ draft }) => ({
      "INV-5": [{ paymentId: draft, lineNo: 1 }],
      "INV-13": [{ paymentId: draft }],
      "INV-23": [{ paymentId: draft, lineNo: 1 }],
    }),
  },
  {
    name: "a line said to be drafted by another batch",
    done: ({ posted }) => line(posted, 1, "drafted_in = drafted_in + 1"),
    found: ({ posted }) => ({ "INV-12": [{ paymentId: posted, lineNo: 1 }] }),
  },
  {
    name: "a drafted line that looks as booked in one step",
    done: ({ posted }) => line(posted, 1, "drafted_in = null, posted_minor = null"),
    found: ({ posted, alice }) => ({
      "INV-6": [{ accountId: alice }],
      "INV-12": [
        { paymentId: posted, lineNo: 1 },
        { paymentId: posted, changeNo: 3 },
      ],
    }),
  },
  {
    name: "a line of a hold in another currency",
    done: ({ held }) => line(held, 1, "currency = 'JPY'"),
    found: ({ held, alice }) => ({ "INV-1": [{ paymentId: held, lineNo: 1, accountId: alice }] }),
  },
  {
    name: "a higher hold than was taken",
    done: ({ held }) => line(held, 1, "amount_minor = amount_minor + 1"),
    found: ({ alice, bob }) => ({ "INV-4": [{ accountId: alice }, { accountId: bob }], "INV-6": [{ accountId: alice }] }),
  },
];

const OF_HISTORY: readonly Damage<Books>[] = [
  {
    name: "a hold called posted",
    done: ({ held }) => set("payment", held, "state = 'posted', posted_at = now()"),
    found: ({ held, alice, bob }) => ({
      "INV-1": [{ paymentId: held, lineNo: 1, accountId: alice }],
      "INV-4": [{ accountId: alice }, { accountId: bob }],
      "INV-5": [{ paymentId: held, lineNo: 1 }],
      "INV-7": [{ paymentId: held }],
      "INV-12": [{ paymentId: held }],
      "INV-23": [{ paymentId: held }],
    }),
  },
  {
    name: "a posted payment called a draft",
    done: ({ posted }) => set("payment", posted, "state = 'draft', pended_at = null, posted_at = null"),
    found: ({ posted }) => ({
      "INV-1": [{ paymentId: posted, lineNo: 1 }],
      "INV-5": [{ paymentId: posted, lineNo: 1 }, { paymentId: posted }],
      "INV-12": [{ paymentId: posted }],
      "INV-23": [{ paymentId: posted }],
    }),
  },
  {
    name: "a cancelled hold brought back",
    done: ({ released }) => set("payment", released, "state = 'pending', cancelled_at = null"),
    found: ({ released, alice, bob }) => ({
      "INV-4": [{ accountId: alice }, { accountId: bob }],
      "INV-12": [{ paymentId: released }],
      "INV-23": [{ paymentId: released }],
    }),
  },
  {
    name: "a draft called cancelled",
    done: ({ draft }) => set("payment", draft, "state = 'cancelled', cancelled_at = now()"),
    found: ({ draft }) => ({ "INV-12": [{ paymentId: draft }], "INV-23": [{ paymentId: draft }] }),
  },
  {
    name: "a change counted twice",
    done: ({ draft }) => set("payment", draft, "change_no = 2"),
    found: ({ draft }) => ({ "INV-12": [{ paymentId: draft }] }),
  },
  {
    name: "a history that is gone",
    done: ({ dropped }) => `delete from general_ledger.payment_change where payment_id = '${dropped}'`,
    found: ({ dropped }) => ({
      "INV-7": [{ paymentId: dropped }],
      "INV-12": [{ paymentId: dropped }, { paymentId: dropped, lineNo: 1 }],
      "INV-10": touched("payment_change"),
    }),
  },
  {
    name: "a change in the middle that is gone",
    done: ({ posted }) => `delete from general_ledger.payment_change where payment_id = '${posted}' and change_no = 2`,
    found: ({ posted, alice }) => ({
      "INV-4": [{ accountId: alice }],
      "INV-6": [{ accountId: alice }],
      "INV-7": [{ paymentId: posted }],
      "INV-12": [{ paymentId: posted, changeNo: 3 }, { paymentId: posted }],
      "INV-10": touched("payment_change"),
    }),
  },
  {
    name: "a change that goes back",
    done: ({ released }) => change(released, 2, "change = 'payment.drafted'"),
    found: ({ released, alice }) => ({
      "INV-4": [{ accountId: alice }],
      "INV-6": [{ accountId: alice }],
      "INV-7": [{ paymentId: released }],
      "INV-12": [{ paymentId: released, changeNo: 2 }, { paymentId: released }],
      "INV-10": touched("payment_change"),
    }),
  },
  {
    name: "a change before the one before it",
    done: ({ posted }) => change(posted, 2, "changed_at = changed_at - interval '1 hour'"),
    found: ({ posted }) => ({ "INV-12": [{ paymentId: posted, changeNo: 2 }, { paymentId: posted }], "INV-10": touched("payment_change") }),
  },
  {
    name: "a change said to stand at another place",
    done: ({ posted }) => change(posted, 2, "place = place + 1"),
    found: ({ posted, alice }) => ({
      "INV-4": [{ accountId: alice }],
      "INV-7": [{ paymentId: posted }],
      "INV-10": touched("payment_change"),
    }),
  },
  {
    name: "a change said to be of an earlier batch",
    done: ({ posted }) => change(posted, 2, "batch_id = 1"),
    found: ({ posted, alice }) => ({
      "INV-4": [{ accountId: alice }],
      "INV-6": [{ accountId: alice }],
      "INV-7": [{ paymentId: posted }],
      "INV-12": [{ paymentId: posted, changeNo: 2 }],
      "INV-10": touched("payment_change"),
    }),
  },
  {
    name: "a history on a payment of one step",
    done: ({ moved }) =>
      `insert into general_ledger.payment_change (payment_id, change_no, batch_id, place, change, changed_at, value_date, changed_by, stands)
       select id, 1, batch_id, place, 'payment.posted', posted_at, value_date, created_by, '{1,1,1,1,1,1}' from general_ledger.payment where id = '${moved}'`,
    found: ({ moved }) => ({
      "INV-6": [],
      "INV-12": [
        { paymentId: moved, changeNo: 1 },
        { paymentId: moved, lineNo: 1 },
      ],
    }),
  },
  {
    name: "another reason than was given",
    done: ({ released }) => set("payment", released, "reason = 'No money.'"),
    found: ({ released }) => ({ "INV-12": [{ paymentId: released }] }),
  },
  {
    name: "another value date than was posted",
    done: ({ posted }) => set("payment", posted, "value_date = value_date - 1"),
    found: ({ posted }) => ({ "INV-12": [{ paymentId: posted }] }),
  },
  {
    name: "a change that forgot an account",
    done: ({ held }) => change(held, 1, "stands = stands[1:6]"),
    found: ({ held }) => ({ "INV-12": [{ paymentId: held, changeNo: 1 }], "INV-10": touched("payment_change") }),
  },
  ...([1, 2, 3, 4, 5, 6] as const).map(
    (figure): Damage<Books> => ({
      name: `figure ${figure} of six changed in what a change keeps`,
      done: ({ dropped }) => change(dropped, 2, `stands[${figure}] = stands[${figure}] + 1`),
      found: ({ dropped, alice, bob }) => ({
        "INV-6": [{ accountId: figure < 4 ? alice : bob, paymentId: dropped }],
        "INV-10": touched("payment_change"),
      }),
    }),
  ),
  {
    name: "what an entry says was held",
    done: ({ alice, kept }) =>
      `update general_ledger.entry set held_after = held_after - 1 where payment_id = '${kept}' and account_id = '${alice}'`,
    found: ({ alice, kept }) => ({ "INV-6": [{ accountId: alice, paymentId: kept }], "INV-10": touched("entry") }),
  },
  {
    name: "a note of holds that is too high",
    done: ({ alice }) =>
      `update general_ledger.hold_change set held_minor = held_minor + 1 where (account_id, batch_id) = (${firstHold(alice)})`,
    found: ({ alice }) => ({ "INV-4": [{ accountId: alice }], "INV-10": touched("hold_change") }),
  },
  {
    name: "a note of holds that is gone",
    done: ({ alice }) => `delete from general_ledger.hold_change where (account_id, batch_id) = (${firstHold(alice)})`,
    found: ({ alice }) => ({ "INV-4": [{ accountId: alice }], "INV-10": touched("hold_change") }),
  },
  {
    name: "a release that was not noted",
    done: ({ alice, captured }) =>
      `delete from general_ledger.hold_change n using general_ledger.payment p
       where p.id = '${captured}' and n.account_id = '${alice}' and (n.batch_id, n.place) = (p.batch_id, p.place)`,
    found: ({ alice }) => ({ "INV-4": [{ accountId: alice }], "INV-10": touched("hold_change") }),
  },
  {
    name: "a waiting payment that no list finds",
    done: ({ held }) => `delete from general_ledger.open_payment where payment_id = '${held}'`,
    found: ({ held }) => ({ "INV-23": [{ paymentId: held }] }),
  },
  {
    name: "a payment that is said to wait and does not",
    done: ({ posted }) => `insert into general_ledger.open_payment values ('${posted}')`,
    found: ({ posted }) => ({ "INV-23": [{ paymentId: posted }] }),
  },
  {
    name: "a released line that is not found by its account",
    done: ({ captured, alice }) => `delete from general_ledger.released_line where payment_id = '${captured}' and account_id = '${alice}'`,
    found: ({ captured }) => ({ "INV-10": touched("released_line"), "INV-23": [{ paymentId: captured, lineNo: 2 }] }),
  },
  {
    name: "two batches of one account in another order than their numbers",
    done: () => [
      "update general_ledger.journal set batch_id = -batch_id where first_sequence in (12, 13)",
      "update general_ledger.journal set batch_id = -batch_id + case first_sequence when 12 then 1 else -1 end where first_sequence in (12, 13)",
    ],
    found: () => ({ "INV-6": [], "INV-7": [], "INV-10": touched("journal") }),
  },
  {
    name: "a version that is too low",
    done: ({ alice }) => account(alice, "version = version - 1"),
    found: ({ alice }) => ({ "INV-6": [{ accountId: alice }] }),
  },
  {
    name: "a key that names a change which is not there",
    done: ({ dropped }) => `update platform.idempotency_key set payment_change = 3 where payment_id = '${dropped}' and payment_change = 2`,
    found: ({ dropped }) => ({ "INV-8": [{ paymentId: dropped }] }),
  },
];

const BESIDE: readonly Damage<Books>[] = [
  {
    name: "a reversal that nobody knows",
    done: ({ undoing }) => `delete from general_ledger.reversal where reversing_payment_id = '${undoing}'`,
    found: ({ undoing }) => ({ "INV-12": [{ paymentId: undoing }] }),
  },
  {
    name: "a reversal of another payment",
    done: ({ undoing, posted }) =>
      `update general_ledger.reversal set reversed_payment_id = '${posted}' where reversing_payment_id = '${undoing}'`,
    found: ({ undoing }) => ({ "INV-12": [{ paymentId: undoing }] }),
  },
  {
    name: "a reversal withdrawn though it was posted",
    done: ({ undoing }) => `update general_ledger.reversal set withdrawn = true where reversing_payment_id = '${undoing}'`,
    found: ({ undoing }) => ({ "INV-12": [{ paymentId: undoing }] }),
  },
  {
    name: "a withdrawn reversal brought back",
    done: ({ withdrawn }) => [
      "drop index general_ledger.reversal_once",
      `update general_ledger.reversal set withdrawn = false where reversing_payment_id = '${withdrawn}'`,
    ],
    found: ({ withdrawn, kept }) => ({ "INV-12": [{ paymentId: withdrawn }, { reversedPaymentId: kept }] }),
  },
  {
    name: "a reversal of a payment that is not there",
    done: ({ drafted }) => [
      `update general_ledger.reversal set reversed_payment_id = reversing_payment_id where reversing_payment_id = '${drafted}'`,
      set("payment", drafted, "reverses_payment_id = id"),
    ],
    found: ({ drafted }) => ({ "INV-12": [{ paymentId: drafted, reversedPaymentId: drafted }] }),
  },
  {
    name: "a reversal of another amount",
    done: ({ drafted }) => line(drafted, 1, "amount_minor = amount_minor - 1"),
    found: ({ drafted }) => ({ "INV-12": [{ paymentId: drafted }] }),
  },
  {
    name: "a reversal in the same direction",
    done: ({ drafted }) => line(drafted, 1, "debit_account_id = credit_account_id, credit_account_id = debit_account_id"),
    found: ({ drafted, alice, bob }) => ({ "INV-12": [{ paymentId: drafted }], "INV-6": [{ accountId: alice }, { accountId: bob }] }),
  },
  {
    name: "a payment that nobody will end",
    done: ({ held }) => `delete from general_ledger.payment_expiry where payment_id = '${held}'`,
    found: ({ held }) => ({ "INV-12": [{ paymentId: held }] }),
  },
  {
    name: "a payment that is ended at another time",
    done: ({ draft }) =>
      `update general_ledger.payment_expiry set expires_at = expires_at - interval '1 hour' where payment_id = '${draft}'`,
    found: ({ draft }) => ({ "INV-12": [{ paymentId: draft }] }),
  },
  {
    name: "the end of a payment that has none",
    done: ({ moved }) => `insert into general_ledger.payment_expiry values (now(), '${moved}')`,
    found: ({ moved }) => ({ "INV-12": [{ paymentId: moved }] }),
  },
  {
    name: "a payment that is not found by its metadata",
    done: ({ draft }) => `delete from general_ledger.payment_metadata where payment_id = '${draft}' and name = 'till'`,
    found: ({ draft }) => ({ "INV-23": [{ paymentId: draft, name: "till" }], "INV-10": touched("payment_metadata") }),
  },
  {
    name: "a payment found by what it does not say",
    done: ({ posted }) => `insert into general_ledger.payment_metadata values ('shop', '9', '${posted}')`,
    found: ({ posted }) => ({ "INV-23": [{ paymentId: posted, name: "shop" }] }),
  },
  {
    name: "metadata that is no list of names",
    done: ({ posted }) => set("payment", posted, `metadata = '"shop"'`),
    found: ({ posted }) => ({ "INV-23": [{ paymentId: posted, name: "shop" }] }),
  },
  {
    name: "a value date that was moved to where it was asked for",
    done: ({ moved }) => set("payment", moved, "value_date = asked_value_date"),
    found: ({ moved }) => ({ "INV-12": [{ paymentId: moved }] }),
  },
];

const OF_ACCOUNTS: readonly Damage<Books>[] = [
  {
    name: "money on a closed account",
    done: ({ closed }) => account(closed, "balance_minor = 1"),
    found: ({ closed }) => ({ "INV-3": [{ accountId: closed }], "INV-12": [{ accountId: closed }] }),
  },
  {
    name: "a closed account opened again",
    done: ({ closed }) => account(closed, "status = 'active'"),
    found: ({ closed }) => ({ "INV-7": [{ accountId: closed }], "INV-12": [{ accountId: closed }], "INV-23": [{ accountId: closed }] }),
  },
  {
    name: "a closed account that is the default",
    done: ({ closed }) => account(closed, "is_default = true"),
    found: ({ closed }) => ({ "INV-12": [{ accountId: closed }] }),
  },
  {
    name: "an account closed behind the journal",
    done: ({ source }) => account(source, "status = 'closed'"),
    found: ({ source }) => ({ "INV-7": [{ accountId: source }], "INV-12": [{ accountId: source }], "INV-23": [{ accountId: source }] }),
  },
  {
    name: "a block taken away behind the journal",
    done: ({ blocked }) => account(blocked, "debit_blocked = false"),
    found: ({ blocked }) => ({ "INV-7": [{ accountId: blocked }], "INV-12": [{ accountId: blocked }] }),
  },
  {
    name: "a block that nobody told",
    done: ({ bob }) => account(bob, "credit_blocked = true"),
    found: ({ bob }) => ({ "INV-7": [{ accountId: bob }] }),
  },
  {
    name: "an account blocked on one side only",
    done: ({ blocked }) => [
      account(blocked, "status = 'blocked'"),
      `update general_ledger.account_profile set status = 'blocked' where account_id = '${blocked}'`,
      "insert into general_ledger.account_kind select tenant, currency, type, 'blocked' from general_ledger.account_kind on conflict do nothing",
    ],
    found: ({ blocked }) => ({ "INV-12": [{ accountId: blocked }] }),
  },
  {
    name: "an account of the bank blocked with its client",
    done: ({ source }) => [
      "alter table general_ledger.account drop constraint account_client_block_needs_a_client",
      account(source, "client_blocked = true"),
    ],
    found: ({ source }) => ({ "INV-12": [{ accountId: source }], "DB-4": [lacking("account", "account_client_block_needs_a_client")] }),
  },
  {
    name: "a profile that says otherwise than its account",
    done: ({ bob }) => `update general_ledger.account_profile set tenant = 'other' where account_id = '${bob}'`,
    found: ({ bob }) => ({ "INV-23": [{ accountId: bob }] }),
  },
  {
    name: "a kind of accounts that lists miss",
    done: () => "delete from general_ledger.account_kind where type = 'settlement'",
    found: ({ source }) => ({ "INV-23": [{ accountId: source }], "INV-10": touched("account_kind") }),
  },
  {
    name: "the closing of an account told of another one",
    done: ({ closed, bob }) =>
      `update general_ledger.journal set subjects = array['${bob}'::uuid] where changes[1] = 'account.closed' and subjects[1] = '${closed}'`,
    found: ({ closed, bob }) => ({
      "INV-7": [{ accountId: closed }, { accountId: bob }],
      "INV-6": [{ accountId: bob }],
      "INV-10": touched("journal"),
    }),
  },
  {
    name: "a change of an account that is not there",
    done: ({ blocked, draft }) =>
      `update general_ledger.journal set subjects = array['${draft}'::uuid] where changes[1] = 'account.changed' and subjects[1] = '${blocked}'`,
    found: ({ draft }) => ({ "INV-7": [{ accountId: draft }], "INV-10": touched("journal") }),
  },
];

describe("damage is found, by the right check and at the right place:", () => {
  test.each([...OF_LINES, ...OF_HISTORY, ...BESIDE, ...OF_ACCOUNTS])("$name", (damage) => expectFound(filled, damage));
});
