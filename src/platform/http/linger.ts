// An answer may be ready before the whole request has come in: a refusal, or an operation that has seen enough. Closed at once, the
// connection would be reset by what still arrives, and the sender might never see the answer; left unread, a sender that reads only after it
// has sent would wait for ever. So the rest is read and thrown away, but not for long.

import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** How long after the answer the rest of a request may take to arrive. */
const LINGER_MS = 2_000;

/** To be called before the answer is sent. */
export function lingerFor(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  // Without a network (tests) there is nothing to read and nothing to close.
  if (request.complete || !(socket instanceof Socket)) return;
  let mustClose = false;
  // Node calls it after an answer that closes its connection.
  socket.destroySoon = () => {
    mustClose = true;
    socket.end();
  };
  const leave = (): void => {
    clearTimeout(timer);
    delete (socket as { destroySoon?: unknown }).destroySoon;
    if (mustClose) socket.destroySoon();
  };
  let timer: NodeJS.Timeout | undefined;
  request.once("end", leave);
  response.once("finish", () => {
    request.resume();
    timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
  socket.once("close", () => clearTimeout(timer));
}
