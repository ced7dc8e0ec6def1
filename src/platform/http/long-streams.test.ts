// A stream whose operation works while it comes may take longer to arrive than any other request.

import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { as, openEdge, readRaw } from "../../../test/setup/edge.ts";
import { Type } from "../schema.ts";
import { endpoint } from "./endpoint.ts";

const LIMIT_MS = 200;
/** The limits are looked after every two seconds. */
const LONGER_MS = 2_800;

const takeAll = endpoint({
  id: "takeAll",
  method: "POST",
  path: "/internal/All",
  tags: ["Things"],
  summary: "All there is",
  audience: "system",
  scope: "ledger.write",
  requestBody: { kind: "stream", mediaTypes: ["text/plain"], limit: 1_000, mayTakeLong: true, schema: Type.String() },
  reply: Type.Object({ text: Type.String() }),
  work: "own",
  async handle({ stream }) {
    let text = "";
    for await (const piece of stream.body) text += String(piece);
    return { body: { text }, replayed: false };
  },
});

test("the time limit of requests ends one with a body of JSON, and not one with a stream that may take long", {
  timeout: 15_000,
}, async () => {
  const edge = await openEdge({ endpoints: [takeAll] });
  try {
    const port = await edge.listen();
    edge.app.server.headersTimeout = LIMIT_MS;
    edge.app.server.requestTimeout = LIMIT_MS;
    const send = async (path: string, mediaType: string): Promise<ReturnType<typeof readRaw>> =>
      await new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        const socket = connect(port, "127.0.0.1");
        socket.on("data", (chunk: Buffer) => chunks.push(chunk));
        socket.on("error", reject);
        socket.on("close", () => resolve(readRaw(Buffer.concat(chunks).toString())));
        const head = `POST ${path} HTTP/1.1\r\nhost: bank\r\nauthorization: ${as("writer").authorization}\r\ncontent-type: ${mediaType}\r\ncontent-length: 4\r\nconnection: close`;
        socket.write(`${head}\r\n\r\n"a`);
        void pause(LONGER_MS).then(() => socket.writable && socket.end('b"'));
      });
    const [stream, json] = await Promise.all([send("/internal/All", "text/plain"), send("/internal/Things", "application/json")]);
    expect(stream).toMatchObject({ status: 200, body: { text: '"ab"' } });
    expect(json).toMatchObject({ status: 408 });
  } finally {
    await edge.close();
  }
});
