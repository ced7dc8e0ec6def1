// Pure: until when the law wants a client's data kept. Directive (EU) 2015/849 art. 40(1): five years after the business relationship ends;
// RETENTION_YEARS says how many the bank keeps.

import type { ClientStatus } from "../profiles/contract.ts";

/** What decides from when on a client may be erased. */
export type Ending = {
  readonly status: ClientStatus;
  /** When a closed client was closed. */
  readonly closedAt: Date | null;
  /** The last change of how it stands: where a rejected client's time begins. */
  readonly lastChangeAt: Date;
};

/** The instant from which on the client may be erased; null while it is neither closed nor rejected. */
export function erasableFrom({ status, closedAt, lastChangeAt }: Ending, retentionYears: number): Date | null {
  if (status === "closed") return yearsAfter(closedAt ?? lastChangeAt, retentionYears);
  return status === "rejected" ? yearsAfter(lastChangeAt, retentionYears) : null;
}

/** Whole years: what begins on 29 February is over on 1 March, never a day early. */
function yearsAfter(at: Date, years: number): Date {
  const end = new Date(at.getTime());
  end.setUTCFullYear(end.getUTCFullYear() + years);
  return end;
}
