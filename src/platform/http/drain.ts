// Listening and leaving. A graceful stop loses no accepted call: readiness goes first, no new connection is taken, connections that live
// are told to close with their next answer, and only then what is still idle is cut.

import { createServer, Server as NetServer } from "node:net";
import type { FastifyInstance } from "fastify";
import { StartupError } from "../startup-error.ts";

/** How long a kept-alive connection may still send its next call after the stop began. */
const LINGER_MS = 1_000;
const POLL_MS = 20;

/** Listens; a port that is taken is a plain sentence. Gives the port, which differs from the wanted one for 0. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
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

/** Serves what has been accepted and returns when no connection is left. `isDraining` must answer true before this is called. */
export async function drain(app: FastifyInstance): Promise<void> {
  const { server } = app;
  // http.Server.close would cut idle connections at once, and with them calls that are on their way: only the listening ends here.
  NetServer.prototype.close.call(server);
  const deadline = performance.now() + LINGER_MS;
  while (performance.now() < deadline && (await connectionCount(app)) > 0) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await app.close();
}

function connectionCount(app: FastifyInstance): Promise<number> {
  return new Promise((resolve) => app.server.getConnections((error, count) => resolve(error ? 0 : count)));
}
