// Sends a file that is made while it is sent: at the reader's pace, and no further than the reader takes it.

import { Socket } from "node:net";
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FileAnswer } from "./endpoint.ts";

/** Waits for the first piece, so that an early fault is still answered as a problem; then the rest follows as it is taken. */
export async function sendFile(file: FileAnswer, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const pieces = file.content[Symbol.asyncIterator]();
  const first = await pieces.next();
  return reply
    .status(200)
    .header("content-type", file.mediaType)
    .header("content-disposition", `attachment; filename="${file.name}"`)
    .send(Readable.from(onward(first, pieces, request), { objectMode: false }));
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
