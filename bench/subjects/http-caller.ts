// The load over HTTP, in a process of its own, with as little work per call as can be.

import type { Order } from "../load.ts";
import type { HttpTarget, SubjectOptions, Work } from "../subject.ts";
import { Connection } from "./http-connection.ts";
import { plainRequest, productRequests } from "./http-requests.ts";
import type { Payer } from "./payer.ts";

/** Of the payments in several steps, every tenth is cancelled in the end. */
const CANCELLED_EVERY = 10;

/** One call of one caller; gives the payments made. */
type Calling = (connection: Connection, next: () => Order) => Promise<number>;

export async function openHttpCaller({ http, accounts, work }: SubjectOptions): Promise<Payer> {
  if (http === null) throw new Error("no server to call");
  const call = http.api === "product" ? callProduct(http, accounts, work) : callPlain;
  let connections: Connection[] = [];
  const close = (): void => {
    for (const connection of connections) connection.close();
    connections = [];
  };
  return {
    accounts: accounts.length,
    async prepare({ callers }) {
      close();
      connections = await Promise.all(Array.from({ length: callers }, () => Connection.open(http.port)));
    },
    async pay(next, caller) {
      const connection = connections[caller];
      if (connection === undefined) throw new Error("a caller without a connection");
      return await call(connection, next);
    },
    close: async () => close(),
  };
}

const callPlain: Calling = async (connection, next) => {
  await connection.send(plainRequest(next()));
  return 1;
};

function callProduct({ token }: HttpTarget, accounts: readonly string[], work: Work): Calling {
  const requests = productRequests(token, accounts);
  let flows = 0;
  if (work.kind === "transfer") {
    return async (connection, next) => {
      await connection.send(requests.transfer(next()));
      return 1;
    };
  }
  if (work.kind === "batch") {
    return async (connection, next) => {
      const answer = await connection.send(requests.batch(Array.from({ length: work.size }, next)));
      if (answer.includes('"accepted":false')) throw new Error(`an item of a batch was refused: ${answer}`);
      return work.size;
    };
  }
  return async (connection, next) => {
    const isCancelled = flows++ % CANCELLED_EVERY === 0;
    const id = paymentIdIn(await connection.send(requests.create(next(), work.kind === "draft" ? "draft" : "pending")));
    if (work.kind === "draft") await connection.send(requests.change(id, "pend"));
    await connection.send(requests.change(id, isCancelled ? "cancel" : "post"));
    return 1;
  };
}

/** The first id in the answer is that of the payment. */
function paymentIdIn(answer: string): string {
  const id = /"id":"([0-9a-f-]{36})"/.exec(answer)?.[1];
  if (id === undefined) throw new Error(`no payment in the answer ${answer}`);
  return id;
}
