// The load over HTTP, in a process of its own: one kept-alive connection per caller and as little work per call as can be, because it
// takes its time from the same processors as the server it measures.

import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Order } from "../load.ts";
import type { HttpTarget, SubjectOptions } from "../subject.ts";
import type { Payer } from "./payer.ts";

export async function openHttpCaller({ http, accounts }: SubjectOptions): Promise<Payer> {
  if (http === null) throw new Error("no server to call");
  let connections: Connection[] = [];
  const close = (): void => {
    for (const connection of connections) connection.close();
    connections = [];
  };
  const write = http.api === "product" ? writeTransfer(http, accounts) : writePlain();
  return {
    accounts: accounts.length,
    async prepare({ callers }) {
      close();
      connections = await Promise.all(Array.from({ length: callers }, () => Connection.open(http.port)));
    },
    async pay(order, caller) {
      const connection = connections[caller];
      if (connection === undefined) throw new Error("a caller without a connection");
      await connection.send(write(order));
    },
    close: async () => close(),
  };
}

/** The documented operation createTransferPayment, with an externalId and an idempotency key that nobody used before. */
function writeTransfer({ token }: HttpTarget, accounts: readonly string[]): (order: Order) => string {
  const head =
    "POST /v2/internal/Payments/transfer HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n" +
    `authorization: Bearer ${token}\r\nidempotency-key: `;
  return ({ debit, credit, amount }) => {
    const id = randomUUID();
    const body = `{"externalId":"${id}","debitAccountId":"${accounts[debit]}","creditAccountId":"${accounts[credit]}","amount":"${formatCents(amount)}","currency":"EUR"}`;
    return `${head}${id}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  };
}

/** The same for the servers of the bench, which know accounts by number. */
function writePlain(): (order: Order) => string {
  const head = "POST /payments HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nidempotency-key: ";
  return ({ debit, credit, amount }) => {
    const id = randomUUID();
    const body = `{"externalId":"${id}","debitAccountId":${debit},"creditAccountId":${credit},"amount":"${formatCents(amount)}","currency":"EUR"}`;
    return `${head}${id}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  };
}

function formatCents(amount: number): string {
  return `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;
}

/** One connection with one call at a time. It reads just enough of the answer to know that it is whole and a success. */
class Connection {
  readonly #socket: Socket;
  #text = "";
  #waiting: { resolve(): void; reject(error: Error): void } | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.setNoDelay(true);
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new Connection(socket)));
      socket.once("error", reject);
    });
  }

  send(request: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const at = this.#text.toLowerCase().indexOf("content-length: ");
    const length = Number.parseInt(this.#text.slice(at + 16, at + 26), 10);
    if (this.#text.length < end + 4 + length) return;
    const answer = this.#text;
    this.#text = "";
    const waiting = this.#waiting;
    this.#waiting = null;
    if (answer.startsWith("HTTP/1.1 200 ")) waiting?.resolve();
    else waiting?.reject(new Error(`the server answered ${answer}`));
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}
