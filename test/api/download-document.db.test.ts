// Operation 10, and the single document (contract 5.3): the bytes come back as they went in, to those who may have them and to nobody else.

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aPdf, aPdfOf, aPng } from "../setup/document-files.ts";
import { aDocumentsClient, type DocumentsBank, openDocumentsBank, uploadForm } from "../setup/documents.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const MIB = 1024 * 1024;

let bank: DocumentsBank;
let clientId: string;
beforeAll(async () => {
  bank = await openDocumentsBank();
  clientId = await aDocumentsClient(bank);
});
afterAll(() => bank.close());

const pathOf = (document: { clientId: string; documentId: string }): string =>
  `/internal/Clients/${document.clientId}/Documents/${document.documentId}/download`;

describe("a download", () => {
  test("gives the bytes as they were uploaded, of whatever size", async () => {
    for (const body of [aPdf(), aPng(), aPdfOf(64 * 1024), aPdfOf(64 * 1024 + 1), aPdfOf(3 * MIB), aPdfOf(10 * MIB)]) {
      const { status, bytes } = await bank.download(pathOf(await bank.aDocument(clientId, { body })));
      expect(status).toBe(200);
      expect(bytes.equals(body)).toBe(true);
    }
  });

  test("is an attachment that no browser opens, guesses at, keeps or takes a part of", async () => {
    const document = await bank.aDocument(clientId, { body: aPng(), fileName: String.raw`Pass \"José\" 100%; x=y.png` });
    const { headers } = await bank.download(pathOf(document));
    expect(headers).toMatchObject({
      "content-type": "image/png",
      "content-length": String(aPng().length),
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "accept-ranges": "none",
    });
    expect(String(headers["content-security-policy"])).toMatch(/^default-src 'none';.*; sandbox$/);
    expect(headers["content-disposition"]).toBe(
      "attachment; filename=\"document.png\"; filename*=UTF-8''Pass%20_Jos%C3%A9_%20100_%3B%20x%3Dy.png",
    );
    const token = await bank.mint({ audience: "system", scope: "documents.read", tenant: undefined, subject: "reader" });
    const part = await bank.app.inject({
      method: "GET",
      url: pathOf(document),
      headers: { authorization: `Bearer ${token}`, range: "bytes=0-3", "if-range": "x" },
    });
    expect(part.statusCode).toBe(200);
    expect(part.rawPayload.equals(aPng())).toBe(true);
  });

  test("stands in the audit before the first byte goes out", async () => {
    const document = await bank.aDocument(clientId);
    await bank.download(pathOf(document));
    expect(await bank.auditOf("client.documentDownloaded")).toContainEqual({
      subject: `document:${document.documentId}`,
      detail: { clientId },
    });
  });

  test("is foretold by HEAD, which takes nothing and is not told of", async () => {
    const document = await bank.aDocument(clientId, { body: aPdfOf(3 * MIB) });
    const token = await bank.mint({ audience: "system", scope: "documents.read" });
    const headers = { authorization: `Bearer ${token}` };
    const head = await bank.app.inject({ method: "HEAD", url: pathOf(document), headers });
    expect([head.statusCode, head.headers["content-type"], head.headers["content-length"], head.rawPayload.length]).toEqual([
      200,
      "application/pdf",
      String(aPdfOf(3 * MIB).length),
      0,
    ]);
    expect(await bank.auditOf("client.documentDownloaded")).not.toContainEqual({
      subject: `document:${document.documentId}`,
      detail: { clientId },
    });
  });
});

describe("one path leads to 404:", () => {
  const answers = async (path: string, tenant?: string) => {
    const calls = tenant === undefined ? bank.staff : bank.staffOf(tenant);
    const bodies = await Promise.all(
      [`${path}/download`, path].map(async (each) => {
        const { status, body } = await calls.get(each);
        return { status, code: body["code"], title: body["title"], detail: body["detail"] };
      }),
    );
    expect(bodies[0]).toEqual(bodies[1]);
    return bodies[0];
  };
  const single = (client: string, document: string): string => `/internal/Clients/${client}/Documents/${document}`;

  test("a document that never was, of another client, of another tenant, deleted, of an erased client", async () => {
    const never = await answers(single(clientId, NOBODY));
    expect(never?.status).toBe(404);
    const other = await aDocumentsClient(bank);
    const [own, foreign] = [await bank.aDocument(clientId), await bank.aDocument(other)];
    expect(await answers(single(clientId, foreign.documentId))).toEqual(never);
    expect(await answers(single(NOBODY, own.documentId))).toEqual(never);
    expect(await answers(single(clientId, own.documentId), "south")).toEqual(never);
    expect((await bank.staffOf("south").send("DELETE", single(clientId, own.documentId))).status).toBe(404);
    expect((await bank.staff.send("DELETE", single(clientId, foreign.documentId))).status).toBe(404);

    expect((await bank.staff.send("DELETE", single(clientId, own.documentId))).status).toBe(200);
    expect(await answers(single(clientId, own.documentId))).toEqual(never);

    const erased = await aDocumentsClient(bank);
    const gone = await bank.aDocument(erased);
    await eraseClient(bank, erased);
    expect(await answers(single(erased, gone.documentId))).toEqual(never);
    expect((await bank.staff.get(`/internal/Clients/${erased}/Documents`)).status).toBe(404);
    expect((await bank.upload(erased)).status).toBe(404);
  });

  test("documents.write alone does not read, and a client's token does not either", async () => {
    const { documentId } = await bank.aDocument(clientId);
    const writer = bank.callAs({ kind: "system", scopes: ["documents.write", "clients.read"] });
    for (const path of [single(clientId, documentId), `${single(clientId, documentId)}/download`]) {
      expect((await writer.get(path)).status).toBe(403);
      expect((await bank.callAs({ kind: "client", clientId }).get(path)).status).toBe(403);
    }
  });
});

describe("bytes that are not what was uploaded", () => {
  const damage = async (change: (body: Buffer) => Buffer, size = 300_000): Promise<Awaited<ReturnType<typeof serve>>> => {
    const document = await bank.aDocument(clientId, { body: aPdfOf(size) });
    const object = bank.store.objects.get(document.documentId);
    if (object === undefined) throw new Error("no bytes");
    bank.store.objects.set(document.documentId, { ...object, body: change(object.body) });
    return await serve(document);
  };

  /** Over a real connection: how it ends is part of the answer. */
  async function serve(document: { clientId: string; documentId: string }): Promise<{ head: string; bytes: number; isWhole: boolean }> {
    await listening;
    const token = await bank.mint({ audience: "system", scope: "documents.read", tenant: undefined, subject: "reader" });
    const address = bank.app.server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const raw = await new Promise<Buffer>((resolve) => {
      const pieces: Buffer[] = [];
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(`GET ${pathOf(document)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      });
      socket.on("data", (piece: Buffer) => pieces.push(piece));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(Buffer.concat(pieces)));
    });
    const end = raw.indexOf("\r\n\r\n");
    const head = raw.subarray(0, end).toString("latin1");
    const announced = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    const bytes = raw.length - end - 4;
    return { head, bytes, isWhole: bytes === announced };
  }

  let listening: Promise<unknown> = Promise.resolve();
  beforeAll(() => {
    listening = bank.app.listen({ host: "127.0.0.1", port: 0 });
  });

  test("whole ones arrive whole", async () => {
    const { head, isWhole } = await damage((body) => body);
    expect(head).toContain("200 OK");
    expect(isWhole).toBe(true);
  });

  test("in their first piece are a 500 and no byte of them goes out", async () => {
    const { head } = await damage((body) => Buffer.concat([Buffer.from([(body[0] ?? 0) ^ 1]), body.subarray(1)]));
    expect(head).toContain("500");
    expect(head).not.toContain("attachment");
  });

  test("further on break off with the connection, so that nobody takes them for the whole", async () => {
    for (const change of [
      (body: Buffer) => body.subarray(0, -1),
      (body: Buffer) => body.subarray(0, 4 * 65_564),
      (body: Buffer) => Buffer.concat([body, Buffer.from("x")]),
      (body: Buffer) => Buffer.concat([body.subarray(0, 3 * 65_564), body.subarray(4 * 65_564)]),
    ]) {
      const { head, isWhole, bytes } = await damage(change);
      expect(head).toContain("200 OK");
      expect(isWhole).toBe(false);
      expect(bytes).toBeLessThan(300_000);
    }
  });

  test("that are gone are a 500, and a store that is away is a 503", async () => {
    const document = await bank.aDocument(clientId);
    bank.store.fault = new Error("away");
    expect((await bank.download(pathOf(document))).status).toBe(503);
    bank.store.fault = null;
    bank.store.objects.delete(document.documentId);
    expect((await bank.download(pathOf(document))).status).toBe(500);
  });

  test("of another document under this one's id do not open", async () => {
    const [one, two] = [await bank.aDocument(clientId), await bank.aDocument(clientId)];
    const [first, second] = [bank.store.objects.get(one.documentId), bank.store.objects.get(two.documentId)];
    if (first === undefined || second === undefined) throw new Error("no bytes");
    bank.store.objects.set(one.documentId, second).set(two.documentId, first);
    for (const each of [one, two]) expect((await bank.download(pathOf(each))).status).toBe(500);
  });
});

/** As an erasure does it, without waiting years for its time. */
async function eraseClient({ owner, staff }: DocumentsBank, id: string): Promise<void> {
  await owner.query("update client_profile.client set status = 'closed', closed_at = now() - interval '20 years' where id = $1", [id]);
  const answer = await staff.post(`/internal/Clients/${id}/erasure`, { reason: "retentionEnded" });
  if (answer.status !== 200) throw new Error(`the erasure answered ${answer.status}: ${answer.text}`);
}

test("a form's upload and a download of the same name meet in no path of the store", async () => {
  const form = uploadForm({ fileName: "../../x.pdf" });
  await bank.staff.post(`/internal/Clients/${clientId}/Documents/upload`, form.body, form.headers);
  for (const id of bank.store.objects.keys()) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  for (const path of ["..%2f..%2fetc%2fpasswd", "..", "%00", "x.pdf"]) {
    expect((await bank.staff.get(`/internal/Clients/${clientId}/Documents/${path}/download`)).status).toBe(404);
  }
});
