// A small clamd for tests: INSTREAM to the letter of clamd(8), and what a real one does on bad days.

import { createServer, type Socket } from "node:net";

/** `slow`: no answer; `garbage`: no words of the protocol; `cut`: closes in the middle; `half`: an answer without its end; `endless`: never stops talking. */
export type ClamdMood = "well" | "slow" | "garbage" | "cut" | "half" | "endless" | "limit" | "error";

export type ClamdSimulator = {
  /** As CLAMD_ADDRESS takes it. */
  readonly address: string;
  mood: ClamdMood;
  /** What was scanned, in order. */
  readonly scanned: Buffer[];
  close(): Promise<void>;
};

/** `findings`: what is found in bytes that hold the text, by its name. Listens on a socket's path where one is given. */
export async function openClamdSimulator(findings: Readonly<Record<string, string>>, path?: string): Promise<ClamdSimulator> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    serve(socket);
  });

  function serve(socket: Socket): void {
    const pieces: Buffer[] = [];
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      if (simulator.mood === "cut") socket.destroy();
      if (simulator.mood === "limit" && pieces.length > 1) socket.end("INSTREAM size limit exceeded. ERROR\0");
      // Only what ends with a zero can end with the piece of length 0.
      const content = piece.at(-1) === 0 ? contentOf(Buffer.concat(pieces)) : null;
      if (content !== null) answer(socket, content);
    });
  }

  function answer(socket: Socket, content: Buffer): void {
    simulator.scanned.push(content);
    const found = Object.entries(findings).find(([, text]) => content.includes(text))?.[0];
    const said: Partial<Record<ClamdMood, string>> = {
      well: found === undefined ? "stream: OK\0" : `stream: ${found} FOUND\0`,
      garbage: "HTTP/1.1 200 OK\r\n\r\nstream: OK\0",
      half: "stream: OK",
      endless: "stream: ".repeat(1_000),
      error: "INSTREAM: Can't allocate memory ERROR\0",
    };
    const text = said[simulator.mood];
    if (text !== undefined) socket.end(text, "latin1");
  }

  const simulator: Omit<ClamdSimulator, "address"> = {
    mood: "well",
    scanned: [],
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => (path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve)));
  const address = server.address();
  return Object.assign(simulator, { address: typeof address === "string" ? address : `127.0.0.1:${address?.port}` });
}

/** The pieces after the command, once the one of length 0 has come; null before. */
function contentOf(bytes: Buffer): Buffer | null {
  const command = "zINSTREAM\0";
  if (!bytes.subarray(0, command.length).equals(Buffer.from(command))) return null;
  const pieces: Buffer[] = [];
  for (let at = command.length; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return null;
}
