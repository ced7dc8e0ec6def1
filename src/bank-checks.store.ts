// What must hold between rooms: for `verify`, which alone may read the tables of several.

import { check, type Verifiable } from "#platform/checks.ts";

export const bankVerifiable: Verifiable = {
  checks: [
    // Closed accounts are left as they were: nothing is booked on them.
    check(
      "INV-12",
      "the accounts of a client stop debits exactly while its status does",
      `select jsonb_build_object('accountId', a.id) as place, 'the account stands otherwise than its client: ' || c.status as message,
              (c.status in ('blocked', 'rejected', 'closed'))::text as expected, a.client_blocked::text as actual
       from general_ledger.account a
       join client_profile.client c on c.id = a.client_id
       where a.status <> 'closed' and a.client_blocked <> (c.status in ('blocked', 'rejected', 'closed'))`,
    ),
  ],
  locks: [],
  doors: [],
  figures: {},
};
