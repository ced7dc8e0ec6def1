// Asks ClamAV's daemon whether bytes hold malware: INSTREAM over TCP or a unix socket (clamd(8)), one connection for each document, at the
// daemon's pace. Only its two answers are answers: whatever else it says, or that it says nothing in time, is no verdict and throws.

import { connect, type Socket } from "node:net";
import { isAbsolute } from "node:path";
import { StartupError } from "#platform/startup-error.ts";
import type { ScanDocument, ScanVerdict } from "../client-profile/ports.ts";

export type ClamdOptions = {
  /** `host:port` or the absolute path of a socket (CLAMD_ADDRESS). */
  readonly address: string;
  /** From the connection to the verdict. */
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 1_024;
const FINDING_LENGTH_MAX = 200;
const ANSWER = /^stream: (?:(OK)|([\x21-\x7e][\x20-\x7e]{0,400}) FOUND)\0$/;

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

/** Fills the port of client profiles. Throws StartupError for an address that cannot be one. */
export function clamdScan({ address, timeoutMs = TIMEOUT_MS }: ClamdOptions): ScanDocument {
  const place = readAddress(address);
  return async (content, signal) => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    patience.throwIfAborted();
    const socket = connect(place);
    // Ends whatever waits for it.
    const giveUp = (): void => void socket.destroy(new Error("clamd took too long"));
    patience.addEventListener("abort", giveUp, { once: true });
    try {
      const answer = readAnswer(socket);
      // It is awaited at the end; a connection that breaks before is noticed where it is written to.
      answer.catch(() => undefined);
      await send(socket, content);
      return verdictOf(await answer);
    } finally {
      patience.removeEventListener("abort", giveUp);
      socket.destroy();
    }
  };
}

function readAddress(address: string): Place {
  if (isAbsolute(address)) return { path: address };
  const [, bracketed, plain, port = ""] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new StartupError("CLAMD_ADDRESS must be host:port or the absolute path of a socket.");
  }
  return { host, port: Number(port) };
}

async function send(socket: Socket, content: AsyncIterable<Uint8Array>): Promise<void> {
  await write(socket, Buffer.from("zINSTREAM\0"));
  for await (const piece of content) {
    if (piece.length === 0) continue;
    await write(socket, sizeOf(piece.length));
    await write(socket, piece);
  }
  await write(socket, sizeOf(0));
}

function sizeOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

/** Done when the daemon's machine has taken it over: no more than one piece waits here. */
function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(brokenBy(socket));
    if (socket.destroyed) {
      fail();
      return;
    }
    socket.once("close", fail);
    socket.write(bytes, (error) => {
      socket.off("close", fail);
      if (error) reject(brokenBy(socket));
      else resolve();
    });
  });
}

/** Everything that it says until it closes the connection or ends its answer. */
function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    socket.on("data", (bytes: Buffer) => {
      answer += bytes.toString("latin1");
      if (answer.length > ANSWER_BYTES_MAX) socket.destroy(new Error("clamd says too much"));
      else if (answer.endsWith("\0")) resolve(answer);
    });
    socket.on("error", reject);
    socket.on("close", () => reject(brokenBy(socket)));
  });
}

function brokenBy(socket: Socket): Error {
  return new Error("no verdict from clamd", { cause: socket.errored });
}

/** What it said is not repeated: it may be anything. */
function verdictOf(answer: string): ScanVerdict {
  const [whole, clean, finding] = ANSWER.exec(answer) ?? [];
  if (whole === undefined) throw new Error("clamd's answer is no verdict");
  return clean === undefined ? { status: "infected", finding: (finding ?? "").slice(0, FINDING_LENGTH_MAX) } : { status: "clean" };
}
