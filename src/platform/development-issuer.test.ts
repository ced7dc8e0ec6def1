import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDevelopmentIssuer } from "./development-issuer.ts";
import { StartupError } from "./startup-error.ts";
import { createTokenVerifier } from "./token-verifier.ts";

const CLIENT = "0b0e7f9c-6a43-4c0e-9d0a-3f2b1c4d5e6f";
const NAMES = { issuer: "http://localhost/issuer", audience: "finlego" };
const NOW_MS = 1_800_000_000_500;

let parent: string;
let dataDir: string;
let keyFile: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "development-issuer-"));
  dataDir = join(parent, "data");
  keyFile = join(dataDir, "development-issuer.json");
});
afterEach(() => rm(parent, { recursive: true }));

const openIssuer = (mode = "development") => openDevelopmentIssuer({ dataDir, ...NAMES, mode });
const verifierOf = (issuer: Awaited<ReturnType<typeof openIssuer>>, nowMs = NOW_MS) =>
  createTokenVerifier({ ...NAMES, keys: issuer.keys, clock: () => nowMs });

test("a system token carries its scopes, tenant and subject", async () => {
  const issuer = await openIssuer();
  const token = await issuer.mint({ audience: "system", scope: "ledger.read ledger.write", tenant: "acme", subject: "core" }, NOW_MS);
  expect(await verifierOf(issuer)(`Bearer ${token}`)).toEqual({
    kind: "system",
    subject: "core",
    scopes: new Set(["ledger.read", "ledger.write"]),
    tenant: "acme",
  });
});

test("a front-office token speaks for its client, who is also its subject unless another is named", async () => {
  const issuer = await openIssuer();
  const token = await issuer.mint({ audience: "frontOffice", clientId: CLIENT }, NOW_MS);
  expect(await verifierOf(issuer)(`Bearer ${token}`)).toEqual({ kind: "client", subject: CLIENT, clientId: CLIENT, tenant: null });
});

test("a client's id makes no end user of a system, and no token is signed for an end user without one", async () => {
  const issuer = await openIssuer();
  const token = await issuer.mint({ audience: "system", clientId: CLIENT }, NOW_MS);
  expect(await verifierOf(issuer)(`Bearer ${token}`)).toHaveProperty("kind", "system");
  await expect(issuer.mint({ audience: "frontOffice" }, NOW_MS)).rejects.toThrow("needs a client");
});

test("a token lives an hour, or as long as asked", async () => {
  const issuer = await openIssuer();
  const verifyAt = async (token: string, seconds: number) =>
    "kind" in (await verifierOf(issuer, NOW_MS + seconds * 1000)(`Bearer ${token}`));
  const hour = await issuer.mint({ audience: "system", scope: "" }, NOW_MS);
  expect([await verifyAt(hour, 3600), await verifyAt(hour, 3610)]).toEqual([true, false]);
  const minute = await issuer.mint({ audience: "system", scope: "", expiresInSeconds: 60 }, NOW_MS);
  expect([await verifyAt(minute, 60), await verifyAt(minute, 70)]).toEqual([true, false]);
});

test("the key is kept: tokens of an earlier start go on working", async () => {
  const before = await openIssuer();
  const token = await before.mint({ audience: "system", scope: "" }, NOW_MS);
  expect(await verifierOf(await openIssuer())(`Bearer ${token}`)).toHaveProperty("kind", "system");
});

test("the key of another installation is not ours", async () => {
  const token = await (await openIssuer()).mint({ audience: "system", scope: "" }, NOW_MS);
  const other = await openDevelopmentIssuer({ dataDir: join(parent, "other"), ...NAMES, mode: "development" });
  expect(await verifierOf(other)(`Bearer ${token}`)).toHaveProperty("fault");
});

test("folder and key are for their owner alone, and nothing else is left behind", async () => {
  await openIssuer();
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  expect(await readdir(dataDir)).toEqual(["development-issuer.json"]);
});

test("processes that start at once share one key", async () => {
  const program = `
    import { openDevelopmentIssuer } from ${JSON.stringify(new URL("development-issuer.ts", import.meta.url).href)};
    const issuer = await openDevelopmentIssuer(${JSON.stringify({ dataDir, ...NAMES, mode: "development" })});
    process.stdout.write(await issuer.mint({ audience: "system", scope: "" }, ${NOW_MS}));`;
  const start = () => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  const processes = await Promise.all([start(), start(), start(), start()]);
  const verify = verifierOf(await openIssuer());
  for (const { stdout } of processes) expect(await verify(`Bearer ${stdout}`)).toHaveProperty("kind", "system");
  expect(await readdir(dataDir)).toEqual(["development-issuer.json"]);
});

test("issuers opened at once in one process share one key, time after time", async () => {
  for (let round = 0; round < 20; round++) {
    await rm(keyFile, { force: true });
    const issuers = await Promise.all(Array.from({ length: 10 }, () => openIssuer()));
    const fingerprints = await Promise.all(issuers.map(async ({ keys }) => (await keys.find(null))?.fingerprint));
    expect(new Set(fingerprints).size).toBe(1);
  }
});

test("it does not open in production mode, and leaves no key there", async () => {
  await expect(openIssuer("production")).rejects.toThrow(StartupError);
  await expect(stat(dataDir)).rejects.toThrow("ENOENT");
});

test("a key that other users can read is refused", async () => {
  await openIssuer();
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(keyFile, mode);
    await expect(openIssuer()).rejects.toThrow(/chmod 600/);
  }
});

test("a link in the key's place is refused, though it leads to a key", async () => {
  await openIssuer();
  const elsewhere = join(parent, "elsewhere");
  await writeFile(elsewhere, await readFile(keyFile), { mode: 0o600 });
  await rm(keyFile);
  await symlink(elsewhere, keyFile);
  await expect(openIssuer()).rejects.toThrow(StartupError);
});

test("a damaged key is refused with what to do, and is not replaced in silence", async () => {
  await openIssuer();
  const whole = await readFile(keyFile, "utf8");
  const stranger = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const damages = [
    "",
    "{}",
    "null",
    "[]",
    "7",
    whole.slice(0, -20),
    JSON.stringify({ ...JSON.parse(whole), d: undefined }),
    JSON.stringify({ ...JSON.parse(whole), x: "AAAA" }),
  ];
  damages.push(
    JSON.stringify({ ...JSON.parse(whole), x: stranger.x }),
    JSON.stringify({ ...JSON.parse(whole), kid: undefined }),
    JSON.stringify({ kty: "oct", k: "c2VjcmV0", kid: "a" }),
  );
  for (const damage of damages) {
    await truncate(keyFile);
    await writeFile(keyFile, damage);
    await expect(openIssuer(), damage).rejects.toThrow(/is damaged: delete/);
    expect(await readFile(keyFile, "utf8")).toBe(damage);
  }
});

test("a folder that cannot be used is a plain sentence", async () => {
  await writeFile(join(parent, "file"), "");
  await expect(openDevelopmentIssuer({ dataDir: join(parent, "file", "data"), ...NAMES, mode: "test" })).rejects.toThrow(StartupError);
});
