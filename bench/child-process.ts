// Runs in the process of one subject: opens it, then makes payments as ordered, one run after another.

import pg from "pg";
import { runClosedLoop } from "./closed-loop.ts";
import { createLoad } from "./load.ts";
import { Meter } from "./meter.ts";
import type { RunOrder, SubjectOptions } from "./subject.ts";
import { openHandWritten } from "./subjects/hand-written.ts";
import { openHttpCaller } from "./subjects/http-caller.ts";
import { openPgledger } from "./subjects/pgledger.ts";
import { openProduct } from "./subjects/product.ts";
import type { Payer } from "./subjects/payer.ts";

type Message = { readonly open: SubjectOptions } | { readonly run: RunOrder };

const OPENERS = { product: openProduct, handWritten: openHandWritten, pgledger: openPgledger, http: openHttpCaller };

let payer: Payer | null = null;
let meter: Meter | null = null;
let client: pg.Client | null = null;

async function open(options: SubjectOptions): Promise<object> {
  client = new pg.Client({ connectionString: options.ownerUrl, application_name: "finlego bench meter" });
  await client.connect();
  meter = new Meter({ client, postmaster: options.postmaster, serving: options.http?.pid ?? process.pid });
  payer = await OPENERS[options.kind](options);
  return { ready: true };
}

async function run(order: RunOrder): Promise<object> {
  if (payer === null || meter === null) throw new Error("a run before the opening");
  const next = createLoad(order.load, payer.accounts, order.seed);
  await payer.prepare(order);
  const { pay } = payer;
  return { sample: await runClosedLoop(order, meter, (caller) => pay(next, caller)) };
}

process.on("message", (message: Message) => {
  const work = "open" in message ? open(message.open) : run(message.run);
  work.then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ fault: describe(error) }),
  );
});

process.on("disconnect", () => {
  void (async () => {
    await payer?.close();
    await client?.end();
  })();
});

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? (error.stack ?? error.message) : `${error.message}: ${describe(error.cause)}`;
}
