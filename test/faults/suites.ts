// All fault suites, in the order in which they are run: what ends soonest first.

import { clientImports } from "./client-imports.ts";
import { contention } from "./contention.ts";
import { crashPoints } from "./crash-points.ts";
import { documentUploads } from "./document-uploads.ts";
import { doubleSpend } from "./double-spend.ts";
import { gracefulStop } from "./graceful-stop.ts";
import { holds } from "./holds.ts";
import { idempotencyKeys } from "./idempotency-keys.ts";
import { instances } from "./instances.ts";
import { killUnderLoad } from "./kill-under-load.ts";
import { ledgerEvents } from "./ledger-events.ts";
import { modelReplay } from "./model-replay.ts";
import { plantedFaults } from "./planted-faults.ts";
import type { Suite } from "./suite.ts";

export const SUITES: readonly Suite[] = [
  doubleSpend,
  holds,
  modelReplay,
  clientImports,
  idempotencyKeys,
  contention,
  crashPoints,
  documentUploads,
  killUnderLoad,
  gracefulStop,
  instances,
  ledgerEvents,
  plantedFaults,
];
