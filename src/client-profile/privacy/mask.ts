// Pure: what lists show of a document's number. Who needs the whole number opens the client, which is one read of one person.

const SHOWN = 4;

/**
 * The last four characters behind dots; of a number of up to eight characters only as many as leave four hidden. The dots do not tell
 * how long the number is.
 */
export function maskDocumentNumber(number: string): string {
  const characters = Array.from(number);
  return `••••${characters.slice(characters.length - Math.max(0, Math.min(SHOWN, characters.length - SHOWN))).join("")}`;
}
