// Asks a running server for every kind of read, one call at a time, and keeps how long each took.

import { createRandom } from "../load.ts";
import { Connection } from "../subjects/http-connection.ts";
import type { HttpTarget } from "../subject.ts";
import type { BookFacts } from "./facts.store.ts";
import { READS, type Request } from "./reads.ts";

/** Of one kind of read: milliseconds, the failed ones included, and what a failure said. */
export type Taken = { readonly ms: number[]; readonly failures: string[] };

/** By the title of the read. */
export type Timings = Map<string, Taken>;

/** A read that the server could not answer is a figure like any other, and is told. `times` each, in turns, so that a disturbance hits all kinds alike. */
export async function measureReads(target: HttpTarget, facts: BookFacts, times: number, seed: number, timings: Timings): Promise<void> {
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
      for (const { title, first, ask } of READS) {
        const taken = timings.get(title) ?? { ms: [], failures: [] };
        timings.set(title, taken);
        try {
          const before = first === undefined ? "" : await send(first(facts, random));
          const request = ask(facts, random, before);
          const began = performance.now();
          await send(request).finally(() => taken.ms.push(performance.now() - began));
        } catch (error) {
          taken.failures.push(error instanceof Error ? error.message : String(error));
        }
      }
    }
  } finally {
    connection.close();
  }
}
