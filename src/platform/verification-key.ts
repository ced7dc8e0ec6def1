// One public key that tokens may be signed with, made from an entry of a JSON Web Key Set (RFC 7517). Everything else in a
// set - secret keys, private keys, keys for encryption, weak keys - is left out, each with a sentence for the log.

import { importJWK, type CryptoKey, type JWK } from "jose";
import { isKeyId, signingAlgorithm, type SigningAlgorithm } from "./bearer-token.ts";

/** A public key bound to exactly one algorithm (RFC 8725, 3.1): a token that names another one does not fit it. */
export type VerificationKey = {
  readonly kid: string | null;
  readonly algorithm: SigningAlgorithm;
  readonly key: CryptoKey;
  /** Equal for equal keys: shows at a refresh which keys are still the same. */
  readonly fingerprint: string;
};

// A set that states no `alg` leaves it to the curve; with RSA it means RS256, which is what such issuers sign with.
const ALGORITHM_OF_CURVE: ReadonlyMap<unknown, SigningAlgorithm> = new Map<string, SigningAlgorithm>([
  ["Ed25519", "Ed25519"],
  ["P-256", "ES256"],
  ["P-384", "ES384"],
  ["P-521", "ES512"],
]);

const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const RSA_BITS_MIN = 2048;
// Above this one verification takes milliseconds, and a set could slow us down by its keys alone.
const RSA_BITS_MAX = 8192;
const RSA_EXPONENT_BYTES_MAX = 4;

/** Reads one entry of a key set; the fault says why it is not a key we verify with. Never throws. */
export async function readVerificationKey(entry: unknown): Promise<VerificationKey | { readonly fault: string }> {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return { fault: "a key is not an object" };
  const jwk = new Map<string, unknown>(Object.entries(entry));
  const kid = jwk.get("kid") ?? null;
  if (kid !== null && !isKeyId(kid)) return { fault: "a key has a kid that is not 1 to 200 printable characters" };
  const name = kid === null ? "the key without kid" : `the key ${kid}`;
  if (PRIVATE_MEMBERS.some((member) => jwk.has(member))) return { fault: `${name} is not a public key` };
  if (jwk.has("use") && jwk.get("use") !== "sig") return { fault: `${name} is not for signatures` };
  const operations = jwk.get("key_ops");
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify")))
    return { fault: `${name} is not for signatures` };
  const algorithm = algorithmOf(jwk);
  if (!algorithm) return { fault: `${name} is of a kind that is not allowed` };

  const material: Record<string, unknown> = {};
  for (const member of ["kty", "crv", "x", "y", "n", "e"]) if (jwk.has(member)) material[member] = jwk.get(member);
  try {
    const key = await importJWK(material as JWK, algorithm);
    if (key instanceof Uint8Array || key.type !== "public") return { fault: `${name} is not a public key` };
    if (!isSound(key)) return { fault: `${name} is too short, too long or has an unusual exponent` };
    return { kid, algorithm, key, fingerprint: JSON.stringify([kid, algorithm, material]) };
  } catch {
    return { fault: `${name} is malformed` };
  }
}

function algorithmOf(jwk: ReadonlyMap<string, unknown>): SigningAlgorithm | undefined {
  const ofCurve = ALGORITHM_OF_CURVE.get(jwk.get("crv"));
  if (jwk.get("kty") !== "RSA") {
    if (jwk.get("kty") !== (ofCurve === "Ed25519" ? "OKP" : "EC")) return undefined;
    return !jwk.has("alg") || signingAlgorithm(jwk.get("alg")) === ofCurve ? ofCurve : undefined;
  }
  const stated = jwk.has("alg") ? signingAlgorithm(jwk.get("alg")) : "RS256";
  return stated && /^[RP]S/.test(stated) ? stated : undefined;
}

function isSound(key: CryptoKey): boolean {
  const { modulusLength, publicExponent } = key.algorithm as { modulusLength?: number; publicExponent?: Uint8Array };
  if (modulusLength === undefined || publicExponent === undefined) return true;
  const exponentIsOdd = ((publicExponent.at(-1) ?? 0) & 1) === 1;
  const exponentIsOne = publicExponent.length === 1 && publicExponent[0] === 1;
  return (
    modulusLength >= RSA_BITS_MIN &&
    modulusLength <= RSA_BITS_MAX &&
    publicExponent.length <= RSA_EXPONENT_BYTES_MAX &&
    exponentIsOdd &&
    !exponentIsOne
  );
}
