// Pure: what an update changes of a client, by the names of its fields, and which persons of a company are new, changed or gone.

import { canonicalJson } from "#platform/canonical.ts";
import { sameDecimal } from "#platform/decimal.ts";
import type { FieldErrors } from "#platform/problem.ts";
import type { WantedPerson } from "./client-bodies.ts";
import type { NewRelatedIndividual } from "./company-rules.ts";
import { addFault } from "./person-rules.ts";
import type { Profile } from "./profile.ts";

/** A person that the company has, at its place in the list. */
export type PresentPerson = NewRelatedIndividual & { readonly id: string };

/** What becomes of the persons of a company; `position` is the place in the list that was sent. */
export type PersonChanges = {
  readonly added: readonly { readonly position: number; readonly person: NewRelatedIndividual }[];
  readonly changed: readonly { readonly id: string; readonly position: number; readonly person: NewRelatedIndividual }[];
  readonly removed: readonly string[];
};

/** The names of the fields that differ, never what stands in them: "email", "individual.lastName", "company.website". */
export function changedFields(before: Profile, after: Profile): string[] {
  const parts = (profile: Profile): Record<string, unknown> => {
    const { individual, company, ...contact } = profile;
    return { ...contact, ...prefixed("individual", individual ?? {}), ...prefixed("company", company ?? {}) };
  };
  const [old, now] = [parts(before), parts(after)];
  return Object.keys(now).filter((name) => !isSame(old[name], now[name]));
}

/** What a verification has looked at: changed, it has looked at somebody else. */
const VERIFIED = new Set([
  "individual.firstName",
  "individual.lastName",
  "individual.dateOfBirth",
  "individual.citizenshipCountry",
  "individual.identificationDocument",
  "company.companyName",
  "company.registrationNumber",
  "company.registrationCountry",
  "company.relatedIndividuals",
]);

/** Whether one of the changed fields tells who the client is. */
export function isIdentityChanged(fields: readonly string[]): boolean {
  return fields.some((field) => VERIFIED.has(field));
}

/** What the list of persons asks for, or what is wrong with the ids in it. */
export function changesOf(
  present: readonly PresentPerson[],
  wanted: readonly WantedPerson[],
): { readonly changes: PersonChanges } | { readonly errors: FieldErrors } {
  const errors: FieldErrors = {};
  const known = new Map(present.map((person, position) => [person.id, { person, position }]));
  const seen = new Set<string>();
  const added: PersonChanges["added"][number][] = [];
  const changed: PersonChanges["changed"][number][] = [];
  for (const [position, { relatedIndividualId: id, ...person }] of wanted.entries()) {
    const field = `company.relatedIndividuals.${position}.relatedIndividualId`;
    const old = id === null ? undefined : known.get(id);
    if (id === null) added.push({ position, person });
    else if (old === undefined) addFault(errors, field, "The company has no such person.");
    else if (seen.has(id)) addFault(errors, field, "The person stands in the list already.");
    else if (old.position !== position || !isSamePerson(old.person, person)) changed.push({ id, position, person });
    if (id !== null) seen.add(id);
  }
  if (Object.keys(errors).length > 0) return { errors };
  return { changes: { added, changed, removed: present.map(({ id }) => id).filter((id) => !seen.has(id)) } };
}

/** Whether nothing becomes of anybody. */
export function isUnchanged({ added, changed, removed }: PersonChanges): boolean {
  return added.length + changed.length + removed.length === 0;
}

function prefixed(name: string, members: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).map(([member, value]) => [`${name}.${member}`, value as unknown]));
}

/** Roles are a set: their order means nothing. */
function isSamePerson(a: NewRelatedIndividual, b: NewRelatedIndividual): boolean {
  return isSame([...a.roles].sort(), [...b.roles].sort()) && isSameShare(a.sharePercent, b.sharePercent) && isSame(a.person, b.person);
}

function isSameShare(a: string | null, b: string | null): boolean {
  return a === null || b === null ? a === b : sameDecimal(a, b);
}

function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
