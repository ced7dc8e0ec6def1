// A bank to test: the ledger's operations with a writer of their own, as the composition root wires them, and the shortest way to
// accounts that have something on them.

import { type AccountSettings, generalLedgerEndpoints, ownsAccount, Writer } from "#general-ledger";
import { importEndpoints, openVerification, type Verification, type VerificationDeps } from "#onboarding";
import { type OneTimeCodes, openOneTimeCodes } from "#one-time-codes";
import type { Scope } from "#platform/access.ts";
import { readConfig } from "#platform/config.ts";
import { Lane } from "#platform/lane.ts";
import pg from "pg";
import { aClient, anAccountOrder, aTransfer, unique } from "../builders.ts";
import { openTestApp, type TestAnswer, type TestApp, type TestAppOptions, type TestCalls } from "./http.ts";
import type { TestDatabase } from "./server.ts";
import { clientEndpoints, openTestClients, type TestClientsOptions } from "./clients.ts";

/** An AccountDto, as far as tests read it. */
export type TestAccount = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly clientId: string | null;
  readonly accountNumber: string;
  readonly iban: string | null;
  readonly currency: string;
  readonly balance: string;
};

export type LedgerApp = TestApp & {
  readonly writer: Writer;
  readonly verification: Verification;
  /** The database as its owner: to look behind the API, and to bring about what no operation can bring about yet. */
  readonly owner: pg.Client;
  /** The bank's own system, with every scope of the ledger. */
  readonly system: TestCalls;
  /** A system with every scope of the ledger, confined to a tenant. */
  systemOf(tenant: string, subject?: string): TestCalls;
  clientCalls(clientId: string, tenant?: string): TestCalls;
  transfer(body: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** Opens an account of the bank: a settlement account in EUR unless said otherwise. It has no floor. */
  anAccount(changes?: Readonly<Record<string, unknown>>): Promise<TestAccount>;
  /** Opens an account of a new client, with that amount on it. It can never go below zero. */
  aFundedAccount(amount: string, options?: { readonly currency?: string; readonly tenant?: string }): Promise<TestAccount>;
  /** Opens an account of a new client. */
  aClientAccount(options?: { readonly currency?: string; readonly tenant?: string }): Promise<TestAccount>;
  /** The account as it stands. */
  account(id: string): Promise<TestAccount>;
  /** The `verificationToken` with which the account's client may close it. One for a client in a minute. */
  confirmClosing(account: Pick<TestAccount, "id" | "clientId">): Promise<string>;
  /** What is wrong with the books; nothing, one hopes. Accounts whose balance a test has set by hand are of its own making. */
  unbalanced(): Promise<readonly unknown[]>;
};

/** Payments that do not sum to zero, balances that are not the sum of the entries, and entries whose numbers or balances have a gap. */
const FAULTS = `
  select 'payment' as what, e.payment_id as id from general_ledger.entry e join general_ledger.account a on a.id = e.account_id
  group by e.payment_id, a.currency having sum(e.amount_minor) <> 0
  union all
  select 'balance', a.id from general_ledger.account a join general_ledger.entry e on e.account_id = a.id
  group by a.id having sum(e.amount_minor) <> a.balance_minor or count(*) <> a.last_seq or max(e.account_seq) <> a.last_seq
  union all
  select 'entry', e.account_id from general_ledger.entry e
  left join general_ledger.entry before on before.account_id = e.account_id and before.account_seq = e.account_seq - 1
  where e.balance_after <> coalesce(before.balance_after, 0) + e.amount_minor
  union all
  select 'journal', null from general_ledger.journal having sum(size) <> max(first_sequence + size - 1)`;

const LEDGER_SCOPES: readonly Scope[] = ["ledger.read", "ledger.write", "ledger.admin"];

export type LedgerAppOptions = Pick<TestAppOptions, "poolSize" | "rateLimitPerMinute"> & {
  readonly lanes?: number;
  readonly importStatus?: "active" | "pending";
  /** BANK_TIME_ZONE; UTC unless said otherwise. */
  readonly timeZone?: string;
  /** How long clients' data are kept, and where their erasures are remembered. */
  readonly privacy?: Pick<TestClientsOptions, "retentionYears" | "keepErasure">;
  /** Default: no provider; webhooks under `WEBHOOK_SECRET`. */
  readonly verification?: Partial<VerificationDeps>;
};

export const WEBHOOK_SECRET = "test-webhook-secret-0123456789";

export async function openLedgerApp({
  lanes = 2,
  importStatus = "active",
  timeZone = "UTC",
  privacy = {},
  verification: verificationChanges = {},
  ...options
}: LedgerAppOptions = {}): Promise<LedgerApp> {
  let writer: Writer | undefined;
  let codes: OneTimeCodes | undefined;
  let verification: Verification | undefined;
  const sent: Message[] = [];
  const endpoints: Parameters<typeof openTestApp>[0] = (db, database) => {
    writer = openWriter(database, lanes, { timeZone });
    // Kept in memory until somebody asks: test/setup/codes.ts has what a test of codes needs.
    const clients = openTestClients({ db, ...privacy });
    codes = openOneTimeCodes({
      db,
      ownsAccount,
      findContact: clients.findContact,
      delivery: { secret: "0123456789".repeat(5), deliver: async (message) => void sent.push(message) },
    });
    verification = openVerification({
      db,
      clients,
      provider: null,
      keys: { secrets: [WEBHOOK_SECRET], algorithms: ["HMAC_SHA256_HEX", "HMAC_SHA512_HEX"] },
      levels: { individual: "test level of persons", company: "test level of companies" },
      isProduction: false,
      ...verificationChanges,
    });
    return [
      ...clientEndpoints(clients, importStatus),
      ...importEndpoints({ db, clients, importStatus }),
      ...verification.endpoints,
      ...generalLedgerEndpoints({
        db,
        writer,
        timeZone,
        accounts: accountSettings(),
        findPlanLimits: clients.findPlanLimits,
        verifyOperation: codes.consumeVerificationToken,
      }),
      ...codes.endpoints,
    ];
  };
  const bank = await openTestApp(endpoints, {
    ...options,
    onClose: async () => {
      await owner.end();
      await writer?.close();
    },
  });
  const owner = new pg.Client({ connectionString: bank.database.ownerUrl });
  await owner.connect();
  if (writer === undefined || codes === undefined || verification === undefined) throw new Error("the endpoints were not made");
  const { jobs } = codes;
  return {
    ...bank,
    writer,
    verification,
    owner,
    ...shortcuts(bank),
    confirmClosing: (account) => confirmClosing(bank, jobs, sent, account),
    unbalanced: async () => (await owner.query<object>(FAULTS)).rows,
  };
}

type Message = { readonly id: string; readonly text: string };

/** As the worker and the client do it: the code is sent, read and sent back. */
async function confirmClosing(
  bank: TestApp,
  jobs: OneTimeCodes["jobs"],
  sent: readonly Message[],
  { id, clientId }: Pick<TestAccount, "id" | "clientId">,
): Promise<string> {
  const calls = bank.callAs({ kind: "client", clientId: clientId ?? "" });
  const { otpId } = bodyOf(await calls.post("/Accounts/send-otp", { operation: "closeAccount", accountId: id }));
  const actor = { kind: "job", id: "send", tenant: null, traceId: "test" } as const;
  for (const job of jobs) await job.run({ challengeId: otpId }, { db: bank.db, actor, signal: new AbortController().signal, attempt: 1 });
  const code = /(?<!\d)\d{6}(?!\d)/.exec(sent.find((message) => message.id === otpId)?.text ?? "")?.[0];
  return String(bodyOf(await calls.post("/Accounts/otp-verification", { otpId, code }))["verificationToken"]);
}

/** A writer over lanes of its own, as `openApp` makes it. Whoever opens it closes it. */
export function openWriter(database: TestDatabase, lanes = 2, changes: Partial<ConstructorParameters<typeof Writer>[0]> = {}): Writer {
  return new Writer({
    lanes: Array.from({ length: lanes }, (_, i) => new Lane({ url: database.appUrl, role: database.appRole, name: `writer-${i + 1}` })),
    timeZone: "UTC",
    monotonicMs: () => performance.now(),
    ...changes,
  });
}

function accountSettings(): AccountSettings {
  const { accountCurrencies, iban } = readConfig({});
  return {
    currencies: new Set(accountCurrencies),
    ibanIssuers: new Map([
      ["EUR", { country: iban.countryEur, bankCode: iban.codeEur }],
      ["GBP", { country: "GB", bankCode: `${iban.bankCodeGbp}${iban.sortCode}` }],
    ]),
    bic: iban.bic,
  };
}

function shortcuts(bank: TestApp): Omit<LedgerApp, keyof TestApp | "writer" | "verification" | "owner" | "confirmClosing" | "unbalanced"> {
  const system = bank.callAs({ kind: "system", scopes: LEDGER_SCOPES });
  const open = async (order: Readonly<Record<string, unknown>>): Promise<TestAccount> => {
    return bodyOf(await system.post("/v2/internal/Accounts", order)) as TestAccount;
  };
  // Money comes in through one account for each currency, opened when it is first needed.
  const sources = new Map<string, Promise<TestAccount>>();
  const sourceOf = (currency: string): Promise<TestAccount> => {
    const source = sources.get(currency) ?? open(anAccountOrder({ currency }));
    sources.set(currency, source);
    return source;
  };
  const transfer: LedgerApp["transfer"] = (body, headers) => system.post("/v2/internal/Payments/transfer", body, headers);
  const aClientAccount: LedgerApp["aClientAccount"] = async ({ currency = "EUR", tenant } = {}) => {
    const clientId = await aClient(bank, tenant === undefined ? {} : { tenant });
    return await open(anAccountOrder({ type: "client", clientId, currency }));
  };
  return {
    system,
    systemOf: (tenant, subject = unique("system")) => bank.callAs({ kind: "system", scopes: LEDGER_SCOPES, tenant, subject }),
    clientCalls: (clientId, tenant) => bank.callAs({ kind: "client", clientId, ...(tenant === undefined ? {} : { tenant }) }),
    transfer,
    anAccount: (changes) => open(anAccountOrder(changes)),
    aClientAccount,
    async aFundedAccount(amount, options = {}) {
      const account = await aClientAccount(options);
      const source = await sourceOf(account.currency);
      bodyOf(await transfer(aTransfer(source, account, amount, { type: "deposit" })));
      return { ...account, balance: amount };
    },
    account: async (id) => bodyOf(await system.get(`/v2/ledger/internal/Accounts/${id}`)) as TestAccount,
  };
}

/** The body of a success; throws with the whole answer otherwise. */
export function bodyOf(answer: TestAnswer): Readonly<Record<string, unknown>> {
  if (answer.status !== 200) throw new Error(`expected a success, got ${answer.status}: ${answer.text}`);
  return answer.body;
}
