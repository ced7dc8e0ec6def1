// What a reader of a body may rely on, whatever its sender does.

import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { CountedBody } from "./counted-body.ts";

/** A message as far as a body is concerned; what is written to it arrives. */
const aMessage = () => new PassThrough();
const bodyOf = (message: PassThrough, pace?: { patienceMs: number; bytesPerSecond: number }, limit = 1_000) =>
  new CountedBody(message as unknown as IncomingMessage, { limit, ...(pace === undefined ? {} : { pace }) });

async function read(body: CountedBody): Promise<string> {
  let text = "";
  for await (const piece of body) text += String(piece);
  return text;
}

const IMPATIENT = { patienceMs: 20, bytesPerSecond: 1_000_000 };

test("a body is what was sent", async () => {
  const message = aMessage();
  message.write("ab");
  message.end("c");
  expect(await read(bodyOf(message))).toBe("abc");
});

test("nothing is read before somebody reads, and the first read is told once", async () => {
  const message = aMessage();
  let told = 0;
  const body = new CountedBody(message as unknown as IncomingMessage, { limit: 10, onFirstRead: () => told++ });
  message.end("abc");
  await new Promise((resolve) => setImmediate(resolve));
  expect([told, message.listenerCount("data"), message.readableLength]).toEqual([0, 0, 3]);
  expect(await read(body)).toBe("abc");
  expect(told).toBe(1);
});

test("a sender that keeps its reader waiting is given up, also when it dribbles", async () => {
  const silent = aMessage();
  await expect(read(bodyOf(silent, IMPATIENT))).rejects.toMatchObject({
    code: "malformedRequest",
    extras: { detail: "The body came too slowly." },
  });

  const dribbling = aMessage();
  const drops = setInterval(() => dribbling.write("x"), 5);
  await expect(read(bodyOf(dribbling, { patienceMs: 50, bytesPerSecond: 1_000_000 }))).rejects.toMatchObject({ code: "malformedRequest" });
  clearInterval(drops);
});

test("a reader may take its time over what it has", async () => {
  const message = aMessage();
  const body = bodyOf(message, IMPATIENT, 1_000_000);
  const pieces: number[] = [];
  message.write(Buffer.alloc(200_000));
  message.end(Buffer.alloc(200_000));
  for await (const piece of body) {
    pieces.push((piece as Buffer).length);
    // Longer than the sender would be waited for.
    if (pieces.length === 1) await new Promise((resolve) => setTimeout(resolve, 60));
  }
  expect(pieces.reduce((sum, length) => sum + length)).toBe(400_000);
});

test("a reader that leaves is done at once, and the message is left alone", async () => {
  const message = aMessage();
  message.write("abc");
  const body = bodyOf(message);
  for await (const piece of body) {
    expect(String(piece)).toBe("abc");
    break;
  }
  expect(body.destroyed).toBe(true);
  expect([message.destroyed, message.isPaused(), message.listenerCount("data")]).toEqual([false, true, 0]);
});

test("one that fails while nobody reads fails for whoever reads next", async () => {
  const message = aMessage();
  const body = bodyOf(message);
  message.write("abc");
  const [first] = [await body[Symbol.asyncIterator]().next()];
  expect(String(first.value)).toBe("abc");
  message.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  await expect(read(body)).rejects.toMatchObject({ code: "malformedRequest", extras: { detail: "The body ended early." } });
});
