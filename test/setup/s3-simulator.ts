// A small S3 service for tests: buckets in memory, signatures verified by a computation of its own, written after "Signature Calculations for
// the Authorization Header" (AWS S3 API reference), and the misbehaviours of the real thing on request.

import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

export type S3Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly region: string };

/** What the next requests meet, one each. `truncate`: an answer that is cut off; `stall`: one that stops in the middle; `slow`: none at all. */
export type Misbehaviour = "stall" | "error" | "slow" | "truncate" | "wrongTag" | "drop" | "redirect";

export type S3Simulator = {
  readonly url: string;
  /** Of one bucket, by key. */
  readonly objects: Map<string, { readonly body: Buffer; readonly at: Date }>;
  /** Refused signatures, and why. */
  readonly refused: string[];
  readonly requests: string[];
  /** The server side of encryption that it says it uses. */
  encryption: string | null;
  misbehave(...next: Misbehaviour[]): void;
  close(): Promise<void>;
};

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();
/** As AWS's UriEncode: all but unreserved characters. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);

export async function openS3Simulator(bucket: string, credentials: S3Credentials): Promise<S3Simulator> {
  const objects: S3Simulator["objects"] = new Map();
  const refused: string[] = [];
  const requests: string[] = [];
  const coming: Misbehaviour[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      requests.push(`${request.method} ${request.url}`);
      const fault = signatureFault(request, body, credentials);
      if (fault !== null) {
        refused.push(fault);
        return fail(response, 403, "SignatureDoesNotMatch");
      }
      const next = coming.shift();
      if (next === "slow") return undefined;
      if (next === "error") return fail(response, 500, "InternalError");
      if (next === "drop") return void request.socket.destroy();
      if (next === "redirect") return void response.writeHead(307, { location: "http://127.0.0.1:9/elsewhere" }).end();
      return answer(request, response, body, next);
    });
  });
  const simulator: Omit<S3Simulator, "url"> = {
    objects,
    refused,
    requests,
    encryption: null,
    misbehave: (...next) => void coming.push(...next),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer, next: Misbehaviour | undefined): void {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    const [, inBucket = "", ...rest] = pathname.split("/");
    const key = decodeURIComponent(rest.join("/"));
    if (inBucket !== bucket) return fail(response, 404, "NoSuchBucket");
    if (request.method === "PUT") {
      objects.set(key, { body, at: new Date() });
      const tag = next === "wrongTag" ? sha256("other").slice(0, 32) : createHash("md5").update(body).digest("hex");
      const shown = simulator.encryption === null ? {} : { "x-amz-server-side-encryption": simulator.encryption };
      return void response.writeHead(200, { etag: `"${tag}"`, ...shown }).end();
    }
    if (request.method === "DELETE") {
      objects.delete(key);
      return void response.writeHead(204).end();
    }
    if (key === "") return void response.writeHead(200, { "content-type": "application/xml" }).end(listing(objects, searchParams));
    const found = objects.get(key);
    if (found === undefined) return fail(response, 404, "NoSuchKey");
    response.writeHead(200, { "content-length": found.body.length });
    if (next !== "truncate" && next !== "stall") return void response.end(found.body);
    response.write(found.body.subarray(0, found.body.length >> 1), () => next === "truncate" && request.socket.destroy());
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return Object.assign(simulator, { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}` });
}

function listing(objects: S3Simulator["objects"], query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("start-after") ?? "";
  const most = Number(query.get("max-keys") ?? 1000);
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const shown = keys.slice(0, most).map((key) => {
    const at = objects.get(key)?.at.toISOString();
    return `<Contents><Key>${key.replaceAll("&", "&amp;")}</Key><LastModified>${at}</LastModified><Size>1</Size></Contents>`;
  });
  return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${keys.length > most}</IsTruncated>${shown.join("")}</ListBucketResult>`;
}

function fail(response: ServerResponse, status: number, code: string): void {
  response
    .writeHead(status, { "content-type": "application/xml" })
    .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret words</Message></Error>`);
}

/** Null: the request was signed with the credentials, and its body is what was signed. */
function signatureFault(request: IncomingMessage, body: Buffer, { accessKeyId, secretAccessKey, region }: S3Credentials): string | null {
  const header = request.headers.authorization ?? "";
  const [, key, day, scope, names = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/(\S+), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(header) ?? [];
  if (key !== accessKeyId || scope !== `${region}/s3/aws4_request`) return `credential ${key} ${scope}`;
  const time = String(request.headers["x-amz-date"]);
  if (!/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(day ?? "-")) return `date ${time}`;
  const signed = names.split(";");
  for (const needed of ["host", "x-amz-content-sha256", "x-amz-date"]) if (!signed.includes(needed)) return `${needed} is not signed`;
  const payload = String(request.headers["x-amz-content-sha256"]);
  if (payload !== sha256(body)) return "the body is not what was signed";
  const [path = "", search = ""] = (request.url ?? "").split("?");
  const query = [...new URLSearchParams(search)].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const canonical = [
    request.method,
    path
      .split("/")
      .map((part) => encode(decodeURIComponent(part)))
      .join("/"),
    query.join("&"),
    ...signed.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, " ")}`),
    "",
    names,
    payload,
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", time, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join("\n");
  const signingKey = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day ?? ""), region), "s3"), "aws4_request");
  return hmac(signingKey, toSign).toString("hex") === signature ? null : `signature over\n${canonical}`;
}
