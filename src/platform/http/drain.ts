// Listening and leaving. A graceful stop loses no accepted call: readiness goes first, no new connection is taken, each answer tells its
// connection to close, and what has no call on it is cut only after a while in which its next call could still come.

import { createServer, Server as NetServer, type Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { StartupError } from "../startup-error.ts";

/** How long a kept-alive connection may still send its next call after the stop began. */
const LINGER_MS = 1_000;
/** Every call ends long before this; what is left belongs to clients that do not read their answer or do not finish their request. */
const DRAIN_MAX_MS = 20_000;
const POLL_MS = 20;
/** How long the stop looks for a moment in which no connection arrives. */
const QUIET_MAX_MS = 100;

type Connections = { readonly open: Set<Socket>; taken: number };
const connectionsOf = new WeakMap<FastifyInstance, Connections>();

/** Listens; a port that is taken is a plain sentence. Gives the port, which differs from the wanted one for 0. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  const connections: Connections = { open: new Set(), taken: 0 };
  connectionsOf.set(app, connections);
  app.server.on("connection", (socket: Socket) => {
    connections.taken++;
    connections.open.add(socket);
    socket.once("close", () => connections.open.delete(socket));
  });
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EADDRINUSE")
      throw new StartupError(`Port ${port} is in use by another program. Stop it, or choose a port: PORT=8081 npm start`);
    if (code === "EACCES") throw new StartupError(`This user may not listen on port ${port}. Choose one above 1023: PORT=8080 npm start`);
    if (code === "EADDRNOTAVAIL") throw new StartupError(`This machine has no address ${host}. Set HOST to one it has.`);
    throw error;
  }
  const address = app.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** Refuses early, before minutes are spent on a database that is not needed. */
export async function refuseTakenPort(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (error: Error & { code?: string }) => {
      if (error.code === "EADDRINUSE")
        reject(new StartupError(`Port ${port} is in use by another program. Stop it, or choose a port: PORT=8081 npm start`));
      else if (error.code === "EACCES")
        reject(new StartupError(`This user may not listen on port ${port}. Choose one above 1023: PORT=8080 npm start`));
      else resolve();
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/**
 * Serves what has been accepted and returns when no connection is left. `isDraining` must answer true before this is called. Until
 * then http.Server.close stays untouched: it would cut idle connections, and with them calls that are on their way, and would switch off
 * the time limits of requests that arrive slowly.
 */
export async function drain(app: FastifyInstance): Promise<void> {
  const connections = connectionsOf.get(app) ?? { open: new Set(), taken: 0 };
  await stopListening(app, connections);
  const began = performance.now();
  while (connections.open.size > 0) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const lasted = performance.now() - began;
    if (lasted > LINGER_MS) cutIdle(app, connections.open);
    if (lasted > DRAIN_MAX_MS) app.server.closeAllConnections();
  }
  await app.close();
}

/** What the kernel has accepted and we have not yet taken is reset by the end of listening: it comes right after a turn that brought nothing. */
async function stopListening(app: FastifyInstance, connections: Connections): Promise<void> {
  const deadline = performance.now() + QUIET_MAX_MS;
  for (let before = -1; connections.taken !== before && performance.now() < deadline; ) {
    before = connections.taken;
    await turn();
    // The first one ends in the turn that is running: only the second has looked for connections in between.
    await turn();
  }
  NetServer.prototype.close.call(app.server);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function cutIdle(app: FastifyInstance, sockets: ReadonlySet<Socket>): void {
  app.server.closeIdleConnections();
  // Node takes a connection that has not said anything yet for a request that is slow to arrive.
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
}
