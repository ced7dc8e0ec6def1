// The served description is OpenAPI 3.1 as tools read it: whole, unambiguous, and JSON Schema throughout.

import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, expect, test } from "vitest";
import { describeApi } from "../src/app.ts";

type Schema = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema: Schema }>>;
type Parameter = { readonly in: string; readonly name: string; readonly required?: boolean; readonly schema: Schema };
type Operation = Readonly<Record<string, unknown>> & {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
};
type Document = {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

let document: Document;
let operations: { path: string; method: string; operation: Operation }[];
beforeAll(async () => {
  document = (await describeApi()) as Document;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
});

const MEMBERS = [
  "operationId",
  "summary",
  "description",
  "tags",
  "parameters",
  "requestBody",
  "responses",
  "security",
  "x-audience",
  "x-scope",
];

test("it says which version it is, of what, and under which licence", () => {
  expect(document.openapi).toBe("3.1.0");
  expect(document.info).toMatchObject({
    title: expect.any(String),
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    license: { identifier: "Apache-2.0" },
  });
  expect(operations.length).toBeGreaterThan(10);
});

test("every operation has its own id, a summary, a group, an audience and only members that OpenAPI knows", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`;
    expect(["get", "post", "put", "patch", "delete"], where).toContain(method);
    expect(operation.operationId, where).toMatch(/^[a-z][A-Za-z0-9]+$/);
    expect(operation.summary, where).toMatch(/\S/);
    expect(operation.tags.length, where).toBeGreaterThan(0);
    expect(["frontOffice", "system", "integration", "signature"], where).toContain(operation["x-audience"]);
    expect(
      Object.keys(operation).filter((name) => !MEMBERS.includes(name)),
      where,
    ).toEqual([]);
  }
});

test("the parameters of a path are those it names, and no parameter stands twice", () => {
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`;
    const { parameters = [] } = operation;
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
    expect(path, where).toMatch(/^(?:\/(?:[\w-]+|\{\w+\}))+$/);
    const inPath = parameters.filter((parameter) => parameter.in === "path");
    expect(inPath.map(({ name }) => name).sort(), where).toEqual(named.sort());
    for (const parameter of inPath) expect(parameter.required, where).toBe(true);
    const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(new Set(names).size, where).toBe(names.length);
    for (const parameter of parameters) expect(["path", "query", "header"], where).toContain(parameter.in);
  }
});

test("paths that differ only in the name of a parameter do not stand side by side", () => {
  const shapes = Object.keys(document.paths).map((path) => path.toLowerCase().replace(/\{\w+\}/g, "{}"));
  expect(new Set(shapes).size).toBe(shapes.length);
});

/** Operations that answer a file, and what it may be. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  downloadDocument: ["application/pdf", "image/jpeg", "image/png", "image/heic"],
  downloadRelatedIndividualDocument: ["application/pdf", "image/jpeg", "image/png", "image/heic"],
  listClientImportFaults: ["application/json", "text/csv"],
  exportTransactions: ["text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/json"],
};

test("every operation says what success is, and lists its refusals as problems", () => {
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`;
    const statuses = Object.keys(operation.responses);
    expect(statuses, where).toEqual(expect.arrayContaining(["200", "400", "401", "405", "429", "500", "503"]));
    // Who signs is let in or unknown.
    expect(statuses.includes("403"), where).toBe(operation["x-audience"] !== "signature");
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      expect(description, `${where} ${status}`).toMatch(/\S/);
      expect(description, `${where} ${status}`).not.toBe("Default Response");
      // Without content: the answer has no body.
      const expected =
        status !== "200" ? ["application/problem+json"] : (FILES[operation.operationId] ?? (content ? ["application/json"] : []));
      expect(Object.keys(content ?? {}), `${where} ${status}`).toEqual(expected);
    }
  }
});

/** What is asked for without saying anything more. */
const BODY_OPTIONAL =
  /^(?:(?:pend|post|cancel)Payment(?:OfLedger)?|recalculateAccounts|unblockClient|requestDeletion|startClientVerification)$/;

/** Operations that take no JSON, and what they take. */
const STREAMS: Readonly<Record<string, readonly string[]>> = {
  uploadDocument: ["multipart/form-data"],
  uploadDocuments: ["multipart/form-data"],
  uploadRelatedIndividualDocument: ["multipart/form-data"],
  importClients: ["application/x-ndjson", "text/csv"],
};

test("a body is JSON but for those of files, and required where there is one; what changes something takes an Idempotency-Key", () => {
  for (const { path, method, operation } of operations) {
    const where = `${method} ${path}`;
    const { requestBody, parameters = [] } = operation;
    if (requestBody !== undefined) {
      expect(Object.keys(requestBody.content), where).toEqual(STREAMS[operation.operationId] ?? ["application/json"]);
      expect(requestBody.required, where).toBe(!BODY_OPTIONAL.test(operation.operationId));
    }
    const takesKey = parameters.some(({ in: place, name }) => place === "header" && name === "Idempotency-Key");
    const isRead = method === "get" || !operation.description.includes("`idempotencyKeyReused`");
    expect(takesKey, where).toBe(!isRead);
    if (isRead) expect(["get", "post"], where).toContain(method);
  }
});

test("security names a scheme that is defined", () => {
  for (const { operation } of operations) {
    for (const requirement of operation.security) {
      expect(Object.keys(requirement).filter((name) => !Object.hasOwn(document.components.securitySchemes, name))).toEqual([]);
    }
  }
});

test("every schema is JSON Schema 2020-12, and needs nothing from elsewhere", () => {
  // The formats and marks of our own are annotations to every other reader.
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schemas = operations.flatMap(({ path, method, operation }) => [
    ...(operation.parameters ?? []).map(({ name, schema }) => [`${method} ${path} ${name}`, schema] as const),
    ...Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => [`${method} ${path} body`, schema] as const),
    ...Object.entries(operation.responses).flatMap(([status, { content }]) =>
      Object.values(content ?? {}).map(({ schema }) => [`${method} ${path} ${status}`, schema] as const),
    ),
  ]);
  expect(schemas.length).toBeGreaterThan(100);
  for (const [where, schema] of schemas) {
    expect(ajv.validateSchema(schema), `${where}: ${JSON.stringify(ajv.errors)}`).toBe(true);
    expect(JSON.stringify(schema), where).not.toContain('"$ref"');
    // OpenAPI 3.0's word; in 3.1 nobody reads it.
    expect(JSON.stringify(schema), where).not.toContain('"nullable"');
  }
});
