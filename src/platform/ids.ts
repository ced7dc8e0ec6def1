// Identifiers: time-ordered UUIDs (version 7, RFC 9562), so that rows born together lie together in an index. A payment's id ends in
// a zero byte, and the ids of its lines' two sides are the same id with that byte filled: they need no storage and no look-up.
// Pure: clock and randomness are given.

/** An id that names one kind of thing. At runtime it is a lower-case UUID. */
export type Id<Noun extends string> = string & { readonly __id: Noun };

/** The two sides of a payment line. */
export type Side = "debit" | "credit";

/** Lines that a payment may have (contract section 5.7); the last byte of an id has room for more. */
export const PAYMENT_LINES_MAX = 50;

const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/** Whether the text is a UUID with hyphens, of any version and letter case. */
export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}

/** A version 7 UUID of that millisecond (Unix time). `random` gives the 74 other bits: 10 bytes. */
export function uuidV7(atMs: number, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError("A UUID needs 10 random bytes.");
  return timePart(atMs) + tail(((byte(random, 0) << 8) | byte(random, 1)) & 0xfff, random, 2);
}

/**
 * A source of version 7 UUIDs that only ever rise, also when the clock stands or falls back: ids of one millisecond count upwards
 * from a random start, and when the count is used up the next millisecond is borrowed (RFC 9562, section 6.2, methods 1 and 4).
 * 62 bits of each id are random beside that.
 */
export function createIdSource(clock: () => number, randomBytes: (size: number) => Uint8Array): () => string {
  let pool = randomBytes(POOL_BYTES);
  let used = 0;
  let lastMs = -1;
  let prefix = "";
  let count = 0;
  return () => {
    if (used + BYTES_PER_ID > POOL_BYTES) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    const now = clock();
    count += 1;
    if (now > lastMs || count > COUNT_MAX) {
      lastMs = Math.max(now, lastMs + 1);
      prefix = timePart(lastMs);
      // The upper half of the range stays free for counting.
      count = ((byte(pool, used) << 8) | byte(pool, used + 1)) & (COUNT_MAX >> 1);
    }
    const id = prefix + tail(count, pool, used + 2);
    used += BYTES_PER_ID;
    return id;
  };
}

/** Makes a payment's id of a fresh UUID: its last byte becomes 00. Still unique, 54 of its bits are random. */
export function toPaymentId(uuid: string): Id<"payment"> {
  return `${uuid.slice(0, 34).toLowerCase()}00` as Id<"payment">;
}

/** The id of one side of a payment's line (TransactionDto): the payment's id with the last byte 2 x lineNo, plus 1 for credit. */
export function transactionId(paymentId: string, lineNo: number, side: Side): Id<"transaction"> {
  if (!Number.isInteger(lineNo) || lineNo < 1 || lineNo > PAYMENT_LINES_MAX) throw new RangeError(`No payment has a line ${lineNo}.`);
  return `${paymentId.slice(0, 34)}${hex(2 * lineNo + (side === "credit" ? 1 : 0))}` as Id<"transaction">;
}

/** Takes a transaction's id apart; null for a text that cannot be one, a payment's own id among them. */
export function parseTransactionId(
  text: string,
): { readonly paymentId: Id<"payment">; readonly lineNo: number; readonly side: Side } | null {
  if (!isUuid(text)) return null;
  const last = Number.parseInt(text.slice(34), 16);
  const lineNo = last >> 1;
  if (lineNo < 1 || lineNo > PAYMENT_LINES_MAX) return null;
  return { paymentId: toPaymentId(text), lineNo, side: last % 2 === 1 ? "credit" : "debit" };
}

const BYTES_PER_ID = 10;
const POOL_BYTES = 400 * BYTES_PER_ID;
const COUNT_MAX = 0xfff;

const HEX: readonly string[] = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

function hex(value: number): string {
  return HEX[value] ?? "";
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** 48 bits of milliseconds, as the first two groups. */
function timePart(atMs: number): string {
  if (!Number.isInteger(atMs) || atMs < 0 || atMs >= 2 ** 48) throw new RangeError("A time must be whole milliseconds since 1970.");
  const text = atMs.toString(16).padStart(12, "0");
  return `${text.slice(0, 8)}-${text.slice(8)}-`;
}

/** Version, 12 bits, variant, and 62 bits of the 8 bytes at `start`: the last three groups. */
function tail(twelve: number, random: Uint8Array, start: number): string {
  const r = (i: number) => hex(byte(random, start + i));
  const variant = hex((byte(random, start) & 0x3f) | 0x80);
  return `7${hex(twelve >> 4)}${(twelve & 0xf).toString(16)}-${variant}${r(1)}-${r(2)}${r(3)}${r(4)}${r(5)}${r(6)}${r(7)}`;
}
