// A small believable bank to look at: three clients of a white-label customer, their accounts, money that came in and moved on. It is
// made through the API itself, each step under an idempotency key, so that a second start finds everything and changes nothing.

import type { FastifyInstance } from "fastify";
import type { DevelopmentIssuer } from "#platform/development-issuer.ts";
import { invariant } from "#platform/problem.ts";
import { StartupError } from "#platform/startup-error.ts";

export type DemoBank = { readonly clientId: string; readonly summary: string };

const TENANT = "nordlicht";
const SCOPES = "clients.write integration.import ledger.read ledger.write";

type Send = (route: `${"POST" | "PUT"} /${string}`, key: string, body: object) => Promise<Record<string, unknown>>;

export async function fillDemoBank(http: FastifyInstance, issuer: DevelopmentIssuer): Promise<DemoBank> {
  const own = caller(http, await issuer.mint({ audience: "system", scope: SCOPES, subject: "demo" }, Date.now()));
  const partner = caller(http, await issuer.mint({ audience: "system", scope: SCOPES, subject: "demo", tenant: TENANT }, Date.now()));

  const settlement = await openAccount(own, "settlement EUR", {
    type: "settlement",
    currency: "EUR",
    name: "Our money at the partner bank",
  });
  const fees = await openAccount(own, "fee EUR", { type: "fee", currency: "EUR", name: "Fee income" });
  const clients = [];
  for (const person of PEOPLE) clients.push(await addClient(partner, own, person));
  const [ada, grace, alan] = clients;
  invariant(ada && grace && alan, "the demo bank has three clients");

  await own("PUT /internal/Plans/plus", "plan plus", PLUS);
  await own(`PUT /internal/Clients/${grace.clientId}/plan`, "plan of grace", { code: "plus" });

  await pay(own, "salary-2026-01", "deposit", settlement, ada.accountId, "2500.00", "Salary January");
  await pay(own, "deposit-grace", "deposit", settlement, grace.accountId, "800.00", "Opening deposit");
  await pay(own, "deposit-alan", "deposit", settlement, alan.accountId, "120.50", "Card top-up");
  await pay(own, "rent-2026-01", "transfer", ada.accountId, grace.accountId, "950.00", "Rent January");
  await pay(own, "dinner", "transfer", grace.accountId, alan.accountId, "32.40", "Dinner on Friday");
  await pay(own, "fee-ada-2026-01", "fee", ada.accountId, fees, "4.90", "Account fee January");
  await pay(own, "withdrawal-alan", "withdrawal", alan.accountId, settlement, "60.00", "Cash withdrawal");
  return { clientId: ada.clientId, summary: "3 clients of the white-label customer 'nordlicht', 5 accounts, 7 payments, 2 plans" };
}

function caller(http: FastifyInstance, token: string): Send {
  return async (route, key, body) => {
    const [method, url] = route.split(" ") as ["POST" | "PUT", string];
    const answer = await http.inject({
      method,
      url,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": `demo ${key}` },
      payload: JSON.stringify(body),
    });
    // Settings that leave no room for it, such as a low limit of calls or other currencies, are no bug.
    if (answer.statusCode !== 200) {
      throw new StartupError(
        `The demo bank could not be made: ${route} answered ${answer.statusCode}. Start without it: FINLEGO_DEMO=0\n${answer.body}`,
      );
    }
    return answer.json<Record<string, unknown>>();
  };
}

async function openAccount(send: Send, key: string, body: object): Promise<string> {
  return String((await send("POST /v2/internal/Accounts", `account ${key}`, body))["id"]);
}

async function addClient(partner: Send, own: Send, person: Person): Promise<{ clientId: string; accountId: string }> {
  const { clientId } = await partner("POST /integration/clients/individuals", `client ${person.externalId}`, profileOf(person));
  const accountId = await openAccount(own, `client ${person.externalId}`, { clientId, type: "client", currency: "EUR", name: "Everyday" });
  return { clientId: String(clientId), accountId };
}

async function pay(
  send: Send,
  externalId: string,
  type: string,
  debitAccountId: string,
  creditAccountId: string,
  amount: string,
  description: string,
): Promise<void> {
  await send("POST /v2/internal/Payments/transfer", `payment ${externalId}`, {
    externalId: `demo-${externalId}`,
    type,
    debitAccountId,
    creditAccountId,
    amount,
    currency: "EUR",
    description,
  });
}

/** Dearer by the month, cheaper by the payment. */
const PLUS = {
  name: "Plus",
  currency: "EUR",
  monthlyFee: "12.90",
  limits: [
    { kind: "accounts", count: 2000 },
    { kind: "singleTransfer", amount: "250000.00", currency: "EUR" },
    { kind: "dailyOutgoing", amount: "500000.00", currency: "EUR" },
    { kind: "monthlyOutgoing", amount: "2500000.00", currency: "EUR" },
  ],
  fees: [
    { kind: "outgoingTransfer", transferType: "sepa", amount: "0.00", currency: "EUR" },
    { kind: "outgoingTransfer", transferType: "sepaInstant", amount: "0.00", currency: "EUR" },
    { kind: "outgoingTransfer", transferType: "swift", amount: "8.00", currency: "EUR" },
    { kind: "accountMonthly", amount: "0.00", currency: "EUR" },
    { kind: "foreignExchange", percent: "0.25", minimum: "0.50", currency: "EUR" },
  ],
};

type Person = {
  readonly externalId: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly city: string;
  readonly dateOfBirth: string;
};

/** Made up: no data of anybody. */
const PEOPLE: readonly Person[] = [
  { externalId: "demo-ada", firstName: "Ada", lastName: "Example", city: "Vilnius", dateOfBirth: "1990-12-10" },
  { externalId: "demo-grace", firstName: "Grace", lastName: "Sample", city: "Kaunas", dateOfBirth: "1986-12-09" },
  { externalId: "demo-alan", firstName: "Alan", lastName: "Specimen", city: "Klaipeda", dateOfBirth: "1992-06-23" },
];

function profileOf({ city, externalId, ...person }: Person): object {
  return {
    externalId,
    riskLevel: "low",
    address: { streetLine1: "Example Street 1", city, zip: "01100", country: "LT" },
    phoneNumber: "+37060000000",
    email: `${externalId}@example.com`,
    ...person,
    citizenshipCountry: "LT",
    residenceCountry: "LT",
    identificationDocument: {
      type: "passport",
      number: "00000000",
      issuedBy: "Example Office",
      issuedCountryCode: "LT",
      issuedDate: "2022-01-01",
      expirationDate: "2032-01-01",
    },
  };
}
