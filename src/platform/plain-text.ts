// Pure: texts that show otherwise than they read. Control characters move terminals and break lines of files; those that override or isolate
// the direction of writing turn a name round for whoever looks at it. Letters of every script are fine, and so are the marks that some of them
// need (zero width joiners, marks of direction).

/** Controls (C0, DEL, C1), separators of lines and paragraphs, and bidi embeddings, overrides and isolates (UAX #9). */
const DECEIVING = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Whether a text has no such character. */
export function isPlainText(text: string): boolean {
  return !DECEIVING.test(text);
}

export const PLAIN_TEXT_RULE = "The field must not contain control characters, or characters that change the direction of writing.";
