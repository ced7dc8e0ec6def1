// SQL of what only an export tells: persons that a company does not name any more.

import type { Tx } from "#platform/db.ts";

export type FormerIndividual = {
  readonly id: string;
  readonly roles: readonly string[];
  /** Decimal text. */
  readonly sharePercent: string | null;
  readonly verificationStatus: string;
  readonly sealedProfile: Buffer;
  readonly removedAt: Date;
};

export async function findFormerIndividuals(tx: Tx, clientId: string): Promise<FormerIndividual[]> {
  return await tx.sql<FormerIndividual>`
    select id, roles, share_percent::text as "sharePercent", verification_status as "verificationStatus", sealed_profile as "sealedProfile",
           removed_at as "removedAt"
    from client_profile.related_individual
    where client_id = ${clientId} and removed_at is not null and sealed_profile is not null
    order by removed_at, id`;
}
