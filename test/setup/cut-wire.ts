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
  /**
   * Keeps what is sent from now on over the connections that are open; those opened later carry as ever. As a network that mends itself,
   * `deliver` hands it over, whatever has become of the senders, and resolves when the server has done with it.
   */
  hold(): void;
  deliver(): Promise<void>;
  close(): Promise<void>;
};

export async function openCutWire(databaseUrl: string): Promise<CutWire> {
  const { host, port, user, password, database } = new pg.Client({ connectionString: databaseUrl });
  let last: string | null = null;
  let isFrozen = false;
  const sockets = new Set<Socket>();
  const open = new Set<Socket>();
  const held = new Map<Socket, Buffer[]>();
  const server = createServer((client) => {
    const upstream = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    let isCut = false;
    open.add(upstream);
    client.on("data", (chunk: Buffer) => {
      if (last !== null && chunk.includes(last)) {
        isCut = true;
        last = null;
      }
      const kept = held.get(upstream);
      if (kept !== undefined) kept.push(chunk);
      else if (!isFrozen) upstream.write(chunk);
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
        open.delete(socket);
        if (!held.has(other)) other.destroy();
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
    hold: () => {
      for (const upstream of open) held.set(upstream, []);
    },
    deliver: async () => {
      const ends = [...held].map(async ([upstream, chunks]) => {
        if (upstream.destroyed) return;
        const end = new Promise((resolve) => upstream.once("close", resolve));
        upstream.end(Buffer.concat(chunks));
        await end;
      });
      held.clear();
      await Promise.all(ends);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
