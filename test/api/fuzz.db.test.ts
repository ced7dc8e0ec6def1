// Thousands of requests made from the API description, sound and broken, to every operation: never a 5xx, always a status that the
// description names, every answer as its endpoint promises (test/setup/answer-check.ts), and the books in order at the end.
// FINLEGO_SEED repeats a run, FINLEGO_NIGHTLY=1 makes it fifty times as long.

import { createHmac } from "node:crypto";
import type { Audience } from "#platform/access.ts";
import { SCOPES } from "#platform/access.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeApi } from "../../src/app.ts";
import { aCompany, aLine, aNewClient, anIndividual, aTransfer, unique } from "../builders.ts";
import { type GeneratedRequest, type Hints, operationsOf, requestOf } from "../requests.ts";
import { expectSound } from "../setup/answer-check.ts";
import { aPdf, aPng } from "../setup/document-files.ts";
import { uploadForm } from "../setup/documents.ts";
import { importer, ndjson } from "../setup/imports.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount, WEBHOOK_SECRET } from "../setup/ledger.ts";

const RUNS = process.env["FINLEGO_NIGHTLY"] === "1" ? 100_000 : 3_000;
const seed = process.env["FINLEGO_SEED"];

/** What needs a provider, a code that only its client was sent, or years to pass: tests of their own meet it. */
const ELSEWHERE = ["startClientVerification 200", "verifyOtp 200", "reviewDeletionNotification 200", "eraseClient 200", "getErasure 200"];

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

test(`${RUNS} requests to every operation: no server error, and no answer that is not described`, {
  timeout: 20_000 + RUNS * 15,
}, async () => {
  const operations = operationsOf(await describeApi()).filter((operation) => "x-audience" in operation);
  const open = new Set<string>();
  const hints = await makeHints(open);
  const [clientId] = hints.ids["clientId"] ?? [];
  const client = await bank.mint({ audience: "frontOffice", clientId });
  const system = await bank.mint({ audience: "system", scope: SCOPES.join(" ") });
  const counts = new Map<string, number>();

  const any = fc.oneof(...operations.map((operation) => fc.tuple(fc.constant(operation), requestOf(operation, hints))));
  await fc.assert(
    fc.asyncProperty(any, async ([operation, request]) => {
      const audience = (operation as unknown as { "x-audience": Audience })["x-audience"];
      const credential =
        audience === "signature" ? signed(request) : { authorization: `Bearer ${audience === "frontOffice" ? client : system}` };
      const { status, body } = await send(operation.method, credential, request);
      if (status === 200 && body["clientId"] === clientId && "accountNumber" in body) note(open, body);
      const named = `${operation.operationId} ${status}`;
      // There is no provider here, and the operation says so.
      if (body["code"] !== "verificationUnavailable") expect(status, named).toBeLessThan(500);
      expect(Object.keys(operation.responses), named).toContain(String(status));
      counts.set(named, (counts.get(named) ?? 0) + 1);
    }),
    { numRuns: RUNS, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  );

  expect(await bank.unbalanced()).toEqual([]);
  // A run that never got through to the operations, or was never refused by them, would say nothing. The long one meets each of them;
  // the short one, with some forty requests for each, nearly all.
  const met = [...counts.keys()].join(" ");
  const unmet = operations.flatMap(({ operationId, parameters = [], requestBody }) => [
    ...(new RegExp(`\\b${operationId} 200`).test(met) ? [] : [`${operationId} 200`]),
    ...((requestBody === undefined && parameters.length === 0) || new RegExp(`\\b${operationId} 4`).test(met)
      ? []
      : [`${operationId} 4..`]),
  ]);
  if (RUNS > 50_000) expect(unmet.filter((each) => !ELSEWHERE.includes(each))).toEqual([]);
  else expect(unmet.length, unmet.join()).toBeLessThan(operations.length / 5);
});

/** Which accounts of the client are open: what an order of them must list. */
function note(open: Set<string>, { id, status }: Readonly<Record<string, unknown>>): void {
  if (status === "closed") open.delete(String(id));
  else open.add(String(id));
}

type Told = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** Who knows the secret signs what it sends, well-formed or not. */
function signed({ body = "" }: GeneratedRequest): Readonly<Record<string, string>> {
  return { "x-payload-digest": createHmac("sha256", WEBHOOK_SECRET).update(body).digest("hex") };
}

async function send(method: string, credential: Readonly<Record<string, string>>, { url, headers, body }: GeneratedRequest): Promise<Told> {
  const all = { ...credential, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers };
  const answer = await bank.app.inject({ method: method as "GET", url, headers: all, ...(body === undefined ? {} : { payload: body }) });
  expectSound({ headers: answer.headers, text: answer.body });
  const isObject = String(answer.headers["content-type"]).includes("json") && answer.body.startsWith("{");
  return { status: answer.statusCode, body: isObject ? answer.json<Told["body"]>() : {} };
}

/** The client of the run is a person. */
function aChangedPerson(): Record<string, unknown> {
  const { type: _type, externalId: _name, ...body } = aNewClient("individual");
  return body;
}

/** Documents of the client, and of a company and of its person: some more than a run deletes early. */
async function makePapers(clientId: string): Promise<{ companyId: string; personId: string; documentIds: string[] }> {
  const staff = bank.callAs({ kind: "system", scopes: ["documents.write", "integration.import"] });
  const company = bodyOf(await staff.post("/integration/clients/companies", aCompany()));
  const [person] = company["relatedIndividuals"] as { relatedIndividualId: string }[];
  const [companyId, personId] = [String(company["clientId"]), person?.relatedIndividualId ?? ""];
  const form = uploadForm({});
  const documentIds: string[] = [];
  for (const path of [`${clientId}/Documents`, `${companyId}/related-individuals/${personId}/documents`]) {
    for (let count = 0; count < 8; count++) {
      const answer = await staff.post(`/internal/Clients/${path}/upload`, form.body, form.headers);
      documentIds.push(String(bodyOf(answer)["documentId"]));
    }
  }
  return { companyId, personId, documentIds };
}

/** Of two clients, one with a fault. */
async function makeImport(): Promise<string> {
  const answer = await importer(bank).send([anIndividual(), anIndividual({ email: "nobody" })]);
  return String(bodyOf(answer)["importId"]);
}

const PLAN = {
  name: "Fuzz",
  currency: "EUR",
  monthlyFee: "1.00",
  limits: [{ kind: "dailyOutgoing", amount: 5, currency: "JPY" }],
  fees: [{ kind: "foreignExchange", percent: "0.5", minimum: "0", currency: "EUR" }],
};

async function makeHints(open: Set<string>): Promise<Hints> {
  const [funded, other, fee, yen] = [
    await bank.aFundedAccount("1000.00"),
    await bank.anAccount(),
    await bank.anAccount({ type: "fee" }),
    await bank.anAccount({ currency: "JPY" }),
  ];
  const payments = await Promise.all([1, 2, 3].map(async () => bodyOf(await bank.transfer(aTransfer(other, fee, "1.00")))));
  const [line] = (payments[0]?.["transactions"] ?? []) as { id: string }[];
  // Some wait for their next step, between accounts that nobody blocks or closes: enough for each operation to meet one before it has ended.
  const [quiet, calm] = [await bank.anAccount(), await bank.anAccount()];
  for (let count = 0; count < 40; count++) {
    const order = { externalId: unique("fuzz"), state: count % 2 === 0 ? "draft" : "pending", transactions: [aLine(quiet, calm, "1.00")] };
    payments.push(bodyOf(await bank.system.post("/v2/internal/Payments", order)));
  }
  const accounts: TestAccount[] = [funded, other, fee, yen];
  const ids = accounts.map(({ id }) => id);
  const account = fc.constantFrom(...accounts);
  const amount = fc.constantFrom("0.01", "1", "5.00", 7, "10000000000000.00");
  const several = fc.array(fc.tuple(account, account, amount), { minLength: 1, maxLength: 4 }).map((lines) => {
    return { externalId: unique("fuzz"), transactions: lines.map(([debit, credit, value]) => aLine(debit, credit, value)) };
  });
  const transfer = fc.oneof(
    fc.tuple(account, account, amount).map(([debit, credit, value]) => aTransfer(debit, credit, value)),
    several,
  );
  const clientId = funded.clientId ?? "";
  // Most filters would be refused for one of themselves, which each of them knows best.
  const search = fc.constantFrom<unknown>({}, { currencies: ["EUR"], balanceFrom: -5 }, { search: "EUR", sortBy: "name", pageSize: 2 });
  const closed = bodyOf(await bank.system.post("/v2/internal/Accounts", { type: "client", clientId, currency: "EUR" }));
  bodyOf(await bank.system.put(`/v2/internal/Accounts/${String(closed["id"])}/close`));
  open.add(funded.id);
  const papers = await makePapers(clientId);
  return {
    ids: {
      accountId: ids,
      debitAccountId: ids,
      creditAccountId: ids,
      clientId: [clientId, clientId, clientId, papers.companyId],
      relatedIndividualId: [papers.personId],
      documentId: papers.documentIds,
      importId: [await makeImport()],
      // Some stand twice: what only they can be asked for must be asked for.
      id: [
        funded.id,
        funded.id,
        funded.id,
        funded.accountNumber,
        funded.iban ?? "",
        other.id,
        ...Array<string>(2).fill(line?.id ?? ""),
        ...Array<string>(2).fill(String(closed["id"])),
      ],
      paymentId: payments.map(({ id }) => String(id)),
      externalId: payments.map(({ externalId }) => String(externalId)),
      // Of plans, and of one-time codes.
      code: ["fuzz", "fuzz", "other", "000000"],
    },
    bodies: {
      createTransferPayment: transfer,
      createTransferPaymentOfLedger: transfer,
      createPayment: fc.constant(null).map(() => ({ externalId: unique("fuzz"), transactions: [aLine(other, fee, "1.00")] })),
      createPaymentOfLedger: several,
      createPaymentBatch: fc.record(
        { payments: fc.array(transfer, { minLength: 1, maxLength: 5 }), atomic: fc.boolean() },
        { requiredKeys: ["payments"] },
      ),
      openAccount: fc.constantFrom<unknown>(
        { type: "client", clientId, currency: "EUR" },
        { type: "fee", currency: "KWD", name: "Fuzz" },
        { type: "reserve", currency: "USD", externalId: "fuzz" },
      ),
      changeOwnAccount: fc.constantFrom<unknown>({ name: "Fuzz" }, { isDefault: true }, { name: "Other", isDefault: true }),
      changeAccount: fc.constantFrom<unknown>({ name: "Fuzz" }, { creditLimit: 5 }, { creditLimit: "0.00", name: "Other" }),
      searchAccounts: search,
      searchAccountsOfList: search,
      calculateBalances: fc.constantFrom<unknown>({ accountIds: ids }, { accountIds: ids.slice(0, 1), basis: "valued" }),
      blockAccount: fc.constant({ credit: true, reason: "fuzz" }),
      unblockAccount: fc.constant({ debit: true, credit: true, reason: "fuzz" }),
      reorderOwnAccounts: fc.constant(null).map(() => ({ accountIds: [...open].reverse() })),
      importIndividualClient: fc.constant(null).map(() => anIndividual()),
      importCompanyClient: fc.constant(null).map(() => aCompany()),
      createClient: fc.constantFrom<"individual" | "company">("individual", "company").map((type) => aNewClient(type)),
      updateClient: fc.constant(null).map(() => aChangedPerson()),
      blockClient: fc.constant({ reason: "fuzz" }),
      // Mostly as it was: a blocked client is refused by most of what follows.
      changeClientStatus: fc.constantFrom("active", "active", "blocked").map((status) => ({ status, reason: "fuzz" })),
      putPlan: fc.nat(5).map((count) => ({ ...PLAN, limits: [...PLAN.limits, { kind: "accounts", count: 900 + count }] })),
      chooseClientPlan: fc.constant({ code: "standard" }),
      uploadDocument: fc.constant({ file: aPdf(), type: "passport", description: "fuzz" }),
      uploadDocuments: fc.constant({ files: [aPdf(), aPng()], types: ["selfie", "other"] }),
      importClients: fc.constant(null).map(() => ndjson([anIndividual(), anIndividual({ email: "nobody" })])),
      updateVerificationState: fc.nat(9).map((digit) => ({
        type: "applicantReviewed",
        applicantId: `${digit}`.repeat(24),
        externalUserId: clientId,
        createdAtMs: `2026-01-0${1 + (digit % 9)} 10:15:30.123`,
        reviewStatus: "completed",
        reviewResult: { reviewAnswer: "GREEN" },
      })),
      uploadRelatedIndividualDocument: fc.constant({ file: aPng(), type: "idCard" }),
    },
  };
}
