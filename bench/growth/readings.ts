// Asks a running server for every kind of read, one call at a time, and keeps how long each took.

import { createRandom } from "../load.ts";
import { Connection } from "../subjects/http-connection.ts";
import type { HttpTarget } from "../subject.ts";
import type { BookFacts } from "./facts.store.ts";
import { READS, type Request } from "./reads.ts";
import { WorkClock } from "./work-clock.ts";

/** Of one kind of read: milliseconds, the failed ones included; processor time, where it is known; and what failures said. */
export type Taken = { readonly ms: number[]; readonly workMs: number[]; readonly failures: string[] };

/** By the title of the read. */
export type Timings = Map<string, Taken>;

/** A read that the server could not answer is a figure like any other, and is told. `times` each, in turns, so that a disturbance hits all kinds alike. */
export async function measureReads(
  { target, postmaster, facts }: { readonly target: HttpTarget; readonly postmaster: number | null; readonly facts: BookFacts },
  { times, seed }: { readonly times: number; readonly seed: number },
  timings: Timings,
): Promise<void> {
  const clock = new WorkClock(postmaster, target.pid);
  const random = createRandom(seed);
  const connection = await Connection.open(target.port);
  const send = async ({ method, path, body }: Request): Promise<string> => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const type = text === "" ? "" : `content-type: application/json\r\ncontent-length: ${text.length}\r\n`;
    return await connection.send(
      `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${target.token}\r\n${type}\r\n${text}`,
    );
  };
  try {
    for (let round = 0; round < times; round++) {
      clock.refresh();
      for (const { title, first, ask, isRefused } of READS) {
        const taken = timings.get(title) ?? { ms: [], workMs: [], failures: [] };
        timings.set(title, taken);
        try {
          const before = first === undefined ? "" : await send(first(facts, random));
          const request = ask(facts, random, before);
          const workBefore = clock.read();
          const began = performance.now();
          const sent = isRefused ? refused(send(request)) : send(request);
          await sent.finally(() => taken.ms.push(performance.now() - began));
          const workAfter = clock.read();
          if (workBefore !== null && workAfter !== null) taken.workMs.push((workAfter - workBefore) / 1000);
        } catch (error) {
          taken.failures.push(error instanceof Error ? error.message : String(error));
        }
      }
    }
  } finally {
    connection.close();
  }
}

/** Waits for the refusal. Anything else is told as the failure that it is. */
async function refused(answer: Promise<string>): Promise<void> {
  const said = await answer.catch((error: unknown) => String(error));
  if (!said.includes("HTTP/1.1 400 ")) throw new Error(`should have been refused: ${said.slice(0, 200)}`);
}
