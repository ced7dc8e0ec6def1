// A wire between a client and PostgreSQL that can be cut at the worst moment: after the server has done what it was asked, before
// its answer arrives.

import { connect, createServer, type Socket } from "node:net";
import pg from "pg";

export type CutWire = {
  /** The same database, through the wire. */
  readonly url: string;
  /** Cuts the connection of the next message that holds `text`, when the server has answered it. */
  cutAfter(text: string): void;
  /** From now on takes what is sent and carries nothing: as a server that is stopped, or a network that swallows. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
};

export async function openCutWire(databaseUrl: string): Promise<CutWire> {
  const { host, port, user, password, database } = new pg.Client({ connectionString: databaseUrl });
  let last: string | null = null;
  let isFrozen = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    let isCut = false;
    client.on("data", (chunk: Buffer) => {
      if (last !== null && chunk.includes(last)) {
        isCut = true;
        last = null;
      }
      if (!isFrozen) upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      if (isCut) client.destroy();
      else if (!isFrozen) client.write(chunk);
    });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const login = [user ?? "", password ?? ""].map(encodeURIComponent).join(":");
  return {
    url: `postgresql://${login}@127.0.0.1:${typeof address === "object" ? address?.port : ""}/${database}`,
    cutAfter: (text) => {
      last = text;
    },
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
