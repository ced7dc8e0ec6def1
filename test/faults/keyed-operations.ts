// The operations that honour an Idempotency-Key, as the key suites need them: a good body, another one, one that is refused, and what
// counts as an effect.

import { anIndividual, unique } from "../builders.ts";
import { ACCOUNTS, type Bank, BATCH, Caller, draftOf, IMPORTS, PAYMENTS, TRANSFER, transferOf } from "./bank.ts";

export type Body = Readonly<Record<string, unknown>>;

export type KeyedOperation = {
  readonly name: string;
  /** Where this body is sent: a step of a payment's life goes to its payment. */
  readonly path: (body: Body) => string;
  /** Good, and never the same twice. */
  readonly body: () => Body | Promise<Body>;
  /** The same call with one meaning changed. */
  readonly other: (body: Body) => Body;
  /** 400 by one field. */
  readonly malformed: (body: Body) => Body;
  /** 404, and the same call with what was missing now named; null where nothing can be missing. */
  readonly absent: ((body: Body) => Body) | null;
  /** A body that is refused with 409 now, and what takes the reason away where that is possible; null: no such refusal. */
  readonly refused: (() => Promise<{ readonly body: Body; readonly mend: () => Promise<void> }>) | null;
  /** How many effects the books hold of this body. */
  readonly effects: (body: Body) => Promise<number>;
};

/** What all of them work on. */
export type KeyedBank = {
  readonly bank: Bank;
  readonly caller: Caller;
  readonly settlement: string;
  /** Rich enough for every good body. */
  readonly rich: string;
  /** Empty until a refusal is mended. */
  readonly poor: string;
  readonly clientId: string;
};

const UNKNOWN_ID = "018f0000-0000-7000-8000-000000000000";

export async function prepareKeyedBank(bank: Bank, port: number): Promise<KeyedBank> {
  const caller = new Caller(port, bank.token);
  const settlement = await caller.settlement();
  const clientId = await caller.client();
  const [rich, poor] = [await caller.account(clientId), await caller.account(clientId)];
  await caller.fund(settlement, rich, "100000.00");
  return { bank, caller, settlement, rich, poor, clientId };
}

export function keyedOperations(on: KeyedBank): KeyedOperation[] {
  return [
    transfer(on),
    accountOpening(on),
    clientImport(on),
    batch(on, false),
    batch(on, true),
    draft(on),
    step(on, "pend"),
    step(on, "post"),
    step(on, "cancel"),
  ];
}

function transfer({ bank, caller, settlement, rich, poor }: KeyedBank): KeyedOperation {
  return {
    name: "transfer",
    path: () => TRANSFER,
    body: () => ({ ...transferOf(rich, settlement, "1.50") }),
    other: (body) => ({ ...body, amount: "1.51" }),
    malformed: (body) => ({ ...body, amount: "1.505" }),
    absent: (body) => ({ ...body, creditAccountId: UNKNOWN_ID }),
    refused: async () => ({ body: { ...transferOf(poor, settlement, "3.00") }, mend: () => caller.fund(settlement, poor, "3.00") }),
    effects: (body) => countPayments(bank, [body]),
  };
}

function draft({ bank, caller, settlement, rich, poor }: KeyedBank): KeyedOperation {
  const order = (from: string, state: string): Body => ({ ...draftOf(from, settlement, "1.50"), state });
  return {
    name: "draft",
    path: () => PAYMENTS,
    body: () => order(rich, "draft"),
    other: (body) => ({ ...body, state: "pending" }),
    malformed: (body) => ({ ...body, state: "posted" }),
    absent: (body) => ({ ...body, transactions: draftOf(rich, UNKNOWN_ID, "1.50").transactions }),
    refused: async () => ({ body: order(poor, "pending"), mend: () => caller.fund(settlement, poor, "1.50") }),
    effects: (body) => countPayments(bank, [body]),
  };
}

/** A step of a drafted payment's life. Its body tells it apart by the reason. */
function step({ bank, caller, settlement, rich, poor }: KeyedBank, name: "pend" | "post" | "cancel"): KeyedOperation {
  const paymentIds = new Map<unknown, string>();
  const change = { pend: "payment.pending", post: "payment.posted", cancel: "payment.cancelled" }[name];
  const prepare = async (from: string): Promise<Body> => {
    const body = { reason: unique(name) };
    paymentIds.set(
      body.reason,
      await caller.make(PAYMENTS, { ...draftOf(from, settlement, "1.50"), state: name === "post" ? "pending" : "draft" }),
    );
    return body;
  };
  const idOf = (body: Body): string => paymentIds.get(body["reason"]) ?? UNKNOWN_ID;
  return {
    name,
    path: (body) => `${PAYMENTS}/${idOf(body)}/${name}`,
    body: () => prepare(rich),
    other: (body) => ({ ...body, reason: `${String(body["reason"])} and more` }),
    malformed: (body) => ({ ...body, surplus: true }),
    // Its payment stands in the path, which is a part of what the key is for.
    absent: null,
    refused: name === "pend" ? async () => ({ body: await prepare(poor), mend: () => caller.fund(settlement, poor, "1.50") }) : null,
    effects: (body) =>
      count(bank, "select count(*)::int as n from general_ledger.payment_change where payment_id = $1 and change::text = $2", [
        idOf(body),
        change,
      ]),
  };
}

function batch({ bank, caller, settlement, rich, poor }: KeyedBank, atomic: boolean): KeyedOperation {
  const payments = (body: Body): Body[] => body["payments"] as Body[];
  const withLast = (body: Body, change: Body): Body => ({
    ...body,
    payments: payments(body).map((item, index, all) => (index === all.length - 1 ? { ...item, ...change } : item)),
  });
  const three = (from: string): Body => ({ payments: [rich, rich, from].map((payer) => transferOf(payer, settlement, "1.50")), atomic });
  return {
    name: atomic ? "atomic batch" : "batch",
    path: () => BATCH,
    body: () => three(rich),
    other: (body) => withLast(body, { amount: "1.51" }),
    malformed: (body) => (atomic ? withLast(body, { amount: "1.505" }) : { ...body, surplus: true }),
    absent: atomic ? (body) => withLast(body, { creditAccountId: UNKNOWN_ID }) : null,
    refused: atomic ? async () => ({ body: three(poor), mend: () => caller.fund(settlement, poor, "1.50") }) : null,
    effects: async (body) => (await countPayments(bank, payments(body))) / payments(body).length,
  };
}

function accountOpening({ bank, caller }: KeyedBank): KeyedOperation {
  return {
    name: "account",
    path: () => ACCOUNTS,
    body: () => ({ type: "reserve", currency: "EUR", name: "Reserve", externalId: unique("account") }),
    other: (body) => ({ ...body, name: "Another" }),
    malformed: (body) => ({ ...body, currency: "eur" }),
    absent: (body) => ({ ...body, type: "client", clientId: UNKNOWN_ID }),
    refused: async () => {
      const taken = { type: "reserve", currency: "EUR", name: "Taken", externalId: unique("account") };
      await caller.make(ACCOUNTS, taken);
      return { body: { ...taken, name: "Taker" }, mend: nothing };
    },
    effects: (body) =>
      count(bank, "select count(*)::int as n from general_ledger.account_profile where external_id = $1", [body["externalId"]]),
  };
}

function clientImport({ bank, caller }: KeyedBank): KeyedOperation {
  return {
    name: "import",
    path: () => IMPORTS,
    body: () => anIndividual(),
    other: (body) => ({ ...body, lastName: "Other" }),
    malformed: (body) => ({ ...body, dateOfBirth: "1990-02-30" }),
    absent: null,
    refused: async () => {
      const taken = anIndividual();
      await caller.make(IMPORTS, taken, "clientId");
      return { body: { ...taken, lastName: "Other" }, mend: nothing };
    },
    effects: (body) => count(bank, "select count(*)::int as n from client_profile.client where external_id = $1", [body["externalId"]]),
  };
}

/** The reason stays: what is kept must be told apart by its trace id. */
async function nothing(): Promise<void> {}

async function countPayments(bank: Bank, bodies: readonly Body[]): Promise<number> {
  return await count(bank, "select count(*)::int as n from general_ledger.payment where external_id = any($1)", [
    bodies.map((body) => body["externalId"]),
  ]);
}

async function count(bank: Bank, text: string, values: readonly unknown[]): Promise<number> {
  return (await bank.query<{ n: number }>(text, values))[0]?.n ?? -1;
}
