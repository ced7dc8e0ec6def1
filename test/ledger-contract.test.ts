// What the contract names of each operation of the ledger (its sections 5.4 to 5.8, decisions 6, 15, 20, 21) is served as it is spelled
// there: parameters, fields with their bounds, what an answer holds, status codes and the codes of problems. More may be served, less not.

import { expect, test } from "vitest";
import { describeApi } from "../src/app.ts";

type Schema = {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
};
type Content = Readonly<Record<string, { readonly schema: Schema }>>;
type Operation = {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly required?: boolean; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
};
type Api = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
};

/**
 * `query` and `body`: names, `!` where it is required, `=` and its words, or its bounds as `1..100` (characters, or items of a list). `reply`:
 * members of the answer; `[]`: of each item of a plain list; `items`: of each item. `refused`: codes of problems beside those of every route.
 */
type Row = {
  readonly on: string;
  readonly query?: string;
  readonly body?: string;
  readonly reply: string;
  readonly in?: "[]" | "items" | "page";
  readonly status?: string;
  readonly refused?: string;
};

const CLIENT_ACCOUNT =
  "id accountNumber iban bic name currency clientId type status isDefault sortOrder balance heldAmount availableBalance pendingIncomingAmount provider createdAt closedAt " +
  "externalId creditLimit debitBlocked creditBlocked version";
const ACCOUNT = `${CLIENT_ACCOUNT} category`;
const CLIENT_TRANSACTION =
  "id paymentId accountId direction amount currency balanceAfter type state description reference counterpartyName counterpartyAccount transferId valueDate createdAt " +
  "postedAt sequence accountSequence metadata";
const TRANSACTION = `${CLIENT_TRANSACTION} counterAccountId`;
const PAYMENT =
  "id externalId type state clientId transactions description reference reason metadata createdAt pendedAt postedAt cancelledAt sequence postedSequence valueDate expiresAt " +
  "reversesPaymentId reversedByPaymentId accounts";

const ACCOUNT_TYPES = "client,treasury,fee,reserve,clearing,settlement,fxPosition,suspense";
const CATEGORIES = "asset,liability,equity,income,expense";
const STATUSES = "pending,active,blocked,closed";
const PAYMENT_TYPES = "deposit,withdrawal,transfer,fee,foreignExchange,adjustment,reversal";
const STATES = "pending,posted,cancelled";
const PAGE = "pageNumber pageSize cursor sortDirection=asc,desc includeTotalCount";
const ORDER = "sortBy=createdAt,postedAt,valueDate,amount";
const DATES = "dateFrom dateTo";
const SEARCH = `accountIds accountNumbers clientIds currencies types=${ACCOUNT_TYPES} statuses=${STATUSES} search balanceFrom balanceTo createdFrom createdTo sortBy ${PAGE}`;
const TERMS = `externalId!1..100 type=${PAYMENT_TYPES} description..500 reference..140 metadata expiresAt ifVersion reversesPaymentId`;
const STANDING = "accountNotActive accountClosed accountBlocked clientBlocked currencyMismatch limitExceeded";

const SYSTEM_ACCOUNTS: readonly Row[] = [
  {
    on: "POST /v2/internal/Accounts",
    body: `clientId currency! type!=${ACCOUNT_TYPES} name..100 category=${CATEGORIES} accountNumber iban bic externalId..100`,
    reply: ACCOUNT,
    status: "404 409",
    refused: "notFound duplicateExternalId clientNotActive clientProhibited currencyNotAvailable",
  },
  {
    on: "POST /v2/internal/Accounts/recalculate",
    body: "accountIds1..1000",
    reply: "accountId previousBalance balance previousHeldAmount heldAmount changed",
    in: "items",
    status: "404",
    refused: "notFound",
  },
  {
    on: "POST /internal/Accounts/calculateBalances",
    body: "accountIds!1..1000 atDate",
    reply: "accountId currency balance heldAmount availableBalance atDate",
    in: "items",
    status: "404",
    refused: "notFound",
  },
  { on: "GET /v2/ledger/internal/Accounts/{accountId}", reply: ACCOUNT, status: "404", refused: "notFound" },
  { on: "POST /v2/ledger/internal/Accounts/search", body: SEARCH, reply: ACCOUNT, in: "page" },
  { on: "GET /v2/ledger/internal/Accounts", query: SEARCH, reply: ACCOUNT, in: "page" },
  { on: "POST /v2/ledger/internal/Accounts", body: SEARCH, reply: ACCOUNT, in: "page" },
  { on: "POST /v2/ledger/internal/Accounts/by-account-numbers", body: "accountNumbers!1..1000", reply: ACCOUNT, in: "[]" },
  {
    on: "GET /v2/ledger/internal/Accounts/getAggregatedAmounts",
    query: `clientId currencies types=${ACCOUNT_TYPES} statuses=${STATUSES}`,
    reply: "currency category accountsCount balance heldAmount availableBalance pendingIncomingAmount",
    in: "items",
  },
  {
    on: "PATCH /v2/internal/Accounts/{accountId}",
    body: "name1..100 creditLimit",
    reply: ACCOUNT,
    status: "404 409 412",
    refused: "insufficientFunds accountClosed preconditionFailed",
  },
  ...["block", "unblock"].map((verb) => ({
    on: `PUT /v2/internal/Accounts/{accountId}/${verb}`,
    body: "debit credit reason!1..500",
    reply: ACCOUNT,
    status: "404 409 412",
    refused: "accountClosed accountNotActive preconditionFailed",
  })),
  {
    on: "PUT /v2/internal/Accounts/{accountId}/close",
    reply: ACCOUNT,
    status: "404 409 412",
    refused: "accountNotEmpty preconditionFailed",
  },
];

const OWN_ACCOUNTS: readonly Row[] = [
  {
    on: "POST /Accounts",
    body: "currency! name1..100",
    reply: CLIENT_ACCOUNT,
    status: "409",
    refused: "clientNotActive currencyNotAvailable limitExceeded clientBlocked",
  },
  { on: "GET /Accounts", query: `currency statuses=${STATUSES}`, reply: CLIENT_ACCOUNT, in: "[]" },
  {
    on: "PATCH /Accounts/{id}",
    body: "name1..100 isDefault",
    reply: CLIENT_ACCOUNT,
    status: "404 409 412",
    refused: "notFound clientBlocked preconditionFailed",
  },
  { on: "GET /Accounts/{id}", reply: CLIENT_ACCOUNT, status: "404", refused: "notFound" },
  { on: "DELETE /Accounts/{id}", query: "verificationToken", reply: "", status: "404 409", refused: "accountNotEmpty otpRequired" },
  {
    on: "POST /Accounts/send-otp",
    body: "operation!=openAccount,closeAccount,viewDetails accountId channel=sms,email",
    reply: "otpId channel maskedDestination expiresAt resendAvailableAt",
    status: "404 409 429",
    refused: "notFound otpResendTooSoon",
  },
  {
    on: "POST /Accounts/otp-verification",
    body: "otpId! code!",
    reply: "verified verificationToken expiresAt",
    status: "404 409",
    refused: "notFound otpInvalid otpExpired otpAttemptsExceeded",
  },
  { on: "PUT /Accounts/reorder-accounts", body: "accountIds!", reply: CLIENT_ACCOUNT, in: "[]", status: "409" },
  {
    on: "GET /BaasProvider/available-currencies",
    reply: "currency name minorUnits transferTypes canOpenAccount",
    in: "items",
  },
];

const FILTERS = `accountId clientId paymentId transferId types=${PAYMENT_TYPES} states=${STATES} ${DATES}`;
const TRANSACTIONS: readonly Row[] = [
  {
    on: "GET /Transactions",
    query: `accountId accountIds direction=debit,credit types=${PAYMENT_TYPES} states=${STATES} currency amountFrom amountTo ${DATES} search ${ORDER} ${PAGE}`,
    reply: CLIENT_TRANSACTION,
    in: "page",
    status: "404",
    refused: "notFound",
  },
  { on: "GET /internal/Transactions/{id}", reply: TRANSACTION, status: "404", refused: "notFound" },
  { on: "GET /internal/Transactions", query: `${FILTERS} ${ORDER} ${PAGE}`, reply: TRANSACTION, in: "page" },
  {
    on: "POST /internal/Transactions/query",
    body:
      `accountIds clientIds paymentIds transferIds direction=debit,credit types=${PAYMENT_TYPES} states=${STATES} currencies amountFrom amountTo ${DATES} search ` +
      `${ORDER} ${PAGE}`,
    reply: TRANSACTION,
    in: "page",
  },
  { on: "GET /internal/Transactions/report", query: `${FILTERS} format=csv,xlsx,json`, reply: "" },
  { on: "GET /internal/Events", query: "after limit", reply: "id type subject time sequence data", in: "items" },
];

/** Under the ledger's paths, too (items 52 to 56). */
const PAYMENTS: readonly Row[] = ["/v2/internal", "/v2/ledger/internal"].flatMap((base) => [
  {
    on: `POST ${base}/Payments/transfer`,
    query: "dryRun",
    body: `${TERMS} debitAccountId creditAccountId amount currency transactions1..50 valueDate`,
    reply: PAYMENT,
    status: "404 409 412",
    refused: `notFound insufficientFunds duplicateExternalId preconditionFailed ${STANDING}`,
  },
  {
    on: `POST ${base}/Payments`,
    query: "dryRun",
    body: `${TERMS} clientId transactions1..50`,
    reply: PAYMENT,
    status: "404 409 412",
    refused: "notFound duplicateExternalId",
  },
  {
    on: `POST ${base}/Payments/{paymentId}/pend`,
    body: "reason..500",
    reply: PAYMENT,
    status: "404 409",
    refused: `notFound invalidState insufficientFunds ${STANDING}`,
  },
  {
    on: `POST ${base}/Payments/{paymentId}/post`,
    body: "valueDate amount transactions1..50",
    reply: PAYMENT,
    status: "404 409",
    refused: `notFound invalidState ${STANDING}`,
  },
  {
    on: `POST ${base}/Payments/{paymentId}/cancel`,
    body: "reason..500",
    reply: PAYMENT,
    status: "404 409",
    refused: "notFound invalidState",
  },
]);

const MORE_PAYMENTS: readonly Row[] = [
  {
    on: "POST /v2/internal/Payments/batch",
    body: "payments!1..1000 atomic",
    reply: "results",
    status: "404 409 412",
    refused: "insufficientFunds duplicateExternalId",
  },
  { on: "GET /v2/internal/Payments/{paymentId}", reply: PAYMENT, status: "404", refused: "notFound" },
  {
    on: "GET /v2/internal/Payments",
    query: `externalId1..100 accountId clientId states=draft,${STATES} types=${PAYMENT_TYPES} ${DATES} ${PAGE}`,
    reply: PAYMENT,
    in: "page",
  },
];

const EVERY_STATUS = ["200", "400", "401", "403", "500"];
const api = (await describeApi()) as Api;

const resolved = (schema: Schema | undefined): Schema => {
  if (schema?.$ref !== undefined) return resolved(api.components?.schemas?.[schema.$ref.split("/").at(-1) ?? ""]);
  const [first] = (schema?.anyOf ?? []).filter((option) => (option as { type?: string }).type !== "null");
  return first === undefined ? (schema ?? {}) : resolved(first);
};

/** What is missing or otherwise among named schemas. */
function* differences(
  kind: string,
  words: string,
  served: ReadonlyMap<string, { schema: Schema; isRequired: boolean }>,
): Generator<string> {
  for (const word of words.split(" ").filter((each) => each !== "")) {
    const [, name = "", required = "", values, least, most] = /^(\w+?)(!?)(?:=(.+)|(\d*)\.\.(\d+))?$/.exec(word) ?? [];
    const found = served.get(name);
    if (found === undefined) {
      yield `${kind} ${name} is not served`;
      continue;
    }
    if (found.isRequired !== (required === "!")) yield `${kind} ${name}: required is ${found.isRequired}`;
    const schema = resolved(found.schema);
    const present = (resolved(schema.items).enum ?? schema.enum ?? []).join();
    if (values !== undefined && present !== values) yield `${kind} ${name} is one of ${present}, not of ${values}`;
    const [min, max] = [schema.minItems ?? schema.minLength ?? 0, schema.maxItems ?? schema.maxLength];
    if (most !== undefined && (max !== Number(most) || (least !== "" && min !== Number(least))))
      yield `${kind} ${name} is of ${min}..${max}, not ${least}..${most}`;
  }
}

function membersOf(schema: Schema): Map<string, { schema: Schema; isRequired: boolean }> {
  const { properties = {}, required = [] } = schema;
  return new Map(Object.entries(properties).map(([name, each]) => [name, { schema: each, isRequired: required.includes(name) }]));
}

function* faultsOf({ on, query = "", body = "", reply, in: place, status = "", refused = "" }: Row): Generator<string> {
  const [method = "", path = ""] = on.split(" ");
  const operation = api.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) return yield "is not served";
  const parameters = (operation.parameters ?? []).filter((each) => each.in === "query");
  yield* differences(
    "query",
    query,
    new Map(parameters.map((each) => [each.name, { schema: each.schema, isRequired: each.required === true }])),
  );
  yield* differences("body", body, membersOf(resolved(operation.requestBody?.content["application/json"]?.schema)));

  const answer = resolved(operation.responses["200"]?.content?.["application/json"]?.schema);
  const item = place === undefined ? answer : resolved(place === "[]" ? answer.items : resolved(answer.properties?.["items"]).items);
  const told = membersOf(item.anyOf === undefined ? item : resolved(item));
  for (const name of reply.split(" ").filter((each) => each !== ""))
    if (!told.get(name)?.isRequired) yield `the answer does not always have ${name}`;
  if (place === "page") {
    for (const name of ["items", "pageNumber", "pageSize", "nextCursor"])
      if (!answer.required?.includes(name)) yield `the page does not have ${name}`;
    if (answer.properties?.["totalCount"] === undefined) yield "the page never has totalCount";
  }
  const served = Object.keys(operation.responses);
  for (const code of [...EVERY_STATUS, ...status.split(" ").filter((each) => each !== "")])
    if (!served.includes(code)) yield `status ${code} is not described`;
  const codes = new Set(Object.values(operation.responses).flatMap(({ description }) => description.split(", ")));
  for (const code of refused.split(" ").filter((each) => each !== "")) if (!codes.has(code)) yield `problem ${code} is not described`;
}

const ROWS = [...SYSTEM_ACCOUNTS, ...OWN_ACCOUNTS, ...TRANSACTIONS, ...PAYMENTS, ...MORE_PAYMENTS];

test.each(ROWS)("$on is served as the contract has it", (row) => {
  expect([...faultsOf(row)]).toEqual([]);
});

test.each<[string, Partial<Row>, string]>([
  ["an operation", { on: "GET /v2/internal/Accounts" }, "is not served"],
  ["a parameter", { query: "dryrun" }, "query dryrun is not served"],
  ["a field", { body: "externalID" }, "body externalID is not served"],
  ["a field that is required", { body: "externalId" }, "body externalId: required is true"],
  ["words", { body: "type=deposit" }, `body type is one of ${PAYMENT_TYPES}, not of deposit`],
  ["bounds", { body: "externalId!1..99" }, "body externalId is of 1..100, not 1..99"],
  ["a member of the answer", { reply: "total" }, "the answer does not always have total"],
  ["a status", { status: "418" }, "status 418 is not described"],
  ["a problem", { refused: "otpExpired" }, "problem otpExpired is not described"],
])("the comparison misses %s", (_, row, sentence) => {
  expect([...faultsOf({ on: "POST /v2/internal/Payments/transfer", reply: "", ...row })]).toEqual([sentence]);
});
