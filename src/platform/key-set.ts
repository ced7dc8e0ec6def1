// The issuer's public keys: from its key set on the network, or given. Promises: whatever the issuer's server does - slow,
// huge, redirecting, malicious, down - a look-up is bounded in time and memory, keys once learned go on serving, and nothing
// is ever trusted because the server could not be asked. What a token says never decides where we connect to.

import { parseJson } from "./json.ts";
import { StartupError } from "./startup-error.ts";
import { readVerificationKey, type VerificationKey } from "./verification-key.ts";

/** Where a verifier finds the key of a token. */
export type KeySource = {
  /** The key for a token's kid; null, a token without one, finds the only key of a set of one. May wait for a refresh. */
  find(kid: string | null): VerificationKey | undefined | Promise<VerificationKey | undefined>;
  /** Whether the key is (still) in the set. A key that left makes tokens already verified with it worthless at once. */
  trusts(key: VerificationKey): boolean;
};

/** A key set on the network. `close` ends its refreshing; keys already learned stay. */
export type RemoteKeys = KeySource & { refresh(): Promise<void>; close(): void };

export type RemoteKeysOptions = {
  readonly url: string;
  /** Told of every refresh that failed, and once of every key left out; sentences without secrets. */
  readonly onFault?: (fault: string) => void;
  /** For tests; milliseconds. */
  readonly timings?: Partial<Timings>;
  /** Milliseconds that never run backwards. */
  readonly clock?: () => number;
};

const TIMINGS = {
  /** One fetch, from connecting to the last byte. */
  fetchTimeout: 3_000,
  /** With the time-out this keeps a removed key from working for more than a minute. */
  refreshInterval: 50_000,
  /** Until the first set has been learned nobody can be let in: ask again soon. */
  firstRetryInterval: 5_000,
  /** An unknown kid may be a new key or nonsense: nonsense must not turn us into a hammer. */
  unknownKidInterval: 60_000,
};
type Timings = typeof TIMINGS;

const BODY_BYTES_MAX = 256 * 1024;
const KEYS_MAX = 100;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json(?:\s*;|$)/i;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

type KeyMap = ReadonlyMap<string | null, VerificationKey>;

/** Fixed keys, as a JSON Web Key Set. Throws when one of them is not a public signing key. */
export async function staticKeys(jwks: { readonly keys: readonly unknown[] }): Promise<KeySource> {
  const { keys, faults } = await readKeySet(jwks);
  if (faults.length > 0) throw new Error(faults.join("; "));
  return { find: (kid) => findKey(keys, kid), trusts: (key) => keys.get(key.kid) === key };
}

/**
 * Keys from `url`, refreshed in the background. The first fetch is awaited, but its failure is not an error: until a later
 * one succeeds no token is accepted. Throws StartupError for a URL that would carry keys in the clear.
 */
export async function openRemoteKeys(options: RemoteKeysOptions): Promise<RemoteKeys> {
  const url = readUrl(options.url);
  const { onFault = () => {}, clock = () => performance.now() } = options;
  const timings = { ...TIMINGS, ...options.timings };
  let keys: KeyMap | null = null;
  let leftOut: readonly string[] = [];
  let running: Promise<void> | null = null;
  let askedForUnknownAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function learn(): Promise<void> {
    try {
      const { keys: learned, faults } = await readKeySet(await fetchDocument(url, timings.fetchTimeout));
      // Said once, not at every refresh.
      for (const fault of faults) if (!leftOut.includes(fault)) onFault(`key set: left out, ${fault}`);
      leftOut = faults;
      keys = keepEqualKeys(keys, learned);
    } catch (error) {
      onFault(`key set not refreshed, known keys go on: ${error instanceof Error ? error.message : "unknown"}`);
    }
  }

  /** One fetch at a time; whoever asks meanwhile waits for the same one. */
  function refresh(): Promise<void> {
    running ??= learn().finally(() => {
      running = null;
    });
    return running;
  }

  function schedule(): void {
    if (closed) return;
    timer = setTimeout(() => void refresh().then(schedule), keys ? timings.refreshInterval : timings.firstRetryInterval);
    timer.unref();
  }

  async function findAfterRefresh(kid: string | null): Promise<VerificationKey | undefined> {
    if (!running) {
      const now = clock();
      if (now - askedForUnknownAt < timings.unknownKidInterval) return undefined;
      askedForUnknownAt = now;
    }
    await refresh();
    return findKey(keys, kid);
  }

  await refresh();
  schedule();
  return {
    find: (kid) => findKey(keys, kid) ?? findAfterRefresh(kid),
    trusts: (key) => keys?.get(key.kid) === key,
    refresh,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function findKey(keys: KeyMap | null, kid: string | null): VerificationKey | undefined {
  if (keys === null) return undefined;
  if (kid !== null) return keys.get(kid);
  const [only, ...others] = keys.values();
  return others.length === 0 ? only : undefined;
}

/** An unchanged key stays the same object, so that tokens verified with it need not be verified again. */
function keepEqualKeys(before: KeyMap | null, after: KeyMap): KeyMap {
  const kept = new Map<string | null, VerificationKey>();
  for (const [kid, key] of after) {
    const known = before?.get(kid);
    kept.set(kid, known?.fingerprint === key.fingerprint ? known : key);
  }
  return kept;
}

/**
 * Reads a key set. Keys of kinds we do not use are left out; a set that is malformed, too long or names one kid twice is
 * refused as a whole. An empty set is taken at its word: the issuer has withdrawn every key.
 */
async function readKeySet(document: unknown): Promise<{ keys: KeyMap; faults: string[] }> {
  const entries = typeof document === "object" && document !== null && "keys" in document ? document.keys : undefined;
  if (!Array.isArray(entries)) throw new Error("the document is not a key set");
  if (entries.length > KEYS_MAX) throw new Error(`the key set has more than ${KEYS_MAX} keys`);
  const keys = new Map<string | null, VerificationKey>();
  const faults: string[] = [];
  for (const entry of entries) {
    const key = await readVerificationKey(entry);
    if ("fault" in key) {
      faults.push(key.fault);
      continue;
    }
    if (keys.has(key.kid)) throw new Error("the key set names a kid twice");
    keys.set(key.kid, key);
  }
  return { keys, faults };
}

async function fetchDocument(url: URL, timeoutMs: number): Promise<unknown> {
  // A redirect could lead into our own network: it is an error, not followed. The signal also bounds the reading of the body.
  const response = await fetch(url, { redirect: "error", headers: { accept: "application/json" }, signal: AbortSignal.timeout(timeoutMs) });
  const type = response.headers.get("content-type") ?? "";
  if (response.status !== 200 || !JSON_TYPE.test(type) || !response.body) {
    await response.body?.cancel();
    throw new Error(`the answer has status ${response.status} and is not a JSON document`);
  }
  const body: AsyncIterable<Uint8Array> = response.body;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Counted after decompression. Throwing inside the loop also closes the connection.
    if (size > BODY_BYTES_MAX) throw new Error(`the key set is longer than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const parsed = parseJson(Buffer.concat(chunks));
  if (!("value" in parsed)) throw new Error("the key set is not valid JSON");
  return parsed.value;
}

function readUrl(text: string): URL {
  const url = URL.parse(text);
  const inTheClear = url?.protocol === "http:" && LOOPBACK.test(url.hostname);
  if (!url || url.username !== "" || url.password !== "" || (url.protocol !== "https:" && !inTheClear)) {
    throw new StartupError("The key set's address must be an https URL without a password in it (http only to this machine).");
  }
  return url;
}
