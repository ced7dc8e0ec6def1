// Operation 7: the whole profile of a client is told anew. What differs is stored, named (never quoted) in the audit and an event, and what
// does not differ leaves no trace.

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import { isMatched } from "#platform/http/if-match.ts";
import type { DataKey } from "#platform/sealing.ts";
import { newId } from "#platform/new-id.ts";
import { today } from "#platform/dates.ts";
import { refuse } from "../problems.ts";
import { searchMarksOf } from "../search/marks.ts";
import { changeStanding, type StandingKit } from "../standing/standing-changes.ts";
import { readUpdate } from "./client-bodies.ts";
import { changedFields, changesOf, isIdentityChanged, isUnchanged, type PersonChanges } from "./client-changes.ts";
import * as store from "./client-update.store.ts";
import { findRelatedIndividuals } from "./client.store.ts";
import type { UpdateClient } from "./contract.ts";
import { claimEmail } from "./emails.ts";
import { emailMarkOf, relatedRow } from "./new-clients.ts";
import { insertRelatedIndividuals } from "./new-client.store.ts";
import { isE164 } from "./person-rules.ts";
import { openPerson, openProfile, type Profile, sealPerson, sealProfile } from "./profile.ts";

/** `visibleTo`: a tenant, or null for the bank itself. `ifMatch`: the header If-Match, where there is one. */
export type WhichClient = { readonly clientId: string; readonly visibleTo: string | null; readonly ifMatch: string | undefined };

const CHANGED_SINCE = "The client has changed since it was read.";
const RESTRICTED = "The client asked to be forgotten: its data are kept for the law alone, and not changed.";

/**
 * Makes the profile what the body says. Call it last in its transaction: another risk level may hold the ledger's head. Refuses with 404, 412
 * when the client is of no version that `ifMatch` means, 400 validationFailed, 409 duplicateEmail and, while the client is restricted, 409
 * invalidState.
 */
export async function updateClient(tx: Tx, kit: StandingKit, which: WhichClient, body: UpdateClient): Promise<void> {
  const { vault } = kit;
  const { clientId, visibleTo, ifMatch } = which;
  const held = (await store.lockForUpdate(tx, clientId, visibleTo)) ?? refusePlatform("notFound");
  const key = vault.openClientKey(held) ?? refusePlatform("notFound");
  if (ifMatch !== undefined && !isMatched(ifMatch, held.version)) refusePlatform("preconditionFailed", { detail: CHANGED_SINCE });
  if (held.restrictedAt !== null) refuse("invalidState", { detail: RESTRICTED });
  const read = readUpdate(body, held.type, today(tx.now, "UTC"));
  if ("errors" in read) return refusePlatform("validationFailed", { errors: read.errors });

  const { profile, persons, riskLevel } = read.wanted;
  const changes = persons === null ? null : await personChanges(tx, key, clientId, persons);
  const before = openProfile(key, clientId, held.sealedProfile);
  const fields = changedFields(before, profile);
  const arePersonsChanged = changes !== null && !isUnchanged(changes);
  if (arePersonsChanged) fields.push("company.relatedIndividuals");
  if (fields.length > 0) {
    // An address that came by an import may be another client's, too: it is judged when it changes.
    if (!emailMarkOf(vault, before.email).equals(emailMarkOf(vault, profile.email))) {
      await claimEmail(tx, vault, held.tenant, profile.email, clientId);
    }
    invariant(await store.updateProfile(tx, held, profileRow(kit, key, held, profile)), "a client changed while it was held");
    if (arePersonsChanged) await storePersons(tx, key, clientId, changes);
  }
  const isJudgedAnew = riskLevel !== held.riskLevel;
  if (isJudgedAnew) fields.push("riskLevel");
  if (fields.length > 0) await tell(tx, held, fields);
  const reason = riskLevel === "prohibited" ? "riskProhibited" : "riskChanged";
  if (isJudgedAnew) await changeStanding(tx, kit, clientId, visibleTo, { change: { kind: "risk", riskLevel }, reason, note: null });
}

function profileRow({ vault }: StandingKit, key: DataKey, { clientId, externalId }: store.HeldProfile, profile: Profile): store.ProfileRow {
  return {
    phoneIsE164: isE164(profile.phoneNumber),
    sealedProfile: sealProfile(key, clientId, profile),
    emailMark: emailMarkOf(vault, profile.email),
    searchMarks: searchMarksOf(vault, externalId, profile),
  };
}

async function personChanges(tx: Tx, key: DataKey, clientId: string, wanted: Parameters<typeof changesOf>[1]): Promise<PersonChanges> {
  const rows = await findRelatedIndividuals(tx, clientId);
  const present = rows.map(({ id, roles, sharePercent, sealedProfile }) => {
    return { id, roles, sharePercent, person: openPerson(key, id, sealedProfile) };
  });
  const found = changesOf(present, wanted);
  if ("errors" in found) return refusePlatform("validationFailed", { errors: found.errors });
  return found.changes;
}

/** Whoever is new has not been verified yet. */
async function storePersons(tx: Tx, key: DataKey, clientId: string, { added, changed, removed }: PersonChanges): Promise<void> {
  await store.removeRelatedIndividuals(tx, clientId, removed);
  await store.updateRelatedIndividuals(
    tx,
    clientId,
    changed.map(({ id, position, person: { roles, sharePercent, person } }) => {
      return { id, position, roles, sharePercent, sealedProfile: sealPerson(key, id, person) };
    }),
  );
  await insertRelatedIndividuals(
    tx,
    added.map(({ position, person }) => relatedRow(key, { id: newId(), clientId, position, verificationStatus: "notStarted" }, person)),
  );
}

/** Staff may correct a name; whoever watches verified clients hears of it, because a verification may have to be repeated. */
async function tell(tx: Tx, { clientId, tenant, verificationStatus }: store.HeldProfile, names: readonly string[]): Promise<void> {
  const subject = `client:${clientId}`;
  const fields = names.join(" ");
  await writeAudit(tx, { action: "client.updated", subject, detail: { fields } });
  await publish(tx, { type: "client.updated", subject, tenant, data: { clientId, fields } });
  if (verificationStatus !== "approved" || !isIdentityChanged(names)) return;
  await publish(tx, { type: "client.verificationAttention", subject, tenant, data: { clientId, reason: "identityChanged" } });
}
