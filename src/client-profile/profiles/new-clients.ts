// The shell that brings clients into being, any number of them at once: each under a new key, with the first line of its history, an audit
// row, and the persons of a company.

import type { Tx } from "#platform/db.ts";
import { writeAudits } from "#platform/audit.ts";
import { newId } from "#platform/new-id.ts";
import type { DataKey } from "#platform/sealing.ts";
import { insertClientKeys } from "../keys/key.store.ts";
import type { Vault } from "../keys/vault.ts";
import { refuse } from "../problems.ts";
import { searchMarksOf } from "../search/marks.ts";
import type { NewRelatedIndividual } from "./company-rules.ts";
import * as store from "./new-client.store.ts";
import { isE164 } from "./person-rules.ts";
import { type Profile, sealPerson, sealProfile } from "./profile.ts";
import type { ClientStatus, RiskLevel, VerificationStatus } from "./standing.contract.ts";

/** A client to create: what is known of it, whose it is, and the standing it begins with. Judge it before. */
export type NewClient = {
  readonly tenant: string;
  readonly externalId: string | null;
  readonly type: "individual" | "company";
  readonly status: ClientStatus;
  /** Also that of the persons of a company. */
  readonly verificationStatus: VerificationStatus;
  readonly riskLevel: RiskLevel;
  readonly profile: Profile;
  /** The persons of a company, in their order; none of an individual. */
  readonly relatedIndividuals: readonly NewRelatedIndividual[];
  /** Why the client begins so; first line of its history. A word of the program, not of a person. */
  readonly reason: string;
};

/** What a new client is known by, and the persons of a company in the order they were given. */
export type CreatedClient = {
  readonly clientId: string;
  readonly relatedIndividuals: readonly { readonly relatedIndividualId: string; readonly firstName: string; readonly lastName: string }[];
};

/** What became of one of many. */
export type Creation = ({ readonly outcome: "created" } & CreatedClient) | { readonly outcome: "duplicateExternalId" };

/**
 * Creates a client. Refuses with 409 duplicateExternalId when the tenant has a client of that externalId, also one that commits at the same
 * moment.
 */
export async function createClient(tx: Tx, vault: Vault, client: NewClient): Promise<CreatedClient> {
  const [creation] = await createClients(tx, vault, [client]);
  if (creation?.outcome !== "created") return refuse("duplicateExternalId", { errors: { externalId: ["The value is in use."] } });
  const { clientId, relatedIndividuals } = creation;
  return { clientId, relatedIndividuals };
}

/**
 * Creates many clients in a handful of statements, some hundred at once, and says in their order what became of each. Whoever's externalId is
 * in use is left out and hinders nobody else; of two in the list the first one gets it. Waits for a twin that creates the same externalId at
 * the same moment.
 */
export async function createClients(tx: Tx, vault: Vault, clients: readonly NewClient[]): Promise<readonly Creation[]> {
  const drafts = clients.map((client) => draftOf(vault, client));
  const rows = drafts.map(({ row }) => row);
  const created = await store.insertClients(tx, rows);
  const kept = drafts.filter(({ row }) => created.has(row.id));
  const keptRows = kept.map(({ row }) => row);
  await insertClientKeys(
    tx,
    kept.map(({ row, wrapped }) => ({ clientId: row.id, ...wrapped })),
  );
  await store.insertFirstStandings(tx, keptRows);
  await store.insertRelatedIndividuals(
    tx,
    kept.flatMap(({ persons }) => persons),
  );
  await writeAudits(tx, keptRows.map(auditOf));
  return drafts.map(({ row, known }) => (created.has(row.id) ? { outcome: "created", ...known } : { outcome: "duplicateExternalId" }));
}

type Draft = {
  readonly row: store.NewClientRow;
  readonly wrapped: ReturnType<Vault["newClientKey"]>["wrapped"];
  readonly persons: readonly store.NewRelatedRow[];
  readonly known: CreatedClient;
};

function draftOf(vault: Vault, client: NewClient): Draft {
  const clientId = newId();
  const { profile, relatedIndividuals, verificationStatus, ...rest } = client;
  const { key, wrapped } = vault.newClientKey(clientId);
  const row = {
    ...rest,
    id: clientId,
    verificationStatus,
    phoneIsE164: isE164(profile.phoneNumber),
    sealedProfile: sealProfile(key, clientId, profile),
    emailMark: emailMarkOf(vault, profile.email),
    searchMarks: searchMarksOf(vault, client.externalId, profile),
  };
  const persons = relatedIndividuals.map((person, position) =>
    relatedRow(key, { id: newId(), clientId, position, verificationStatus }, person),
  );
  const names = relatedIndividuals.map(({ person }, index) => {
    return { relatedIndividualId: persons[index]?.id ?? "", firstName: person.firstName, lastName: person.lastName };
  });
  return { row, wrapped, persons, known: { clientId, relatedIndividuals: names } };
}

/** A person of a company as a row. */
export function relatedRow(
  key: DataKey,
  place: Pick<store.NewRelatedRow, "id" | "clientId" | "position" | "verificationStatus">,
  { roles, sharePercent, person }: NewRelatedIndividual,
): store.NewRelatedRow {
  return { ...place, roles, sharePercent, sealedProfile: sealPerson(key, place.id, person) };
}

function auditOf({
  id,
  tenant,
  type,
  status,
  verificationStatus,
  riskLevel,
  reason,
}: store.NewClientRow): Parameters<typeof writeAudits>[1][number] {
  return {
    action: "client.created",
    subject: `client:${id}`,
    detail: { tenant, type, status, verificationStatus, riskLevel, reason },
  };
}

/** The mark by which an e-mail address is found again; letter case and surrounding spaces do not count. */
export function emailMarkOf(vault: Vault, email: string): Buffer {
  return vault.mark("email", email.trim().toLowerCase());
}
