// All house rules by name. A name here without a planted fault in test/architecture.test.ts fails that test.

import { migrationsAreNumbered, migrationsPointDown } from "./migrations.ts";
import {
  connectionsOnlyInPlatform,
  modulesTakeTheTimeFromTheTransaction,
  networkOnlyInAdapters,
  noFloatingPoint,
  pureFilesHaveNoClockAndNoChance,
} from "./purity.ts";
import { roomsIntroduceThemselves, roomsStandInThePlan } from "./rooms.ts";
import { facesStaySmall, filesStaySmall, functionsStaySmall } from "./size.ts";
import type { Fault, Rule, SourceFile } from "./source.ts";
import { ownSchemaOnly, sqlOnlyInStores } from "./sql.ts";
import { testsCanFail } from "./tests.ts";
import { noMachinePaths, noNotesToOurselves, wordsOfTheGlossary } from "./words.ts";

export const RULES = {
  sqlOnlyInStores,
  ownSchemaOnly,
  migrationsPointDown,
  migrationsAreNumbered,
  filesStaySmall,
  functionsStaySmall,
  facesStaySmall,
  pureFilesHaveNoClockAndNoChance,
  modulesTakeTheTimeFromTheTransaction,
  networkOnlyInAdapters,
  noFloatingPoint,
  connectionsOnlyInPlatform,
  testsCanFail,
  wordsOfTheGlossary,
  noNotesToOurselves,
  noMachinePaths,
  roomsStandInThePlan,
  roomsIntroduceThemselves,
} as const satisfies Record<string, Rule>;

/** All faults of the tree, each with the name of its rule. */
export function faultsOf(files: readonly SourceFile[]): (Fault & { readonly rule: string })[] {
  return Object.entries(RULES).flatMap(([rule, check]) => check(files).map((fault) => ({ ...fault, rule })));
}
