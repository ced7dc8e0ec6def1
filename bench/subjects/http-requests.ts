// The requests of the load, as texts: the documented operations, each with an externalId and an idempotency key that nobody used before.

import { randomUUID } from "node:crypto";
import type { Order } from "../load.ts";

/** Writes requests to the product for these accounts. */
export function productRequests(token: string, accounts: readonly string[]) {
  const post = (path: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\nidempotency-key: ${randomUUID()}\r\n` +
    (body === "" ? "content-length: 0\r\n\r\n" : `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  const line = ({ debit, credit, amount }: Order): string =>
    `"debitAccountId":"${accounts[debit]}","creditAccountId":"${accounts[credit]}","amount":"${formatCents(amount)}","currency":"EUR"`;
  const transfer = (order: Order): string => `{"externalId":"${randomUUID()}",${line(order)}}`;
  return {
    /** createTransferPayment. */
    transfer: (order: Order) => post("/v2/internal/Payments/transfer", transfer(order)),
    /** createPayment. */
    create: (order: Order, state: "draft" | "pending") =>
      post("/v2/internal/Payments", `{"externalId":"${randomUUID()}","state":"${state}","transactions":[{${line(order)}}]}`),
    /** pendPayment, postPayment, cancelPayment. */
    change: (paymentId: string, change: "pend" | "post" | "cancel") => post(`/v2/internal/Payments/${paymentId}/${change}`, ""),
    /** createPaymentBatch. */
    batch: (orders: readonly Order[]) => post("/v2/internal/Payments/batch", `{"payments":[${orders.map(transfer).join(",")}]}`),
  };
}

/** The same for the servers of the bench, which know accounts by number. */
export function plainRequest({ debit, credit, amount }: Order): string {
  const body = `{"externalId":"${randomUUID()}","debitAccountId":${debit},"creditAccountId":${credit},"amount":"${formatCents(amount)}","currency":"EUR"}`;
  return (
    "POST /payments HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n" +
    `idempotency-key: ${randomUUID()}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

function formatCents(amount: number): string {
  return `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;
}
