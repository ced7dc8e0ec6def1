// Pure: the skeletons of the pictures that are accepted, as far as it takes to know that a file is one from its first byte to its last.
// Nothing is decoded: a picture of a million megapixels costs as much to judge as its bytes.

import { latin1, type Step, StructureWalk, uint32 } from "./structure.ts";

const PNG_SIGNATURE = "\x89PNG\r\n\x1a\n";

/** PNG (W3C PNG 3rd edition, 5): IHDR first, IEND last, and nothing behind it. */
export function walkPng(): StructureWalk {
  let isFirst = true;
  return new StructureWalk(16, (header): Step => {
    const at = header.length - 8;
    const length = uint32(header, at);
    const type = latin1(header, at + 4);
    if (isFirst) {
      isFirst = false;
      const isPng = latin1(header, 0, 8) === PNG_SIGNATURE && length === 13 && type === "IHDR";
      return isPng ? { skip: 13 + 4, need: 8 } : "foreign";
    }
    if (!/^[A-Za-z]{4}$/.test(type) || type === "IHDR" || length > 0x7fffffff) return "foreign";
    if (type === "IEND") return length === 0 ? { endsAfter: 4 } : "foreign";
    return { skip: length + 4, need: 8 };
  });
}

/** Frame headers of JPEG (ITU T.81, table B.1). */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** JPEG (ITU T.81, annex B): segments up to the first scan; a scan has no skeleton, its end is judged by the last bytes of the file. */
export function walkJpeg(): StructureWalk {
  let isFirst = true;
  let hasFrame = false;
  return new StructureWalk(3, (header): Step => {
    if (isFirst) {
      isFirst = false;
      return latin1(header) === "\xff\xd8\xff" ? { skip: 0, need: 4, keep: 1 } : "foreign";
    }
    const [start, marker = 0, high = 0, low = 0] = header;
    if (start !== 0xff) return "foreign";
    // Any number of fill bytes may stand before a marker.
    if (marker === 0xff) return { skip: 0, need: 4, keep: 3 };
    const length = high * 256 + low;
    if (marker < 0xc0 || marker === 0xd8 || marker === 0xd9 || length < 2) return "foreign";
    if (isFrame(marker)) hasFrame = true;
    if (marker === 0xda) return hasFrame ? "free" : "foreign";
    return { skip: length - 2, need: 4 };
  });
}

/** Brands of pictures coded with HEVC (ISO 23008-12, annex B.4). */
const HEVC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"];
/** Brands that say only "pictures", or "sequences of pictures": what they hold the compatible ones say. */
const GENERAL_BRANDS = ["mif1", "msf1"];
/** Other codecs and films. */
const FOREIGN_BRANDS = ["avif", "avis", "isom", "mp41", "mp42", "avc1", "qt  ", "M4V ", "M4A ", "jpeg", "jpgs", "crx "];

function isHeic(type: Uint8Array): boolean {
  const major = latin1(type, 0, 4);
  const compatible: readonly string[] = latin1(type, 8).match(/[^]{4}/g) ?? [];
  if (FOREIGN_BRANDS.some((brand) => major === brand || compatible.includes(brand))) return false;
  return HEVC_BRANDS.includes(major) || (GENERAL_BRANDS.includes(major) && HEVC_BRANDS.some((brand) => compatible.includes(brand)));
}

/** HEIC (ISO 14496-12, 4.2 and ISO 23008-12): boxes from the file's type to the end, metadata among them. */
export function walkHeic(): { readonly walk: StructureWalk; readonly isWhole: () => boolean } {
  let phase: "type" | "brands" | "boxes" | "largeSize" = "type";
  let hasMetadata = false;
  const walk = new StructureWalk(8, (header): Step => {
    if (phase === "brands") {
      phase = "boxes";
      return isHeic(header) ? { skip: 0, need: 8 } : "foreign";
    }
    if (phase === "largeSize") {
      phase = "boxes";
      const size = uint32(header, 0) * 2 ** 32 + uint32(header, 4);
      return size >= 16 ? { skip: size - 16, need: 8 } : "foreign";
    }
    const size = uint32(header, 0);
    const type = latin1(header, 4);
    if (phase === "type") {
      phase = "brands";
      return type === "ftyp" && size >= 16 && size <= 1024 && size % 4 === 0 ? { skip: 0, need: size - 8 } : "foreign";
    }
    if (!/^[\x20-\x7e]{4}$/.test(type) || type === "ftyp" || type === "moov") return "foreign";
    if (type === "meta") hasMetadata = true;
    // Only the data may run to the end of the file.
    if (size === 0) return type === "mdat" ? "free" : "foreign";
    if (size === 1) {
      phase = "largeSize";
      return { skip: 0, need: 8 };
    }
    return size >= 8 ? { skip: size - 8, need: 8 } : "foreign";
  });
  return { walk, isWhole: () => hasMetadata && (walk.place === "between" || walk.place === "free") };
}
