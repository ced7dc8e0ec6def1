// Damaged erasures: `verify` says what is wrong and of whom.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient } from "./builders.ts";
import { complaintsOf, type Damage, expectFound, type FilledBooks, openBooks, verifyCopy } from "./damaged-books.ts";
import { bodyOf, type LedgerApp } from "./setup/ledger.ts";

type Books = { readonly erased: string; readonly kept: string };

async function fill(bank: LedgerApp): Promise<Books> {
  const staff = bank.callAs({ kind: "system", scopes: ["clients.read", "clients.write"] });
  const aClosedClient = async (): Promise<string> => {
    const clientId = await aClient(bank);
    bodyOf(await bank.clientCalls(clientId).post("/Client/deletion-notifications", { comment: "bye" }));
    bodyOf(await staff.put(`/internal/Clients/${clientId}/status`, { status: "closed", reason: "words of staff" }));
    await bank.owner.query("update client_profile.client set closed_at = closed_at - interval '6 years' where id = $1", [clientId]);
    return clientId;
  };
  const [erased, kept] = [await aClosedClient(), await aClosedClient()];
  bodyOf(await staff.post(`/internal/Clients/${erased}/erasure`, { reason: "clientRequest" }));
  return { erased, kept };
}

let filled: FilledBooks<Books>;
beforeAll(async () => {
  filled = await openBooks(fill);
});
afterAll(() => filled.close());

test("an erasure that is whole is right", async () => {
  expect(complaintsOf(await verifyCopy(filled))).toEqual([]);
});

const DAMAGES: readonly Damage<Books>[] = [
  {
    name: "a key that came back",
    done: ({ erased }) =>
      `update client_profile.client_key set master_key = repeat('0', 16), wrapped_key = repeat('k', 60)::bytea, destroyed_at = null where client_id = '${erased}'`,
    found: ({ erased }) => ({ "DP-5": [{ clientId: erased }] }),
  },
  {
    name: "a lost certificate",
    done: ({ erased }) => `delete from client_profile.erasure_certificate where client_id = '${erased}'`,
    found: ({ erased }) => ({ "DP-5": [{ clientId: erased }], "INV-10": [{ table: "client_profile.erasure_certificate" }] }),
  },
  {
    name: "a key that is gone without an erasure",
    done: ({ kept }) =>
      `update client_profile.client_key set master_key = null, wrapped_key = null, destroyed_at = now() where client_id = '${kept}'`,
    found: ({ kept }) => ({ "DP-5": [{ clientId: kept }] }),
  },
  {
    name: "a comment that came back",
    done: ({ erased }) =>
      `update client_profile.deletion_notification set status = 'declined', sealed_comment = '\\x00' where client_id = '${erased}'`,
    found: ({ erased }) => ({ "DP-5": [{ clientId: erased }] }),
  },
  {
    name: "a notification that is open for ever",
    done: ({ erased }) => `update client_profile.deletion_notification set status = 'received' where client_id = '${erased}'`,
    found: ({ erased }) => ({ "DP-5": [{ clientId: erased }] }),
  },
];

describe("verify finds", () => {
  test.each(DAMAGES)("$name", async (damage) => {
    await expectFound(filled, damage);
  });
});
