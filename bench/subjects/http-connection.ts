// One kept-alive connection with one call at a time. It reads just enough of the answer to know that it is whole and a success, because
// it takes its time from the same processors as the server it calls.

import { connect, type Socket } from "node:net";

/** How far an answer has come: its text, and how long it will be once that is known. */
type Answer = { text: string; whole: number | null };

export class Connection {
  readonly #socket: Socket;
  #answer: Answer = { text: "", whole: null };
  #waiting: { resolve(answer: string): void; reject(error: Error): void } | null = null;

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

  /** Head and body of the answer as one text, each character a byte; rejects unless it is a 200. */
  send(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    const answer = this.#answer;
    answer.text += text;
    answer.whole ??= lengthOf(answer.text);
    if (answer.whole === null || answer.text.length < answer.whole) return;
    this.#answer = { text: "", whole: null };
    const waiting = this.#waiting;
    this.#waiting = null;
    if (answer.text.startsWith("HTTP/1.1 200 ")) waiting?.resolve(answer.text);
    else waiting?.reject(new Error(`the server answered ${answer.text}`));
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}

/** Of the whole answer; null until its head is there. */
function lengthOf(text: string): number | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${text.slice(0, end)}`);
  return end + 4 + Number(length);
}
