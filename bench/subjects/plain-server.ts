// A process with a Fastify server as one writes it in an afternoon, schemas in and out: with the hand-written transfer behind it, or
// with nothing (FINLEGO_BENCH_BOOKS absent), which shows what HTTP alone costs. It listens on a free port and tells it by IPC.

import Fastify, { type FastifyRequest } from "fastify";
import type pg from "pg";
import { newId } from "#platform/new-id.ts";
import { openPool } from "./hand-written.ts";
import { transfer } from "./hand-written.store.ts";

type Body = { externalId: string; debitAccountId: number; creditAccountId: number; amount: string; currency: string };

const text = { type: "string", maxLength: 100 } as const;
const SCHEMA = {
  headers: { type: "object", required: ["idempotency-key"], properties: { "idempotency-key": text } },
  body: {
    type: "object",
    additionalProperties: false,
    required: ["externalId", "debitAccountId", "creditAccountId", "amount", "currency"],
    properties: {
      externalId: text,
      debitAccountId: { type: "integer" },
      creditAccountId: { type: "integer" },
      amount: { type: "string", pattern: "^\\d{1,12}\\.\\d{2}$" },
      currency: { type: "string", pattern: "^[A-Z]{3}$" },
    },
  },
  response: {
    200: {
      type: "object",
      properties: {
        id: text,
        externalId: text,
        status: text,
        debitAccountId: { type: "integer" },
        creditAccountId: { type: "integer" },
        amount: text,
        currency: text,
        createdAt: text,
      },
    },
  },
};

async function serve(): Promise<void> {
  const url = process.env["FINLEGO_BENCH_BOOKS"] ?? null;
  const role = process.env["FINLEGO_BENCH_ROLE"] ?? null;
  const way = process.env["FINLEGO_BENCH_WAY"] === "prepared" ? "prepared" : "plain";
  const pool: pg.Pool | null = url === null ? null : openPool(url, role, Number(process.env["FINLEGO_BENCH_CONNECTIONS"]));
  const app = Fastify();
  const pay = async (request: FastifyRequest<{ Body: Body }>): Promise<object> => {
    const { externalId, debitAccountId, creditAccountId, amount, currency } = request.body;
    const id = newId();
    const minor = Math.round(Number(amount) * 100);
    if (pool !== null)
      await transfer(
        pool,
        way,
        { debit: debitAccountId, credit: creditAccountId, amount: minor },
        id,
        String(request.headers["idempotency-key"]),
      );
    return { id, externalId, status: "posted", debitAccountId, creditAccountId, amount, currency, createdAt: new Date().toISOString() };
  };
  app.route<{ Body: Body }>({ method: "POST", url: "/payments", schema: SCHEMA, handler: pay });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : null });
  process.on("disconnect", () => {
    app.server.closeAllConnections();
    void app.close().then(() => pool?.end());
  });
}

await serve();
