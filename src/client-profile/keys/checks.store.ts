// What must hold of keys, and the locks on their tables: for `verify`. That every client has one until it is erased stands with the erasures.

import { check, type Verifiable } from "#platform/checks.ts";

/** The checks, locks and figures of keys. */
export const keysVerifiable: Pick<Verifiable, "checks" | "locks" | "figures"> = {
  checks: [
    check(
      "DP-2",
      "a key stands wrapped under a master key, and never in the clear",
      `select k.place, 'this is no wrapped key' as message, '60 bytes (nonce, tag, key) under 16 hexadecimal digits' as expected,
              octet_length(k.wrapped_key) || ' bytes under ' || char_length(k.master_key) || ' characters' as actual
       from (
         select jsonb_build_object('clientId', client_id) as place, master_key, wrapped_key from client_profile.client_key
         union all
         select jsonb_build_object('key', 'search key'), master_key, wrapped_key from client_profile.search_key
       ) k
       where octet_length(k.wrapped_key) <> 60 or k.master_key !~ '^[0-9a-f]{16}$'`,
    ),
  ],
  locks: [
    {
      table: "client_profile.client_key",
      addOnly: false,
      triggers: ["client_key_is_kept", "client_key_is_destroyed_once"],
      constraints: ["client_key_is_there_until_it_is_destroyed"],
      appInserts: "all",
      appUpdates: ["master_key", "wrapped_key", "destroyed_at"],
    },
    {
      table: "client_profile.search_key",
      addOnly: false,
      triggers: ["search_key_is_kept"],
      constraints: ["search_key_is_one"],
      appInserts: "all",
      appUpdates: ["master_key", "wrapped_key"],
    },
  ],
  figures: {
    // More than one: the master key is being changed.
    masterKeysInUse: `select count(distinct master_key)
                      from (select master_key from client_profile.client_key union all select master_key from client_profile.search_key) k`,
  },
};
