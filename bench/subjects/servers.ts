// Starts the servers that are called over HTTP, each a process of its own, and says where they listen.

import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { BENCH_MASTER_KEY } from "../master-key.ts";
import type { Books } from "../servers.ts";
import { type HttpTarget, profiling } from "../subject.ts";
import type { Way } from "./hand-written.store.ts";

export type StartedServer = { readonly target: HttpTarget; readonly stop: () => Promise<void> };

const AUDIENCE = "finlego-bench";
const TOKEN_SECONDS = 12 * 3600;
const START_MAX_MS = 60_000;

/** The product as in production: `node src/server.ts` with NODE_ENV=production, tokens verified, its own connections and role. */
export async function startProductServer(books: Books, name: string): Promise<StartedServer> {
  const issuer = await startIssuer();
  const child = spawn(process.execPath, [...profiling(name), fileURLToPath(new URL("../../src/server.ts", import.meta.url))], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      NODE_ENV: "production",
      HOST: "127.0.0.1",
      PORT: "0",
      DATABASE_URL: books.appUrl,
      ...(books.appRole === null ? { DATABASE_MIGRATION_URL: books.ownerUrl } : {}),
      MASTER_KEY: BENCH_MASTER_KEY,
      AUTH_ISSUER: issuer.url,
      AUTH_AUDIENCE: AUDIENCE,
      AUTH_JWKS_URL: `${issuer.url}/jwks`,
      RATE_LIMIT_PER_MINUTE: "0",
    },
  });
  const stop = async (): Promise<void> => {
    await end(child, () => child.kill("SIGTERM"));
    issuer.stop();
  };
  try {
    const port = await findPort(child);
    return { target: { port, pid: child.pid ?? 0, api: "product", token: issuer.token }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type HandWritten = { readonly server: Books; readonly way: Way; readonly connections: number };

/** A plain server; with the hand-written transfer on so many connections, or without a database. */
export async function startPlainServer(books: HandWritten | null, name: string): Promise<StartedServer> {
  const child = fork(new URL("plain-server.ts", import.meta.url), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: profiling(name),
    env: {
      PATH: process.env["PATH"],
      NODE_ENV: "production",
      ...(books === null
        ? {}
        : {
            FINLEGO_BENCH_BOOKS: books.server.appUrl,
            FINLEGO_BENCH_WAY: books.way,
            FINLEGO_BENCH_CONNECTIONS: String(books.connections),
          }),
      ...(books?.server.appRole ? { FINLEGO_BENCH_ROLE: books.server.appRole } : {}),
    },
  });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { target: { port, pid: child.pid ?? 0, api: "plain", token: "" }, stop: () => end(child, () => child.disconnect()) };
}

async function end(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  ask();
  await gone;
}

/** The greeting names the address; everything else it says is not for the bench. */
function findPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`the server did not start: ${said}`)), START_MAX_MS);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const port = /API\s+http:\/\/127\.0\.0\.1:(\d+)\n/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.once("exit", () => {
      clearTimeout(timer);
      reject(new Error(`the server ended: ${said}`));
    });
  });
}

/** An identity provider of one key and one token: the product verifies signatures in the bench as it does in earnest. */
async function startIssuer(): Promise<{ url: string; token: string; stop(): void }> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA");
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const keys = JSON.stringify({ keys: [{ ...jwk, kid, alg: "EdDSA", use: "sig" }] });
  const http = createServer((_request, response) => response.writeHead(200, { "content-type": "application/json" }).end(keys));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const token = await new SignJWT({ scope: "ledger.read ledger.write events.read integration.import clients.read clients.write" })
    .setProtectedHeader({ alg: "EdDSA", kid, typ: "at+jwt" })
    .setIssuer(url)
    .setAudience(AUDIENCE)
    .setSubject("bench")
    .setJti("bench")
    .setIssuedAt()
    .setExpirationTime(`${TOKEN_SECONDS}s`)
    .sign(privateKey);
  return { url, token, stop: () => void http.close() };
}
