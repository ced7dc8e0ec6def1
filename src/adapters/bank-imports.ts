// Sends a file to the bulk import of a bank, as its tenants' systems do: over HTTP, at the pace at which the bank takes it.

import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

export type ImportAnswer = {
  readonly status: number;
  /** Seconds after which to come again; null: it does not say. */
  readonly retryAfter: number | null;
  readonly text: string;
  /** {} where the answer is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
};

/** There was no answer: what was sent may be settled or not. */
export class NoAnswer extends Error {}

/** What is to be sent: anew for each try. */
export type SentFile = { readonly mediaType: string; readonly size: number; open(): Readable };

export type BankImports = {
  /** `onSent` hears of the bytes as they leave. @throws NoAnswer */
  send(query: Readonly<Record<string, string>>, file: SentFile, onSent: (bytes: number) => void): Promise<ImportAnswer>;
  /** `path` below /integration/clients. @throws NoAnswer */
  get(path: string): Promise<ImportAnswer>;
};

/** A bank that neither takes nor answers anything for so long is lost. */
const SILENCE_MS = 60_000;

/** `url`: where the bank's API begins. */
export function openBankImports(url: URL, token: string): BankImports {
  const base = url.href.endsWith("/") ? url.href : `${url.href}/`;
  const call = (method: string, path: string, headers: Readonly<Record<string, string | number>>, body: Readable | null) =>
    exchange(new URL(`integration/clients/${path}`, base), method, { ...headers, authorization: `Bearer ${token}` }, body);
  return {
    send(query, file, onSent) {
      const body = file.open().on("data", (piece: Buffer) => onSent(piece.length));
      const headers = { "content-type": file.mediaType, "content-length": file.size };
      return call("POST", `import?${new URLSearchParams(query).toString()}`, headers, body);
    },
    get: (path) => call("GET", path, {}, null),
  };
}

function exchange(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string | number>>,
  body: Readable | null,
): Promise<ImportAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      body?.destroy();
      reject(new NoAnswer(error.message, { cause: error }));
    };
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const sent = request(url, { method, headers, agent: false }, (answer) => {
      // A bank that has answered wants no more of the file.
      body?.destroy();
      text(answer).then((content) => {
        sent.destroy();
        resolve({
          status: answer.statusCode ?? 0,
          retryAfter: secondsOf(answer.headers["retry-after"]),
          text: content,
          body: objectOf(content),
        });
      }, fail);
    });
    sent.setTimeout(SILENCE_MS, () => sent.destroy(new Error("the bank is silent")));
    sent.on("error", fail);
    body?.on("error", (error) => sent.destroy(error));
    if (body === null) sent.end();
    else body.pipe(sent);
  });
}

function secondsOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,4}$/.test(header) ? Number(header) : null;
}

function objectOf(content: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
