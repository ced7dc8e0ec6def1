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

/** A person of a company, valid in every field. */
export function aRelatedIndividual(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { externalId: _none, riskLevel: _judgement, ...person } = anIndividual();
  return { roles: ["director"], sharePercent: null, ...person, ...changes };
}

/** A company as an integrated system sends it (operation 100), valid in every field, with an externalId of its own. */
export function aCompany(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { riskLevel, address, phoneNumber, email } = anIndividual();
  return {
    externalId: unique("company"),
    riskLevel,
    address,
    phoneNumber,
    email,
    companyName: "Sample Works GmbH",
    registrationNumber: "HRB 12345",
    registrationCountry: "DE",
    registrationDate: "2015-03-02",
    legalForm: "GmbH",
    taxNumber: "DE123456789",
    businessActivity: "Samples of all kinds",
    website: "https://sample.example",
    operatingAddress: { streetLine1: "2 Works Road", streetLine2: null, city: "Sampleton", state: null, zip: "12346", country: "DE" },
    relatedIndividuals: [aRelatedIndividual({ roles: ["director", "shareholder"], sharePercent: 60.5 }), aRelatedIndividual()],
    ...changes,
  };
}

/** A client as staff enter it (operation 3), valid in every field, with an externalId and an e-mail address of its own. */
export function aNewClient(type: "individual" | "company", changes: Record<string, unknown> = {}): Record<string, unknown> {
  const { externalId, riskLevel, address, phoneNumber, email: _shared, ...facts } = type === "individual" ? anIndividual() : aCompany();
  const email = `${unique("client")}@example.com`;
  return { type, externalId, riskLevel, email, phoneNumber, address, [type]: facts, ...changes };
}

/** A copy of a body with the member at the dotted path set to a value; undefined takes it away. */
export function withField(body: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  return withMember(body, path.split("."), value) as Record<string, unknown>;
}

function withMember(whole: unknown, [name = "", ...rest]: readonly string[], value: unknown): unknown {
  const members = whole as Record<string, unknown>;
  const member = rest.length > 0 ? withMember(members[name] ?? {}, rest, value) : value;
  if (Array.isArray(whole)) return member === undefined ? whole.toSpliced(Number(name), 1) : whole.with(Number(name), member);
  const { [name]: _old, ...others } = members;
  return member === undefined ? others : { ...members, [name]: member };
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
