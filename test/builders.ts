// Things that tests need and do not care about. Synthetic throughout: nobody is called so.

import type { TestApp } from "./setup/http.ts";

let count = 0;

/** A text that no other call of this run gives. */
export function unique(prefix: string): string {
  return `${prefix}-${process.pid}-${++count}`;
}

/** A person as an integrated system sends it (operation 99), valid in every field, with an externalId of its own. */
export function anIndividual(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    externalId: unique("person"),
    riskLevel: "low",
    address: { streetLine1: "1 Sample Street", streetLine2: null, city: "Sampleton", state: null, zip: "12345", country: "DE" },
    phoneNumber: "+4915123456789",
    email: "sample.person@example.com",
    firstName: "Sample",
    lastName: "Person",
    citizenshipCountry: "DE",
    identificationDocument: {
      issuedBy: "Sample Office",
      expirationDate: "2031-05-01",
      type: "passport",
      number: "S0000001",
      issuedCountryCode: "DE",
      issuedDate: "2021-05-01",
    },
    residenceCountry: "DE",
    dateOfBirth: "1990-01-31",
    ...changes,
  };
}

/** A copy of a body with the member at the dotted path set to a value; undefined takes it away. */
export function withField(body: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [name = "", ...rest] = path.split(".");
  if (rest.length > 0) return { ...body, [name]: withField({ ...(body[name] as object) }, rest.join("."), value) };
  const { [name]: _old, ...others } = body;
  return value === undefined ? others : { ...others, [name]: value };
}

/** Imports a person and gives its clientId. The app must serve the onboarding operations. */
export async function aClient(
  bank: TestApp,
  options: { readonly tenant?: string; readonly changes?: Record<string, unknown> } = {},
): Promise<string> {
  const { tenant, changes } = options;
  const system = bank.callAs({ kind: "system", scopes: ["integration.import"], ...(tenant === undefined ? {} : { tenant }) });
  const answer = await system.post("/integration/clients/individuals", anIndividual(changes));
  if (answer.status !== 200) throw new Error(`the import of a client answered ${answer.status}: ${answer.text}`);
  return String(answer.body["clientId"]);
}

/** Body of operation 22: an account of the bank, settlement in EUR unless changed. */
export function anAccountOrder(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { type: "settlement", currency: "EUR", ...changes };
}

type Party = { readonly id: string; readonly currency: string };

/** Body of operation 41 between two accounts, in the currency of the first, with an externalId of its own. */
export function aTransfer(
  debit: Party,
  credit: Party,
  amount: unknown,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    externalId: unique("payment"),
    debitAccountId: debit.id,
    creditAccountId: credit.id,
    amount,
    currency: debit.currency,
    ...changes,
  };
}

/** One of the `transactions` of operation 41. */
export function aLine(
  debit: Party,
  credit: Party,
  amount: unknown,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { debitAccountId: debit.id, creditAccountId: credit.id, amount, currency: debit.currency, ...changes };
}
