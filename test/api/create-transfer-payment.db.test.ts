// Operation 41: what a transfer does to the books, what its answer says, and each way it is refused.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique, withField } from "../builders.ts";
import { type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PATH = "/v2/internal/Payments/transfer";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

type Stand = { accountId: string; accountSequence: number; balance: string; heldAmount: string; availableBalance: string };
const stands = (body: Readonly<Record<string, unknown>>): Stand[] => body["accounts"] as Stand[];

/** No trace of a refused payment: neither on the accounts nor under its externalId. */
async function expectUntouched(body: Record<string, unknown>, ...accounts: TestAccount[]): Promise<void> {
  for (const account of accounts) expect(await bank.account(account.id)).toMatchObject({ balance: account.balance });
  const found = await bank.system.get(`/v2/internal/Payments?externalId=${encodeURIComponent(String(body["externalId"]))}`);
  expect(found.body).toMatchObject({ items: [], totalCount: 0 });
}

describe("the answer", () => {
  test("holds every field in the documented order, and null or empty where nothing was said", async () => {
    const payer = await bank.aFundedAccount("100.00");
    const payee = await bank.aClientAccount();
    const order = aTransfer(payer, payee, "30.5");
    const { status, body } = await bank.transfer(order);
    expect(status).toBe(200);
    const id = body["id"] as string;
    expect(Object.entries(body)).toEqual(
      Object.entries({
        id: expect.stringMatching(UUID) as string,
        externalId: order["externalId"],
        type: "transfer",
        state: "posted",
        clientId: payer.clientId,
        transactions: [
          {
            id: `${id.slice(0, 34)}02`,
            debitAccountId: payer.id,
            creditAccountId: payee.id,
            amount: "30.50",
            currency: "EUR",
            type: "transfer",
            description: null,
            state: "posted",
          },
        ],
        description: null,
        reference: null,
        reason: null,
        metadata: {},
        createdAt: expect.stringMatching(INSTANT) as string,
        pendedAt: null,
        postedAt: body["createdAt"],
        cancelledAt: null,
        sequence: expect.any(Number) as number,
        postedSequence: body["sequence"],
        valueDate: (body["createdAt"] as string).slice(0, 10),
        expiresAt: null,
        reversesPaymentId: null,
        reversedByPaymentId: null,
        accounts: [
          { accountId: payer.id, accountSequence: 2, balance: "69.50", heldAmount: "0.00", availableBalance: "69.50" },
          { accountId: payee.id, accountSequence: 1, balance: "30.50", heldAmount: "0.00", availableBalance: "30.50" },
        ],
      }),
    );
  });

  test("repeats what was said: type, description, reference, value date, metadata", async () => {
    const said = {
      type: "fee",
      description: 'Überweisung "quoted" \\ {1,2} NULL',
      reference: "RF18 5390",
      valueDate: "2024-02-29",
      metadata: { b: "2", a: "1", __proto_: "x", constructor: "y" },
    };
    const payer = await bank.aFundedAccount("1.00");
    const { status, body } = await bank.transfer(aTransfer(payer, await bank.anAccount({ type: "fee" }), "1", said));
    expect(status).toBe(200);
    expect(body).toMatchObject(said);
  });
});
