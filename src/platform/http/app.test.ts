// What the edge tells about itself: one line and one figure for each answer, and nothing of its own accord.

import { afterEach, expect, test } from "vitest";
import { as, type Edge, openEdge, readRaw, sendRaw, THING_ID } from "../../../test/setup/edge.ts";

let edge: Edge;
afterEach(() => edge.close());

const lines = () => edge.log.map((line) => JSON.parse(line) as Record<string, unknown>);
const get = (port: number, path: string, more = "") =>
  sendRaw(port, `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client\r\n${more}\r\n`);

test("listening and stopping say nothing: that is the greeting's part", async () => {
  edge = await openEdge();
  await edge.listen();
  expect(edge.log).toEqual([]);
});

test("an answered call is one line of the talkative log, by its route and not by its address", async () => {
  edge = await openEdge();
  const answer = await edge.app.inject({ url: `/things/${THING_ID}`, headers: as("client") });
  expect(lines()).toEqual([
    {
      level: 20,
      time: expect.any(Number) as number,
      pid: process.pid,
      hostname: expect.any(String) as string,
      traceId: answer.headers["traceparent"],
      method: "GET",
      route: "/Things/:thingId",
      status: 200,
      ms: expect.any(Number) as number,
      msg: "answered",
    },
  ]);
});

test("each answer is counted once, whatever it is", async () => {
  const counted: string[] = [];
  edge = await openEdge({ onAnswer: (method, route, status, seconds) => counted.push(`${method} ${route} ${status} ${seconds < 10}`) });
  const port = await edge.listen();
  for (const path of ["/Things", "/Things/7", "/nowhere"]) await get(port, path, "connection: close\r\n");
  await sendRaw(port, "DELETE /Things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  expect(counted).toEqual(["GET /Things 200 true", "GET /Things/:thingId 404 true", "GET unknown 404 true", "DELETE unknown 405 true"]);
});

test("a connection is kept for the next call, until the process drains: then each answer closes it", async () => {
  const state = { draining: false };
  edge = await openEdge({ isDraining: () => state.draining });
  const port = await edge.listen();
  const kept = await get(
    port,
    "/Things",
    "\r\nGET /Things/latest HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client\r\nconnection: close\r\n",
  );
  expect(kept.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  state.draining = true;
  const answer = readRaw(await get(port, "/Things"));
  expect([answer.status, answer.headers["connection"]]).toEqual([200, "close"]);
  expect(readRaw(await get(port, "/nowhere")).headers["connection"]).toBe("close");
});
