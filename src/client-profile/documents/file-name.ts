// Pure: the name under which a document is shown and saved. Whatever was sent, it names one file: no path, nothing invisible, nothing that
// turns the reading direction, nothing that a file system keeps for itself, and the ending of what the bytes are.

import type { ContentType } from "./content/header.ts";

/** In bytes of UTF-8: what file systems take. */
const NAME_BYTES_MAX = 255;
const ENDING_BYTES_MAX = 16;

const ENDINGS = {
  "application/pdf": ["pdf"],
  "image/jpeg": ["jpg", "jpeg", "jpe", "jfif"],
  "image/png": ["png"],
  "image/heic": ["heic", "heif"],
} as const satisfies Record<ContentType, readonly [string, ...string[]]>;

// Control and format characters (bidi, zero width, soft hyphen, tags), unpaired surrogates, private use, line and paragraph separators.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\uFE00-\uFE0F\uFFFC\uFFFD]/gu;
/** What looks like a separator and is none; NFKC has made plain ones of the others. */
const SLASHES = /[\u2044\u2215\u2216\u29F5\u29F8\u29F9\u{1F67C}]/gu;
const RESERVED = /[<>:"|?*%]/g;
/** Names of devices in Windows, with any ending. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)(?:\.|$)/i;

/** The shown name, at most 255 bytes: `sent` cleaned, with an ending of `type`. What leaves nothing is called document. */
export function shownName(sent: string, type: ContentType): string {
  const clean = sent
    .normalize("NFKC")
    .replace(INVISIBLE, "")
    .replace(/^.*[/\\]/s, "")
    .replace(SLASHES, "_")
    .replace(RESERVED, "_")
    .replace(/\s+/g, " ")
    .replace(/^[ .]+/, "")
    .replace(/[ .]+$/, "");
  const named = clean === "" ? "document" : DEVICE.test(clean) ? `_${clean}` : clean;
  return withEnding(named, type);
}

function withEnding(name: string, type: ContentType): string {
  const dot = name.lastIndexOf(".");
  const ending = dot > 0 ? name.slice(dot + 1) : "";
  const fits = (ENDINGS[type] as readonly string[]).includes(ending.toLowerCase()) && Buffer.byteLength(ending) <= ENDING_BYTES_MAX;
  const [stem, end] = fits ? [name.slice(0, dot), ending] : [name, ENDINGS[type][0]];
  return `${cut(stem, NAME_BYTES_MAX - 1 - Buffer.byteLength(end))}.${end}`;
}

/** The longest beginning of so many bytes that does not break a character, without a blank or dot at its end. */
function cut(text: string, bytesMax: number): string {
  let kept = "";
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    kept += character;
  }
  return kept.length === text.length ? text : kept.replace(/[ .]+$/, "");
}
