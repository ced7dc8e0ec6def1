// "Expect: 100-continue": a sender that asks before it sends its body is told to go on only when the body is wanted. What is refused before
// that costs neither side the body; Node then closes the connection, since nobody can know whether the body still comes.

import type { IncomingMessage, Server } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";

const waiting = new WeakSet<IncomingMessage>();

export function answerExpectations(server: Server): void {
  server.on("checkContinue", (request, response) => {
    waiting.add(request);
    server.emit("request", request, response);
  });
  // Node would answer an unknown Expect with an empty 417; it may as well be ignored (RFC 9110, 10.1.1).
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
}

/** Tells a sender that waits for it to go on; not one whose body is announced as too large. */
export function askForBody({ raw, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  if (!waiting.has(raw)) return;
  const isStream = routeOptions.config.requestBody === "stream";
  if (!isStream && Number(raw.headers["content-length"] ?? 0) > routeOptions.bodyLimit) return;
  waiting.delete(raw);
  reply.raw.writeContinue();
}
