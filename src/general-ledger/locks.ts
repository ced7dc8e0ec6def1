// What guards the ledger's tables, as the migrations made it: `verify` holds the database against this list.

import { addOnly, type TableLock } from "#platform/checks.ts";

/** Functions that do for the app role what it may not do itself. */
export const DOORS = [
  "post_batch",
  "close_days",
  "journal_account_change",
  "lock_accounts",
  "change_account",
  "set_account_blocks",
  "set_client_blocked",
  "close_account",
  "order_accounts",
  "recalculate_accounts",
  "forget_account_names",
].map((name) => `general_ledger.${name}`);

/** Every table of the ledger. */
export const LOCKS: readonly TableLock[] = [
  addOnly("general_ledger.entry", ["entry_is_immutable", "entry_sums_are_zero"], {
    constraints: ["entry_amount_is_not_zero", "entry_numbers_start_at_one"],
  }),
  {
    table: "general_ledger.payment_line",
    addOnly: false,
    triggers: ["payment_line_is_kept", "payment_line_terms_are_final", "payment_line_is_booked_once"],
    constraints: [
      "payment_line_number_in_range",
      "payment_line_amount_in_range",
      "payment_line_moves_between_two",
      "payment_line_books_no_more_than_ordered",
      "payment_line_is_booked_whole",
    ],
    appInserts: [],
    appUpdates: [],
  },
  addOnly("general_ledger.payment_change", ["payment_change_is_immutable"], {
    constraints: ["payment_change_starts_at_one", "payment_change_knows_its_accounts"],
  }),
  addOnly("general_ledger.payment_metadata", ["payment_metadata_is_immutable"], { constraints: [] }),
  {
    table: "general_ledger.reversal",
    addOnly: false,
    triggers: ["reversal_is_kept", "reversal_is_only_withdrawn"],
    constraints: [],
    appInserts: [],
    appUpdates: [],
  },
  {
    table: "general_ledger.payment_expiry",
    addOnly: false,
    triggers: [],
    constraints: [],
    appInserts: [],
    appUpdates: [],
    appDeletes: true,
  },
  { table: "general_ledger.open_payment", addOnly: false, triggers: [], constraints: [], appInserts: [], appUpdates: [] },
  addOnly("general_ledger.released_line", ["released_line_is_immutable"]),
  addOnly("general_ledger.journal", ["journal_is_immutable", "journal_ends_at_the_head"], {
    constraints: ["journal_batch_once", "journal_lists_every_change"],
  }),
  {
    table: "general_ledger.journal_follower",
    addOnly: false,
    triggers: ["journal_follower_only_rises"],
    constraints: ["journal_follower_stands_at_a_sequence", "journal_follower_is_held_for_a_time"],
    appInserts: [],
    appUpdates: ["last_sequence", "holder", "held_until"],
  },
  {
    table: "general_ledger.payment",
    addOnly: false,
    triggers: ["payment_is_kept", "payment_terms_are_final", "payment_changes_follow_its_states", "payment_notes_its_value_date"],
    constraints: ["payment_times_fit_state", "payment_id_leaves_room_for_lines", "payment_reversal_names_its_payment"],
    appInserts: [],
    appUpdates: [],
  },
  {
    table: "general_ledger.account",
    addOnly: false,
    triggers: ["account_is_kept", "account_identity_is_final", "account_status_is_told_to_its_profile"],
    constraints: [
      "account_currency_is_a_code",
      "account_holds_are_not_negative",
      "account_floor_is_kept",
      "account_of_client_has_floor",
      "account_floor_needs_credit_side",
      "account_balance_within_bounds",
      "account_default_is_a_clients",
      "account_client_block_needs_a_client",
    ],
    appInserts: ["id", "client_id", "tenant", "currency", "credit_normal", "status", "is_default", "floor_minor"],
    appUpdates: [],
  },
  {
    table: "general_ledger.account_profile",
    addOnly: false,
    triggers: ["account_profile_is_kept", "account_profile_repeats_its_account"],
    constraints: [],
    appInserts: "all",
    appUpdates: [],
  },
  addOnly("general_ledger.account_kind", ["account_kind_is_kept"]),
  addOnly("general_ledger.hold_change", ["hold_change_is_immutable"], { constraints: ["hold_change_is_not_negative"] }),
  {
    table: "general_ledger.value_shift",
    addOnly: false,
    triggers: ["value_shift_is_kept"],
    constraints: ["value_shift_is_between_two_days"],
    appInserts: [],
    appUpdates: [],
  },
  {
    table: "general_ledger.ledger_head",
    addOnly: false,
    triggers: ["ledger_head_is_kept", "ledger_head_only_rises"],
    constraints: ["ledger_has_one_head"],
    appInserts: [],
    appUpdates: [],
  },
];
