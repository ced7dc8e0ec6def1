// Sends a file that is made while it is sent: at the reader's pace, and no further than the reader takes it.

import { Socket } from "node:net";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FileAnswer } from "./endpoint.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

/**
 * Waits for the first piece, so that an early fault is still answered as a problem; then the rest follows as it is taken. For HEAD it is
 * the same answer without any piece.
 */
export async function sendFile(file: FileAnswer, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const pieces = file.content[Symbol.asyncIterator]();
  const first = await pieces.next();
  const isHead = request.method === "HEAD";
  // What GET would answer is known by now; nothing more is made for nobody.
  if (isHead) await pieces.return?.();
  // Should a browser open it all the same, it can neither run nor load anything.
  const policy = `${SECURITY_HEADERS["content-security-policy"]}; sandbox`;
  if (file.size !== undefined) void reply.header("content-length", file.size);
  return reply
    .status(200)
    .headers({
      "content-type": file.mediaType,
      "content-disposition": dispositionOf(file),
      "content-security-policy": policy,
      "accept-ranges": "none",
    })
    .send(Readable.from(isHead ? [] : onward(first, pieces, request), { objectMode: false }));
}

/** RFC 6266; the full name coded as RFC 8187 says. */
function dispositionOf({ name, fileName }: FileAnswer): string {
  const plain = `attachment; filename="${name}"`;
  if (fileName === undefined) return plain;
  const coded = encodeURIComponent(fileName).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${plain}; filename*=UTF-8''${coded}`;
}

type Piece = IteratorResult<string | Uint8Array, unknown>;

/** A reader that takes nothing is left after a while (the connection's time-out); the time that a piece takes to be made does not count. */
async function* onward(
  first: Piece,
  pieces: AsyncIterator<string | Uint8Array>,
  { raw: { socket } }: FastifyRequest,
): AsyncGenerator<string | Uint8Array> {
  // Without a network (tests) there is no patience to lose.
  const wait = (ms: number | undefined): void => void (socket instanceof Socket && socket.setTimeout(ms ?? 0));
  const patience = socket.timeout;
  try {
    for (let piece = first; piece.done !== true; ) {
      // An empty piece would stop the stream.
      if (piece.value.length > 0) yield piece.value;
      wait(0);
      piece = await pieces.next();
      wait(patience);
    }
  } finally {
    await pieces.return?.();
  }
}
