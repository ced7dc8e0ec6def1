// Pure: what is known of a client, as it is sealed and opened again. The sealed form is JSON with a version of its own, so that later
// releases can read what earlier ones wrote.

import type { DataKey, Place } from "#platform/sealing.ts";
import type { Company, Individual, StoredAddress } from "./contract.ts";

/** Personal data of a client (contract 4.3): one of `individual` and `company` is there. Country codes in upper case. */
export type Profile = {
  readonly email: string;
  readonly phoneNumber: string;
  readonly address: StoredAddress;
  readonly individual: Individual | null;
  readonly company: Company | null;
};

type Sealed = { readonly v: 1 } & Profile;

const placeOf = (clientId: string): Place => ({ table: "client_profile.client", column: "sealed_profile", row: clientId });

export function sealProfile(key: DataKey, clientId: string, profile: Profile): Buffer {
  const { email, phoneNumber, address, individual, company } = profile;
  return key.seal(placeOf(clientId), JSON.stringify({ v: 1, email, phoneNumber, address, individual, company } satisfies Sealed));
}

/** @throws when it was sealed for another client, or changed. */
export function openProfile(key: DataKey, clientId: string, sealed: Uint8Array): Profile {
  const { v: _version, ...profile } = JSON.parse(key.unsealText(placeOf(clientId), sealed)) as Sealed;
  return profile;
}
