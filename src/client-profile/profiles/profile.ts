// Pure: what is known of a client and of the persons of a company, as it is sealed and opened again. The sealed form is JSON with a version
// of its own, so that later releases can read what earlier ones wrote.

import type { DataKey, Place } from "#platform/sealing.ts";
import type { Company } from "./company.contract.ts";
import type { Individual, StoredAddress } from "./person.contract.ts";

/** Personal data of a client (contract 4.3): one of `individual` and `company` is there. Country codes in upper case. */
export type Profile = {
  readonly email: string;
  readonly phoneNumber: string;
  readonly address: StoredAddress;
  readonly individual: Individual | null;
  readonly company: Company | null;
};

/** Personal data of a person of a company. Country codes in upper case. */
export type PersonProfile = Individual & { readonly email: string; readonly phoneNumber: string; readonly address: StoredAddress };

type Sealed<T> = { readonly v: 1 } & T;

const clientPlace = (clientId: string): Place => ({ table: "client_profile.client", column: "sealed_profile", row: clientId });
const personPlace = (id: string): Place => ({ table: "client_profile.related_individual", column: "sealed_profile", row: id });

export function sealProfile(key: DataKey, clientId: string, profile: Profile): Buffer {
  const { email, phoneNumber, address, individual, company } = profile;
  return key.seal(
    clientPlace(clientId),
    JSON.stringify({ v: 1, email, phoneNumber, address, individual, company } satisfies Sealed<Profile>),
  );
}

/** @throws when it was sealed for another client, or changed. */
export function openProfile(key: DataKey, clientId: string, sealed: Uint8Array): Profile {
  const { v: _version, ...profile } = JSON.parse(key.unsealText(clientPlace(clientId), sealed)) as Sealed<Profile>;
  return profile;
}

/** `key` is the company's. */
export function sealPerson(key: DataKey, relatedIndividualId: string, person: PersonProfile): Buffer {
  return key.seal(personPlace(relatedIndividualId), JSON.stringify({ v: 1, ...person } satisfies Sealed<PersonProfile>));
}

/** @throws when it was sealed for another person or under another company's key, or changed. */
export function openPerson(key: DataKey, relatedIndividualId: string, sealed: Uint8Array): PersonProfile {
  const { v: _version, ...person } = JSON.parse(key.unsealText(personPlace(relatedIndividualId), sealed)) as Sealed<PersonProfile>;
  return person;
}
