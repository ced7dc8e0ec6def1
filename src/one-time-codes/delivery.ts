// Sends a code after the commit that made it, outside of any transaction, at least once under one id. The job's payload names the
// challenge and nothing else; the message is decrypted, and the client's address read, in the moment in which it is sent.

import { job, type Job } from "#platform/jobs.ts";
import { invariant } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import type { Tx } from "#platform/db.ts";
import * as store from "./challenge.store.ts";
import { type CodeReach, isReachedThere } from "./challenges.ts";
import { destinationFor } from "./destination.ts";
import type { CodeMessage, DeliverCode } from "./ports.ts";

/** The waits between so many tries add up to more than a code lives: the last ones find it expired and empty it. */
const ATTEMPTS_MAX = 10;

/** The job `send_one_time_code`. */
export function codeSending(reach: CodeReach, deliver: DeliverCode): Job<{ readonly challengeId: string }> {
  return job({
    name: "send_one_time_code",
    payload: strictObject({ challengeId: Uuid }),
    attemptsMax: ATTEMPTS_MAX,
    async run({ challengeId }, { db, actor, signal }) {
      const message = await db.read(actor, (tx) => findMessage(tx, reach, challengeId));
      // Sent before, replaced, used, expired, or the client is reached elsewhere by now.
      if (message === null) return await db.write(actor, (tx) => store.forgetMessage(tx, challengeId));
      await deliver(message, signal);
      await db.write(actor, (tx) => store.markSent(tx, challengeId));
    },
  });
}

async function findMessage(tx: Tx, reach: CodeReach, challengeId: string): Promise<CodeMessage | null> {
  const challenge = await store.findUnsent(tx, challengeId);
  if (challenge === null || !(await isReachedThere(tx, reach, challenge))) return null;
  const contact = await reach.findContact(tx, challenge.clientId);
  const destination = contact === null ? null : destinationFor(contact, challenge.channel);
  invariant(destination, "a client that is reached has an address");
  const text = reach.keys.unseal(challengeId, challenge.sealedMessage);
  return { id: challengeId, channel: challenge.channel, destination: destination.address, text };
}
