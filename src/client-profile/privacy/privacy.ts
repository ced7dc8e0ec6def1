// Privacy as the module opens it: operations, the daily erasure, and what an operator replays after a restore.

import type { Tx } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { Job } from "#platform/jobs.ts";
import { erasureJob, scheduleErasures } from "./erasure-job.ts";
import { type PrivacyKit, privacyEndpoints } from "./routes.ts";

export type Privacy = {
  readonly endpoints: readonly Endpoint[];
  readonly jobs: readonly Job<unknown>[];
  /** Adds the daily erasure to the queue, if it is not there. */
  readonly schedule: (tx: Tx) => Promise<void>;
};

export function openPrivacy(kit: PrivacyKit): Privacy {
  const daily = erasureJob(kit);
  return { endpoints: privacyEndpoints(kit), jobs: [daily], schedule: (tx) => scheduleErasures(tx, daily) };
}
