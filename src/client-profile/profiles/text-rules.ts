// Pure: every text of a body is one that shows as it reads.

import type { FieldErrors } from "#platform/problem.ts";
import { isPlainText, PLAIN_TEXT_RULE } from "#platform/plain-text.ts";
import { addFault } from "./person-rules.ts";

/** Names every text of a body that is not plain, by its dotted path. */
export function judgeTexts(errors: FieldErrors, value: unknown, path = ""): void {
  if (typeof value === "string") {
    if (!isPlainText(value)) addFault(errors, path, PLAIN_TEXT_RULE);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) judgeTexts(errors, member, path === "" ? name : `${path}.${name}`);
}
