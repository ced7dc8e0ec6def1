// One pass over the text of a JSON document, for the things that JSON.parse does not refuse. It follows the structure only as far as
// that needs: on text that is no JSON its verdict means nothing, so JSON.parse must come after it.

/** What the scan refuses, as the sentence for the caller; `path` is the dotted name of the field. */
export type ScanRefusal = { readonly message: string; readonly path?: string };

/** What a document may have: levels of nesting, and members and elements at all depths together. */
export type ScanLimits = { readonly depthMax: number; readonly membersMax: number };

/** An open object or array. */
type Frame = {
  /** Names read so far, the last one is the present member's; null for an array. */
  readonly names: string[] | null;
  /** The same names, once there are too many to compare one by one. */
  nameSet: Set<string> | null;
  /** The next string of this object is a name. */
  expectsName: boolean;
  /** The present element of an array. */
  index: number;
};

const NAMES_COMPARED_MAX = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const LOWER_U = 0x75;

const NUL_IN_STRING = "A string must not contain the character U+0000.";
const LONE_SURROGATE = "A string must not contain one half of a surrogate pair.";

/** The state of one pass. */
type Scan = {
  readonly text: string;
  readonly limits: ScanLimits;
  readonly frames: Frame[];
  members: number;
};

/** Scans the text. Answers the first thing to refuse, else whether a number stands anywhere in the document. */
export function scanJson(text: string, limits: ScanLimits): ScanRefusal | { readonly hasNumbers: boolean } {
  const scan: Scan = { text, limits, frames: [], members: 0 };
  let frame: Frame | undefined;
  let hasNumbers = false;
  let refusal: ScanRefusal | null = null;
  for (let i = 0; i < text.length && !refusal; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = endOfString(text, i + 1);
      if (typeof end === "string") refusal = { message: end, ...pathOf(scan) };
      else {
        if (frame?.expectsName) refusal = takeName(scan, frame, text.slice(i + 1, end));
        i = end;
      }
    } else if (code === COMMA) {
      if (frame?.names) frame.expectsName = true;
      else if (frame) refusal = takeElement(scan, frame);
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      frame = { names: code === OPEN_OBJECT ? [] : null, nameSet: null, expectsName: code === OPEN_OBJECT, index: -1 };
      scan.frames.push(frame);
      if (scan.frames.length > limits.depthMax) refusal = { message: `The body must not be nested deeper than ${limits.depthMax} levels.` };
      else if (code === OPEN_ARRAY) refusal = takeElement(scan, frame);
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      scan.frames.pop();
      frame = scan.frames.at(-1);
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      hasNumbers = true;
    }
  }
  return refusal ?? { hasNumbers };
}

/** The place of the closing quote, or what is wrong before it. A string that never closes ends with the text. */
function endOfString(text: string, start: number): number | string {
  let i = start;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code !== BACKSLASH) i += 1;
    else if (text.charCodeAt(i + 1) !== LOWER_U) i += 2;
    else {
      const unit = escapedUnit(text, i);
      if (unit === 0) return NUL_IN_STRING;
      const isHigh = unit >= 0xd800 && unit <= 0xdbff;
      // Only an escape can write half a pair: the text itself came from valid UTF-8.
      if (isHigh && !isLow(escapedUnit(text, i + 6))) return LONE_SURROGATE;
      if (isLow(unit)) return LONE_SURROGATE;
      i += isHigh ? 12 : 6;
    }
  }
  return i;
}

/** The code unit of the escape at `i`; NaN when there is none. */
function escapedUnit(text: string, i: number): number {
  const hex = text.slice(i + 2, i + 6);
  const isEscape = text.charCodeAt(i) === BACKSLASH && text.charCodeAt(i + 1) === LOWER_U;
  return isEscape && /^[0-9a-fA-F]{4}$/.test(hex) ? Number.parseInt(hex, 16) : Number.NaN;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function takeName(scan: Scan, frame: Frame, raw: string): ScanRefusal | null {
  const names = frame.names ?? [];
  const name = raw.includes("\\") ? unescapeName(raw) : raw;
  const isKnown = frame.nameSet ? frame.nameSet.has(name) : names.includes(name);
  frame.expectsName = false;
  names.push(name);
  if (frame.nameSet) frame.nameSet.add(name);
  else if (names.length > NAMES_COMPARED_MAX) frame.nameSet = new Set(names);
  if (isKnown) return { message: "The member stands twice in its object.", ...pathOf(scan) };
  // As an own property it does nothing, but one careless copy later it would set a prototype.
  if (name === "__proto__") return { message: "The name __proto__ is not allowed.", ...pathOf(scan) };
  return count(scan);
}

function takeElement(scan: Scan, frame: Frame): ScanRefusal | null {
  frame.index += 1;
  return count(scan);
}

function count(scan: Scan): ScanRefusal | null {
  scan.members += 1;
  if (scan.members <= scan.limits.membersMax) return null;
  return { message: `The body must not have more than ${scan.limits.membersMax} members and elements.` };
}

function unescapeName(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw; // No JSON: JSON.parse will say so of the whole text.
  }
}

/** Where the pass stands; nothing at the root. */
function pathOf(scan: Scan): { path?: string } {
  const steps = scan.frames.flatMap((frame) => (frame.names ? frame.names.slice(-1) : [String(frame.index)]));
  return steps.length > 0 ? { path: steps.join(".") } : {};
}
