import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openRemoteKeys, type RemoteKeys, type RemoteKeysOptions, staticKeys } from "./key-set.ts";
import { StartupError } from "./startup-error.ts";
import { createTokenVerifier } from "./token-verifier.ts";

type Json = Record<string, unknown>;
const pairOf = { a: generateKeyPairSync("ed25519"), b: generateKeyPairSync("ed25519"), c: generateKeyPairSync("ed25519") };
const jwk = (pair: { publicKey: KeyObject }, more: Json = {}): Json => ({ ...pair.publicKey.export({ format: "jwk" }), ...more });
const A = jwk(pairOf.a, { kid: "a", use: "sig", alg: "EdDSA" });
const B = jwk(pairOf.b, { kid: "b", use: "sig", alg: "EdDSA" });

let server: Server;
let url: string;
/** What the key set's server does at the moment. */
let answer: (response: ServerResponse, request: IncomingMessage) => void;
let requests: number;
let faults: string[];
/** Milliseconds on the clock that rations the fetches for unknown kids. */
let now: number;
const opened: RemoteKeys[] = [];

const sendJson = (body: unknown) => (response: ServerResponse) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
};

beforeEach(async () => {
  [requests, faults, now] = [0, [], 0];
  answer = sendJson({ keys: [A] });
  server = await listen((request, response) => {
    requests++;
    answer(response, request);
  });
  url = addressOf(server);
});

afterEach(async () => {
  for (const keys of opened.splice(0)) keys.close();
  await stop(server);
});

async function listen(handle: RequestListener): Promise<Server> {
  const started = createServer(handle);
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return started;
}

async function stop(running: Server): Promise<void> {
  running.closeAllConnections();
  await new Promise((resolve) => running.close(resolve));
}

const addressOf = (running: Server) => `http://127.0.0.1:${(running.address() as AddressInfo).port}/keys`;

async function openKeys(timings: RemoteKeysOptions["timings"] = {}): Promise<RemoteKeys> {
  const keys = await openRemoteKeys({
    url,
    onFault: (fault) => faults.push(fault),
    clock: () => now,
    timings,
  });
  opened.push(keys);
  return keys;
}

async function kidsOf(keys: RemoteKeys): Promise<(string | null)[]> {
  const found = [await keys.find("a"), await keys.find("b"), await keys.find("c")];
  return found.flatMap((key) => (key ? [key.kid] : []));
}

describe("a key set in good health", () => {
  test("offers its keys after opening, with one fetch", async () => {
    const keys = await openKeys();
    expect((await keys.find("a"))?.algorithm).toBe("Ed25519");
    expect(requests).toBe(1);
    expect(faults).toEqual([]);
  });

  test("a new key is found at its first use", async () => {
    const keys = await openKeys();
    answer = sendJson({ keys: [A, B] });
    expect((await keys.find("b"))?.kid).toBe("b");
    expect(requests).toBe(2);
  });

  test("unknown kids cause at most one fetch a minute, and known ones none", async () => {
    const keys = await openKeys();
    for (let n = 0; n < 200; n++) expect(await keys.find(`nobody-${n}`)).toBeUndefined();
    expect(requests).toBe(2);
    now = 59_999;
    await keys.find("nobody");
    await keys.find("a");
    expect(requests).toBe(2);
    now = 60_000;
    await keys.find("nobody");
    expect(requests).toBe(3);
  });

  test("everybody who asks during a fetch waits for the same one", async () => {
    const keys = await openKeys();
    const held: ServerResponse[] = [];
    answer = (response) => held.push(response);
    const asking = Array.from({ length: 50 }, () => keys.find("b"));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const late = keys.find("b");
    for (const response of held) sendJson({ keys: [A, B] })(response);
    for (const key of await Promise.all([...asking, late])) expect(key?.kid).toBe("b");
    expect(requests).toBe(2);
  });

  test("a key that left is not trusted any more; one that stayed is the same", async () => {
    answer = sendJson({ keys: [A, B] });
    const keys = await openKeys();
    const [a, b] = [await keys.find("a"), await keys.find("b")];
    if (!a || !b) throw new Error("keys missing");
    answer = sendJson({ keys: [B] });
    await keys.refresh();
    expect([keys.trusts(a), keys.trusts(b)]).toEqual([false, true]);
    expect(await keys.find("a")).toBeUndefined();
  });

  test("another key under an old name is another key", async () => {
    const keys = await openKeys();
    const before = await keys.find("a");
    if (!before) throw new Error("key missing");
    answer = sendJson({ keys: [{ ...B, kid: "a" }] });
    await keys.refresh();
    expect(keys.trusts(before)).toBe(false);
    expect((await keys.find("a"))?.fingerprint).not.toBe(before.fingerprint);
  });

  test("a set that is empty is taken at its word: the issuer has withdrawn every key", async () => {
    const keys = await openKeys();
    answer = sendJson({ keys: [] });
    await keys.refresh();
    expect(await kidsOf(keys)).toEqual([]);
  });

  test("the background notices a removed key without being asked, and stops when closed", async () => {
    const keys = await openKeys({ refreshInterval: 5 });
    const a = await keys.find("a");
    if (!a) throw new Error("key missing");
    answer = sendJson({ keys: [B] });
    await vi.waitFor(() => expect(keys.trusts(a)).toBe(false));
    keys.close();
    expect(await kidsOf(keys)).toEqual(["b"]);
  });

  test("closing during a fetch lets that one end and begins no other", async () => {
    const keys = await openKeys({ refreshInterval: 1 });
    const held: ServerResponse[] = [];
    answer = (response, request) => (request.url === "/keys" ? held.push(response) : response.end());
    await vi.waitFor(() => expect(held).toHaveLength(1));
    keys.close();
    for (const response of held) sendJson({ keys: [B] })(response);
    await vi.waitFor(async () => expect(await keys.find("b")).toBeDefined());
    // Other calls to the same server pass the time in which the next fetch would come.
    for (let n = 0; n < 20; n++) await fetch(`${url}?other`);
    expect(held).toHaveLength(1);
  });
});

const BLANKS_PACKED = gzipSync(Buffer.alloc(20_000_000, 0x20));

/** Every way of being sick, and the words of the fault that names it. */
const SICK: Record<string, [(response: ServerResponse) => void, RegExp]> = {
  "status 500": [(response) => void response.writeHead(500, { "content-type": "application/json" }).end('{"keys":[]}'), /status 500/],
  "an empty answer": [(response) => void response.writeHead(204).end(), /status 204/],
  "a web page": [(response) => void response.writeHead(200, { "content-type": "text/html" }).end('{"keys":[]}'), /not a JSON document/],
  "no type": [(response) => void response.writeHead(200).end('{"keys":[]}'), /not a JSON document/],
  "half a document": [
    (response) => void response.writeHead(200, { "content-type": "application/json" }).end('{"keys":['),
    /not valid JSON/,
  ],
  "duplicate members": [
    (response) => void response.writeHead(200, { "content-type": "application/json" }).end('{"keys":[],"keys":[]}'),
    /not valid JSON/,
  ],
  "something else": [sendJson([A]), /not a key set/],
  "keys that are no list": [sendJson({ keys: { a: A } }), /not a key set/],
  "more than 100 keys": [sendJson({ keys: Array.from({ length: 101 }, (_, n) => ({ ...A, kid: `k${n}` })) }), /more than 100/],
  "one kid twice": [sendJson({ keys: [A, { ...B, kid: "a" }] }), /kid twice/],
  "a connection that breaks": [(response) => void response.socket?.destroy(), /not refreshed/],
  "a body that breaks off": [
    (response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" }).write('{"keys":[');
      setImmediate(() => response.socket?.destroy());
    },
    /not refreshed/,
  ],
  "no answer": [() => {}, /not refreshed.*timeout/i],
  "a body that never ends, slowly": [
    (response) => {
      response.writeHead(200, { "content-type": "application/json" }).write("[");
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    },
    /not refreshed.*timeout/i,
  ],
  "a body that never ends, fast": [
    (response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = () => {
        while (response.write(" ".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    },
    /longer than 262144 bytes/,
  ],
  "a small body that unpacks to a huge one": [
    (response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(BLANKS_PACKED);
    },
    /longer than 262144 bytes/,
  ],
};

describe("a key set that is sick", () => {
  test.for(Object.entries(SICK))("%s: the keys learned before go on serving", async ([, [behaviour, words]]) => {
    // The product's own time-out, but where waiting for it is the test.
    const keys = await openKeys(words.source.includes("timeout") ? { fetchTimeout: 500 } : {});
    const before = await keys.find("a");
    if (!before) throw new Error("key missing");
    answer = behaviour;
    await keys.refresh();
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(words);
    expect(keys.trusts(before)).toBe(true);
    expect(await keys.find("a")).toBe(before);
  });

  test("a redirect is not followed, wherever it leads", async () => {
    let reached = 0;
    const elsewhere = await listen((_request, response) => {
      reached++;
      sendJson({ keys: [B] })(response);
    });
    try {
      const keys = await openKeys();
      for (const status of [301, 302, 303, 307, 308]) {
        answer = (response) => void response.writeHead(status, { location: addressOf(elsewhere) }).end();
        await keys.refresh();
      }
      expect(faults).toHaveLength(5);
      expect(await kidsOf(keys)).toEqual(["a"]);
      expect(reached).toBe(0);
    } finally {
      await stop(elsewhere);
    }
  });

  test("when it cannot be reached at the start nobody is let in, until it can", async () => {
    answer = (response) => void response.socket?.destroy();
    const keys = await openKeys({ firstRetryInterval: 5 });
    expect(await keys.find("a")).toBeUndefined();
    answer = sendJson({ keys: [A] });
    await vi.waitFor(async () => expect(await kidsOf(keys)).toEqual(["a"]));
  });

  test("looking up known keys does not wait for a fetch that hangs", async () => {
    const keys = await openKeys({ fetchTimeout: 60_000 });
    answer = () => {};
    const hanging = keys.refresh();
    expect(keys.find("a")).toHaveProperty("kid", "a"); // a key, not a promise of one
    await vi.waitFor(() => expect(requests).toBe(2));
    server.closeAllConnections();
    await hanging;
  });
});

describe("what is taken from a key set", () => {
  const left = async (...entries: unknown[]) => {
    answer = sendJson({ keys: [...entries, B] });
    const keys = await openKeys();
    expect((await keys.find("b"))?.kid).toBe("b");
    for (const entry of entries) expect(await keys.find((entry as Json | null)?.["kid"] as string)).toBeUndefined();
    // Each is named once, though looking for them has fetched the set again.
    expect(requests).toBe(2);
    expect(faults.filter((fault) => fault.startsWith("key set: left out"))).toHaveLength(entries.length);
    expect(faults).toHaveLength(entries.length);
  };

  test("secret keys, private keys and keys for encryption are left out", async () => {
    await left(
      { kty: "oct", k: "c2VjcmV0", kid: "a", alg: "HS256" },
      { ...A, alg: "HS256" },
      { ...pairOf.a.privateKey.export({ format: "jwk" }), kid: "private" },
      { ...A, kid: "enc", use: "enc" },
      { ...A, kid: "use", use: null },
      { ...A, kid: "ops", key_ops: ["encrypt"] },
      jwk(generateKeyPairSync("x25519"), { kid: "x25519" }),
    );
  });

  test("keys that are malformed, weak or of another kind are left out", async () => {
    const rsa = jwk(generateKeyPairSync("rsa", { modulusLength: 2048 }));
    await left(
      { ...A, kid: "short", x: "AAAA" },
      { ...A, kid: "none", alg: "none" },
      { ...A, kid: "mixed", alg: "ES256" },
      { ...jwk(generateKeyPairSync("ec", { namedCurve: "P-256" })), kid: "off-curve", x: "A".repeat(43) },
      { ...jwk(generateKeyPairSync("ec", { namedCurve: "P-256" })), kid: "wrong-curve", crv: "P-384" },
      jwk(generateKeyPairSync("ec", { namedCurve: "secp256k1" }), { kid: "koblitz" }),
      jwk(generateKeyPairSync("rsa", { modulusLength: 1024 }), { kid: "rsa-1024" }),
      { ...rsa, kid: "rsa-exponent-1", e: "AQ" },
      { ...rsa, kid: "rsa-exponent-even", e: "AQAA" },
      { ...rsa, kid: "rsa-exponent-huge", e: "_".repeat(340) },
      { ...rsa, kid: "rsa-modulus-huge", n: "_".repeat(8000) },
      { ...rsa, kid: "rsa-ec", alg: "ES256" },
      { kid: "nothing" },
      { ...A, kid: "x".repeat(201) },
      { ...A, kid: 7 },
      "text",
      null,
    );
  });

  test("fixed keys must all be public signing keys", async () => {
    await expect(staticKeys({ keys: [A, { kty: "oct", k: "c2VjcmV0" }] })).rejects.toThrow(/not a public key/);
    expect((await (await staticKeys({ keys: [A] })).find(null))?.kid).toBe("a");
  });
});

describe("the address of a key set", () => {
  const refused = [
    "",
    "keys",
    "ftp://issuer.example/keys",
    "file:///etc/passwd",
    "http://issuer.example/keys",
    "http://127.0.0.1.example/keys",
  ];
  refused.push(
    "http://localhost.example/keys",
    "https://user:secret@issuer.example/keys",
    "http://10.0.0.1/keys",
    "data:application/json,{}",
  );
  test.for(refused)("%s is refused at start", async (address) => {
    await expect(openRemoteKeys({ url: address })).rejects.toThrow(StartupError);
  });
});

// AN-4 and AN-13, through the verifier
test("an outage of the issuer shuts nobody out and lets nobody in, and rotation takes effect at once", async () => {
  let seconds = 1_800_000_000;
  const keys = await openKeys();
  const verify = createTokenVerifier({ issuer: "i", audience: "finlego", keys, clock: () => seconds * 1000 });
  const mint = (kid: "a" | "b" | "c", sub = "core") => {
    const data = [
      { alg: "EdDSA", kid },
      { iss: "i", aud: "finlego", sub, exp: seconds + 600 },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
    return `Bearer ${data.join(".")}.${sign(null, Buffer.from(data.join(".")), pairOf[kid].privateKey).toString("base64url")}`;
  };
  const old = mint("a");
  expect(await verify(old)).toHaveProperty("kind");

  answer = (response) => void response.socket?.destroy();
  expect(await verify(old)).toHaveProperty("kind");
  expect(await verify(mint("a", "another"))).toHaveProperty("kind");
  expect(await verify(mint("b"))).toHaveProperty("fault");

  answer = sendJson({ keys: [B] });
  now = 60_000;
  expect(await verify(mint("b"))).toHaveProperty("kind");
  expect(await verify(old)).toHaveProperty("fault"); // remembered, but its key is gone
  expect(await verify(mint("a"))).toHaveProperty("fault");
  expect(await verify(mint("c"))).toHaveProperty("fault");
  expect(requests).toBe(3);

  seconds += 700;
  expect(await verify(mint("b"))).toHaveProperty("kind");
});
