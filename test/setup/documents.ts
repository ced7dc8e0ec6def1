// A bank with documents: a store in memory (or another one), clients of two tenants, and somebody who may do everything with documents.

import type { Database, Tx } from "#platform/db.ts";
import type { Job } from "#platform/jobs.ts";
import pg from "pg";
import { aClient, aCompany } from "../builders.ts";
import { clientEndpoints, openTestClients, type TestClientsOptions } from "./clients.ts";
import { aPdf } from "./document-files.ts";
import { aForm, type TestPart } from "./forms.ts";
import { openTestApp, type TestAnswer, type TestApp, type TestCalls } from "./http.ts";
import { type MemoryStore, memoryStore } from "./memory-store.ts";

export type Document = {
  readonly documentId: string;
  readonly clientId: string;
  readonly relatedIndividualId: string | null;
  readonly type: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly size: number;
  readonly description: string | null;
  readonly uploadedAt: string;
  readonly uploadedBy: string;
  readonly scanStatus: string;
};

export type DocumentsBank = TestApp & {
  readonly store: MemoryStore;
  readonly owner: pg.Client;
  /** May read and write documents and clients of all tenants. */
  readonly staff: TestCalls;
  staffOf(tenant: string): TestCalls;
  /** Uploads; `file` as it stands, `parts` in place of type and description. */
  upload(clientId: string, file?: Partial<Upload>, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** The same, and that it was accepted. */
  aDocument(clientId: string, file?: Partial<Upload>): Promise<Document>;
  documents(clientId: string): Promise<readonly Document[]>;
  /** With its bytes as they came. */
  download(path: string): Promise<Download>;
  /** A company with two persons. */
  aCompany(): Promise<{ readonly clientId: string; readonly persons: readonly [string, string] }>;
  /** Adds to the queue what a start adds. */
  readonly schedule: (tx: Tx) => Promise<void>;
  /** Runs the jobs of that name which stand in the queue, once each, and takes away those that succeeded; gives what the others failed with. */
  runJobs(name: string): Promise<readonly unknown[]>;
  events(type: string): Promise<readonly { readonly subject: string; readonly tenant: string; readonly data: unknown }[]>;
  auditOf(action: string): Promise<readonly { readonly subject: string; readonly detail: unknown }[]>;
};

export type Upload = {
  readonly body: Buffer;
  readonly fileName: string;
  readonly contentType: string;
  readonly type: string;
  readonly description: string;
  readonly parts: readonly TestPart[];
};

export type Download = { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly bytes: Buffer };

const SCOPES = ["documents.read", "documents.write", "clients.read", "clients.write"] as const;

export function uploadForm({
  body = aPdf(),
  fileName = "passport.pdf",
  contentType = "application/pdf",
  type = "passport",
  description,
  parts,
}: Partial<Upload>) {
  const file = { name: "file", fileName, contentType, body };
  const fields = [{ name: "type", body: type }, ...(description === undefined ? [] : [{ name: "description", body: description }])];
  return aForm(parts ?? [file, ...fields]);
}

export async function openDocumentsBank({ documents, ...options }: Omit<TestClientsOptions, "db"> = {}): Promise<DocumentsBank> {
  const store = memoryStore();
  let jobs: readonly Job<unknown>[] = [];
  let schedule: (tx: Tx) => Promise<void> = async () => undefined;
  const app = await openTestApp((db: Database) => {
    const clients = openTestClients({ db, ...options, documents: { store, ...documents } });
    ({ jobs, schedule } = clients);
    return clientEndpoints(clients);
  });
  const owner = new pg.Client({ connectionString: app.database.ownerUrl });
  await owner.connect();
  const staff = app.callAs({ kind: "system", scopes: SCOPES, subject: "officer-7" });
  const token = await app.mint({ audience: "system", scope: SCOPES.join(" "), tenant: undefined, subject: "officer-7" });
  const upload: DocumentsBank["upload"] = async (clientId, file = {}, headers = {}) => {
    const form = uploadForm(file);
    return await staff.post(`/internal/Clients/${clientId}/Documents/upload`, form.body, { ...form.headers, ...headers });
  };
  return {
    ...app,
    store,
    owner,
    staff,
    staffOf: (tenant) => app.callAs({ kind: "system", scopes: SCOPES, tenant }),
    upload,
    async aDocument(clientId, file) {
      const answer = await upload(clientId, file);
      if (answer.status !== 200) throw new Error(`an upload answered ${answer.status}: ${answer.text}`);
      return answer.body as unknown as Document;
    },
    documents: async (clientId) => JSON.parse((await staff.get(`/internal/Clients/${clientId}/Documents`)).text) as Document[],
    async download(path) {
      const answer = await app.app.inject({ method: "GET", url: path, headers: { authorization: `Bearer ${token}` } });
      return { status: answer.statusCode, headers: answer.headers, bytes: answer.rawPayload };
    },
    async aCompany() {
      const integration = app.callAs({ kind: "system", scopes: ["integration.import"] });
      const { status, text, body } = await integration.post("/integration/clients/companies", aCompany());
      if (status !== 200) throw new Error(`the import of a company answered ${status}: ${text}`);
      const [one = "", two = ""] = (body["relatedIndividuals"] as { relatedIndividualId: string }[]).map(
        (each) => each.relatedIndividualId,
      );
      return { clientId: String(body["clientId"]), persons: [one, two] };
    },
    schedule: (tx) => schedule(tx),
    runJobs: (name) => runJobs(app.db, owner, jobs, name),
    async events(type) {
      const { rows } = await owner.query<{ subject: string; tenant: string; data: unknown }>(
        "select subject, tenant, data from platform.event where type = $1 order by id",
        [type],
      );
      return rows;
    },
    async auditOf(action) {
      const { rows } = await owner.query<{ subject: string; detail: unknown }>(
        "select subject, detail from platform.audit_entry where action = $1 order by id",
        [action],
      );
      return rows;
    },
    async close() {
      await owner.end();
      await app.close();
    },
  };
}

async function runJobs(db: Database, owner: pg.Client, jobs: readonly Job<unknown>[], name: string): Promise<readonly unknown[]> {
  const kind = jobs.find((each) => each.name === name);
  if (kind === undefined) throw new Error(`no job ${name}`);
  const { rows } = await owner.query<{ id: string; payload: { payload: unknown } }>(
    `select j.id, j.payload from graphile_worker._private_jobs j
     join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = $1 and j.run_at <= now() order by j.id`,
    [name],
  );
  const failures: unknown[] = [];
  for (const { id, payload } of rows) {
    try {
      const actor = { kind: "job", id: name, tenant: null, traceId: "test" } as const;
      await kind.run(kind.read(payload.payload), { db, actor, signal: new AbortController().signal, attempt: 1 });
      await owner.query("delete from graphile_worker._private_jobs where id = $1", [id]);
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

/** A client of that tenant. */
export const aDocumentsClient = (bank: DocumentsBank, tenant?: string): Promise<string> =>
  aClient(bank, tenant === undefined ? {} : { tenant });
