// Changes on condition (RFC 9110, section 13.1.1): whoever read a version may ask that nothing has changed since.

/** Whether a thing of that version is meant by an If-Match header: `*`, or a list of ETags. Weak ones (`W/"1"`) never match. */
export function isMatched(ifMatch: string, version: bigint): boolean {
  const tags = ifMatch.split(",").map((tag) => tag.trim());
  return tags.includes("*") || tags.includes(entityTag(version));
}

/** The ETag of a version. */
export function entityTag(version: bigint): string {
  return `"${version}"`;
}
