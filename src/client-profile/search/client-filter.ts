// Pure: what a list of clients is asked for (operation 4).

import { hash } from "node:crypto";
import { canonicalJson } from "#platform/canonical.ts";
import { type DateBounds, readDates } from "#platform/date-bounds.ts";
import type { ClientStatus, RiskLevel, VerificationStatus } from "../profiles/standing.contract.ts";
import type { ClientQuery } from "./contract.ts";
import { searchedWords } from "./marks.ts";

/** Empty lists and nulls leave nothing out. */
export type ClientFilter = {
  /** Whose clients the caller may see; null: everybody's. */
  readonly tenant: string | null;
  readonly type: "individual" | "company" | null;
  readonly statuses: readonly ClientStatus[];
  readonly verificationStatuses: readonly VerificationStatus[];
  readonly riskLevels: readonly RiskLevel[];
  readonly externalId: string | null;
  /** Of createdAt. */
  readonly dates: DateBounds;
  /** All of them must be found; null: nothing is searched. */
  readonly words: readonly string[] | null;
};

export function filterOf(query: ClientQuery, tenant: string | null): ClientFilter {
  return {
    tenant,
    type: query.type ?? null,
    statuses: query.statuses ?? [],
    verificationStatuses: query.verificationStatuses ?? [],
    riskLevels: query.riskLevels ?? [],
    externalId: query.externalId ?? null,
    dates: readDates(query),
    words: query.search == null ? null : searchedWords(query.search),
  };
}

/** Names filter and direction in a cursor, so that a cursor of another list is refused. A hash: what was searched for is not to be read. */
export function markOf({ dates, ...filter }: ClientFilter, sortDirection: string): string {
  const text = canonicalJson({ ...filter, from: dates.from?.getTime() ?? null, before: dates.before?.getTime() ?? null, sortDirection });
  return `clients-${hash("sha256", text, "hex").slice(0, 16)}`;
}
