// What becomes of documents beside the calls: scans, the sweep of the store, quotas at once, and the end of their client.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ClamdSimulator, openClamdSimulator } from "./setup/clamd-simulator.ts";
import { aPdf, aPdfOf, eicar } from "./setup/document-files.ts";
import { aDocumentsClient, type Document, type DocumentsBank, openDocumentsBank, uploadForm } from "./setup/documents.ts";
import { lockForUpload } from "../src/client-profile/documents/document.store.ts";
import { clamdScan } from "../src/adapters/clamd.ts";

const ACTOR = { kind: "job", id: "test", tenant: null, traceId: "test" } as const;
const HOUR_MS = 3_600_000;
const MALWARE = aPdf(eicar());

const single = ({ clientId, documentId }: Document): string => `/internal/Clients/${clientId}/Documents/${documentId}`;

describe("with a scanner", () => {
  let clamd: ClamdSimulator;
  let bank: DocumentsBank;
  let clientId: string;
  beforeAll(async () => {
    clamd = await openClamdSimulator({ "Eicar-Test-Signature": eicar().toString("latin1") });
    bank = await openDocumentsBank({ documents: { scan: clamdScan({ address: clamd.address, timeoutMs: 300 }) } });
    clientId = await aDocumentsClient(bank);
  });
  afterAll(async () => {
    await bank.close();
    await clamd.close();
  });
  beforeEach(() => {
    clamd.mood = "well";
  });
  const statusOf = async (document: Document): Promise<unknown> => (await bank.staff.get(single(document))).body["scanStatus"];
  const downloadOf = (document: Document) => bank.staff.get(`${single(document)}/download`);

  test("what is clean can be downloaded at once, and the scanner has seen every byte of it", async () => {
    const body = aPdfOf(200_000);
    const document = await bank.aDocument(clientId, { body });
    expect(document.scanStatus).toBe("clean");
    expect(clamd.scanned.at(-1)?.equals(body)).toBe(true);
    expect((await downloadOf(document)).status).toBe(200);
  });

  test("what holds malware is kept in quarantine: nobody downloads it, staff see it, and it is told", async () => {
    const document = await bank.aDocument(clientId, { body: MALWARE });
    expect(document.scanStatus).toBe("infected");
    expect(await downloadOf(document)).toMatchObject({ status: 409, body: { code: "invalidState", scanStatus: "infected" } });
    expect(await bank.documents(clientId)).toContainEqual(document);
    const told = { clientId, finding: "Eicar-Test-Signature" };
    const subject = `document:${document.documentId}`;
    expect(await bank.auditOf("client.documentQuarantined")).toContainEqual({ subject, detail: told });
    expect(await bank.events("client.documentQuarantined")).toContainEqual({
      subject,
      tenant: "default",
      data: { documentId: document.documentId, ...told },
    });
  });

  for (const mood of ["slow", "garbage", "cut", "error"] as const) {
    test(`while it is ${mood} a document waits, and cannot be downloaded until a job has found it clean`, async () => {
      clamd.mood = mood;
      const document = await bank.aDocument(clientId);
      expect(document.scanStatus).toBe("pending");
      const refused = await downloadOf(document);
      expect(refused).toMatchObject({ status: 409, body: { code: "invalidState", scanStatus: "pending" } });
      expect(refused.headers["retry-after"]).toBeDefined();
      expect(await bank.runJobs("scan_document")).toHaveLength(1);
      expect(await statusOf(document)).toBe("pending");
      clamd.mood = "well";
      expect(await bank.runJobs("scan_document")).toEqual([]);
      expect(await statusOf(document)).toBe("clean");
      expect((await downloadOf(document)).status).toBe(200);
    });
  }

  test("a job that finds malware puts it into quarantine and tells it once", async () => {
    clamd.mood = "slow";
    const document = await bank.aDocument(clientId, { body: MALWARE });
    clamd.mood = "well";
    expect(await bank.runJobs("scan_document")).toEqual([]);
    expect(await statusOf(document)).toBe("infected");
    const subject = `document:${document.documentId}`;
    expect((await bank.events("client.documentQuarantined")).filter((each) => each.subject === subject)).toHaveLength(1);
    expect(await bank.auditOf("client.documentScanned")).toContainEqual({ subject, detail: { clientId, status: "infected" } });
  });

  test("what no job could scan, and what came before there was a scanner, is scanned after the next sweep", async () => {
    clamd.mood = "slow";
    const [waiting, old] = [await bank.aDocument(clientId), await bank.aDocument(clientId)];
    await bank.owner.query("update client_profile.document set scan_status = 'notScanned' where id = $1", [old.documentId]);
    await bank.owner.query(
      "select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs where task_identifier = 'scan_document'",
    );
    expect((await downloadOf(old)).status).toBe(200);
    clamd.mood = "well";
    await sweepNow(bank);
    expect(await bank.runJobs("scan_document")).toEqual([]);
    expect([await statusOf(waiting), await statusOf(old)]).toEqual(["clean", "clean"]);
  });

  test("a verdict is final: the database takes no infected document back", async () => {
    const document = await bank.aDocument(clientId, { body: MALWARE });
    const change = bank.owner.query("update client_profile.document set scan_status = 'clean', scan_finding = null where id = $1", [
      document.documentId,
    ]);
    await expect(change).rejects.toThrow("cannot be changed so");
  });
});

/** A sweep as the start of a process adds it. */
async function sweepNow(bank: DocumentsBank): Promise<readonly unknown[]> {
  await bank.db.write(ACTOR, bank.schedule);
  return await bank.runJobs("sweep_documents");
}

describe("the sweep", () => {
  let bank: DocumentsBank;
  let clientId: string;
  beforeEach(async () => {
    bank = await openDocumentsBank();
    clientId = await aDocumentsClient(bank);
  });
  afterEach(() => bank.close());
  const id = (at: number): string => `0197b0a4-4b1c-7cc0-8000-3d3b2a1f${at.toString(16).padStart(4, "0")}`;
  const leave = (documentId: string, ageMs: number): void => {
    bank.store.objects.set(documentId, { body: Buffer.from("x"), storedAt: new Date(Date.now() - ageMs) });
  };
  const missing = async (): Promise<readonly string[]> =>
    (await bank.owner.query<{ id: string }>("select id from client_profile.document where missing_at is not null order by id")).rows.map(
      (row) => row.id,
    );

  test("takes away bytes that no row knows once they are an hour old, and nothing else", async () => {
    const documents = await Promise.all(Array.from({ length: 5 }, () => bank.aDocument(clientId)));
    const [deleted] = documents;
    if (deleted === undefined) throw new Error("no document");
    await bank.staff.send("DELETE", single(deleted));
    for (const [name, object] of bank.store.objects) bank.store.objects.set(name, { ...object, storedAt: new Date(0) });
    leave(id(1), HOUR_MS + 60_000);
    leave(id(2), HOUR_MS - 60_000);
    expect(await sweepNow(bank)).toEqual([]);
    expect(bank.store.objects.has(id(1))).toBe(false);
    expect(bank.store.objects.has(id(2))).toBe(true);
    for (const { documentId } of documents) expect(bank.store.objects.has(documentId)).toBe(true);
    expect(await sweepNow(bank)).toEqual([]);
    expect(await missing()).toEqual([]);
  });

  test("goes through all pages, and marks each row whose bytes are gone until they are back", async () => {
    for (let at = 0; at < 250; at++) leave(id(at), 0);
    const documents: Document[] = [];
    for (let round = 0; round < 15; round++) {
      documents.push(...(await Promise.all(Array.from({ length: 20 }, () => bank.aDocument(clientId)))));
    }
    const lost = documents.filter((_, at) => at % 50 === 0).map(({ documentId }) => documentId);
    const taken = lost.map((each) => [each, bank.store.objects.get(each)] as const);
    for (const each of lost) bank.store.objects.delete(each);
    expect(await sweepNow(bank)).toEqual([]);
    expect(await missing()).toEqual(lost.toSorted());
    for (const [each, object] of taken) if (object !== undefined) bank.store.objects.set(each, object);
    expect(await sweepNow(bank)).toEqual([]);
    expect(await missing()).toEqual([]);
  });

  test("of a store that lost everything marks every row", async () => {
    const documents = await Promise.all(Array.from({ length: 3 }, () => bank.aDocument(clientId)));
    await sweepNow(bank);
    bank.store.objects.clear();
    await sweepNow(bank);
    expect(await missing()).toEqual(documents.map(({ documentId }) => documentId).toSorted());
  });

  test("leaves another bank's store as it is", async () => {
    for (let at = 0; at < 10; at++) leave(id(at), 2 * HOUR_MS);
    const failures = await sweepNow(bank);
    expect(String(failures[0])).toContain("another bank's store");
    expect(bank.store.objects.size).toBe(10);
  });

  test("takes it for its own when another instance said so a moment ago", async () => {
    const get = bank.store.get.bind(bank.store);
    bank.store.get = async (mark) => {
      const found = await get(mark);
      bank.store.objects.set(mark, { body: Buffer.from("of this bank"), storedAt: new Date() });
      return found;
    };
    try {
      expect(await sweepNow(bank)).toEqual([]);
    } finally {
      bank.store.get = get;
    }
  });

  test("comes again every hour, also where one fails", async () => {
    bank.store.fault = new Error("away");
    expect(await sweepNow(bank)).toHaveLength(1);
    bank.store.fault = null;
    const { rows } = await bank.owner.query<{ minutes: number }>(
      "select round(extract(epoch from run_at - now()) / 60)::int as minutes from graphile_worker.jobs where task_identifier = 'sweep_documents' and run_at > now()",
    );
    expect(rows).toEqual([{ minutes: 60 }]);
  });
});

describe("the quota", () => {
  test("holds for uploads at once, and deleted documents count", async () => {
    const bank = await openDocumentsBank({ documents: { quota: 5 } });
    try {
      const clientId = await aDocumentsClient(bank);
      const answers = await Promise.all(Array.from({ length: 20 }, () => bank.upload(clientId)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
      for (const { status, body } of answers) if (status !== 200) expect(body).toMatchObject({ code: "limitExceeded", limit: 5 });
      expect(bank.store.objects.size).toBe(5);
      const [first] = await bank.documents(clientId);
      if (first !== undefined) await bank.staff.send("DELETE", single(first));
      expect((await bank.upload(clientId)).status).toBe(409);
      expect((await bank.upload(await aDocumentsClient(bank))).status).toBe(200);
    } finally {
      await bank.close();
    }
  });
});

test("uploads of one client count one after another, also in different processes; those of others do not wait", async () => {
  const bank = await openDocumentsBank();
  try {
    const [one, other] = [await aDocumentsClient(bank), await aDocumentsClient(bank)];
    const order: string[] = [];
    let second: Promise<unknown> = Promise.resolve();
    await bank.db.write(ACTOR, async (tx) => {
      await lockForUpload(tx, one);
      second = bank.db.write(ACTOR, (twin) => lockForUpload(twin, one)).then(() => order.push("second"));
      await bank.db.write(ACTOR, (free) => lockForUpload(free, other)).then(() => order.push("other"));
      for (let isWaiting = false; !isWaiting; ) {
        isWaiting = (await tx.sql`select 1 from pg_locks where locktype = 'advisory' and not granted`).length > 0;
      }
      order.push("first");
    });
    await second;
    expect(order).toEqual(["other", "first", "second"]);
  } finally {
    await bank.close();
  }
});

describe("the end of a client", () => {
  test("empties its documents in one commit with it; their bytes go by a job, and no other's do", async () => {
    const bank = await openDocumentsBank();
    try {
      const [gone, stays] = [await aDocumentsClient(bank), await aDocumentsClient(bank)];
      const form = uploadForm({ fileName: "Kanarienvogel.pdf", description: "Kanarienvogel" });
      const key = { "idempotency-key": "of-an-erased-client" };
      await bank.staff.post(`/internal/Clients/${gone}/Documents/upload`, form.body, { ...form.headers, ...key });
      const deleted = await bank.aDocument(gone);
      await bank.staff.send("DELETE", single(deleted));
      const kept = await bank.aDocument(stays);
      const exported = await bank.staff.get(`/internal/Clients/${gone}/export`);
      expect(exported.text).toContain("Kanarienvogel");
      await bank.owner.query("update client_profile.client set status = 'closed', closed_at = now() - interval '20 years' where id = $1", [
        gone,
      ]);

      const answer = await bank.staff.post(`/internal/Clients/${gone}/erasure`, { reason: "retentionEnded" });
      expect(answer).toMatchObject({ status: 200, body: { erased: { documents: 2 } } });
      const { rows } = await bank.owner.query<{ left: number }>(
        "select count(*)::int as left from client_profile.document where client_id = $1 and (erased_at is null or sealed_details is not null)",
        [gone],
      );
      expect(rows).toEqual([{ left: 0 }]);
      expect((await bank.staff.post(`/internal/Clients/${gone}/Documents/upload`, form.body, { ...form.headers, ...key })).status).toBe(
        404,
      );

      expect(await bank.runJobs("remove_documents")).toEqual([]);
      expect([...bank.store.objects.keys()]).toEqual([kept.documentId]);
      const removed = await bank.owner.query("select 1 from client_profile.document where client_id = $1 and content_removed_at is null", [
        gone,
      ]);
      expect(removed.rows).toEqual([]);
      expect(await bank.documents(stays)).toEqual([kept]);
    } finally {
      await bank.close();
    }
  });

  test("whose bytes could not be removed is met again by the job", async () => {
    const bank = await openDocumentsBank();
    try {
      const clientId = await aDocumentsClient(bank);
      await bank.aDocument(clientId);
      await bank.owner.query("update client_profile.client set status = 'closed', closed_at = now() - interval '20 years' where id = $1", [
        clientId,
      ]);
      await bank.staff.post(`/internal/Clients/${clientId}/erasure`, { reason: "retentionEnded" });
      bank.store.fault = new Error("away");
      expect(await bank.runJobs("remove_documents")).toHaveLength(1);
      bank.store.fault = null;
      expect(await bank.runJobs("remove_documents")).toEqual([]);
      expect(bank.store.objects.size).toBe(0);
    } finally {
      await bank.close();
    }
  });
});
