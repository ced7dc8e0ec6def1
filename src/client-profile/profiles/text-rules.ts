// Pure: texts that show otherwise than they read. Control characters move terminals and break lines of files; those that override or isolate
// the direction of writing turn a name round for whoever looks at it. Letters of every script are fine, and so are the marks that some of them
// need (zero width joiners, marks of direction).

import type { FieldErrors } from "#platform/problem.ts";
import { addFault } from "./person-rules.ts";

/** Controls (C0, DEL, C1), separators of lines and paragraphs, and bidi embeddings, overrides and isolates (UAX #9). */
const DECEIVING = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Whether a text has no such character. */
export function isPlainText(text: string): boolean {
  return !DECEIVING.test(text);
}

/** Names every text of a body that is not plain, by its dotted path. */
export function judgeTexts(errors: FieldErrors, value: unknown, path = ""): void {
  if (typeof value === "string") {
    if (!isPlainText(value))
      addFault(errors, path, "The field must not contain control characters, or characters that change the direction of writing.");
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) judgeTexts(errors, member, path === "" ? name : `${path}.${name}`);
}
