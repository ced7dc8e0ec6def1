// RFC 9110, section 9.3.2: HEAD of any route that can be read answers as GET does, without the content.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aTransfer } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

let bank: LedgerApp;
let ids: Readonly<Record<string, string>>;
let tokens: Readonly<Record<string, string>>;
beforeAll(async () => {
  bank = await openLedgerApp();
  const account = await bank.aFundedAccount("10.00");
  const payment = bodyOf(await bank.transfer(aTransfer(account, await bank.aClientAccount(), "1.00")));
  const [line] = payment["transactions"] as { id: string }[];
  const clientId = account.clientId ?? "";
  ids = {
    accountId: account.id,
    paymentId: String(payment["id"]),
    clientId,
    "/Accounts/{id}": account.id,
    "/internal/Transactions/{id}": line?.id ?? "",
  };
  tokens = {
    frontOffice: await bank.mint({ audience: "frontOffice", clientId }),
    system: await bank.mint({ audience: "system", scope: "ledger.read events.read clients.read ledger.admin" }),
  };
});
afterAll(() => bank.close());

type Answer = { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly size: number };

async function ask(method: "GET" | "HEAD", url: string, token: string | undefined): Promise<Answer> {
  const answer = await bank.app.inject({ method, url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  // How a message is framed and what names one call is not the answer's.
  const { date: _, traceparent: _t, "x-correlation-id": _c, "transfer-encoding": _e, ...headers } = answer.headers;
  return { status: answer.statusCode, headers, size: answer.rawPayload.length };
}

test("every route that can be read answers HEAD like GET, sound, refused and without a token", async () => {
  const met: number[] = [];
  const routes = bank.endpoints.filter(({ method }) => method === "GET");
  for (const { path, audience } of routes) {
    const url = path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? ids[path] ?? "");
    const token = tokens[audience];
    for (const [address, credential] of [
      [url, token],
      [`${url}?unknown=1`, token],
      [url, undefined],
    ] as const) {
      const [get, head] = [await ask("GET", address, credential), await ask("HEAD", address, credential)];
      expect({ ...head, address, size: 0 }).toEqual({ ...get, address, size: 0 });
      expect([address, head.size]).toEqual([address, 0]);
      met.push(get.status);
    }
  }
  const counted = (status: number): number => met.filter((each) => each === status).length;
  expect(Math.min(counted(200), counted(400), counted(401))).toBeGreaterThan(12);
});
