// Pure: what a file says it is in its first bytes, as WHATWG MIME Sniffing reads them for PDF, JPEG and PNG, and ISO 14496-12 for HEIC. No more of
// it is asked for than that: readers open truncated, padded and half broken files, so what is whole is not ours to say.

/** Media types of documents (contract 5.3, operation 9). */
export const CONTENT_TYPES = ["application/pdf", "image/jpeg", "image/png", "image/heic"] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

/** Behind these bytes nothing is read that says the type. */
export const HEADER_BYTES_MAX = 1024;

/** The type that the first bytes of a file say; null: none that is accepted, or not enough bytes to tell. */
export function typeByHeader(head: Buffer): ContentType | null {
  const text = head.toString("latin1", 0, HEADER_BYTES_MAX);
  if (text.startsWith("%PDF-")) return "application/pdf";
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (text.startsWith("ftyp", 4) && isHeic(text.slice(8, 12), text.slice(16, head.readUInt32BE(0)))) return "image/heic";
  return null;
}

/** Brands of pictures coded with HEVC (ISO 23008-12, annex B.4). */
const HEVC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"];
/** Brands that say only "pictures", or "sequences of pictures": what they hold the compatible ones say. */
const GENERAL_BRANDS = ["mif1", "msf1"];
/** Other codecs and films. */
const FOREIGN_BRANDS = ["avif", "avis", "isom", "mp41", "mp42", "avc1", "qt  ", "M4V ", "M4A ", "jpeg", "jpgs", "crx "];

function isHeic(major: string, others: string): boolean {
  const compatible: readonly string[] = others.match(/[^]{4}/g) ?? [];
  if (FOREIGN_BRANDS.some((brand) => major === brand || compatible.includes(brand))) return false;
  return HEVC_BRANDS.includes(major) || (GENERAL_BRANDS.includes(major) && HEVC_BRANDS.some((brand) => compatible.includes(brand)));
}
