// Where the bytes of documents lie and who looks for malware in them: the settings say so.

import { join } from "node:path";
import type { openClientProfile } from "#client-profile";
import type { Config } from "#platform/config.ts";
import { clamdScan } from "./adapters/clamd.ts";
import { diskStore } from "./adapters/disk-store.ts";
import { s3Store } from "./adapters/s3-store.ts";

type DocumentDeps = Parameters<typeof openClientProfile>[0]["documents"];

const FOLDER = "documents";
const SPOOL = "documents-spool";

const refuse = (): Promise<never> => Promise.reject(new Error("there is no document store here"));

/** Where nothing is stored: the API is only described. */
export const NO_DOCUMENTS: DocumentDeps = {
  store: { put: refuse, get: refuse, delete: refuse, list: refuse, dropUnfinished: refuse },
  scan: null,
  quota: 1,
};

/** @throws StartupError when the folder or an address cannot be used. */
export function openDocumentDeps({ documents, dataDir }: Pick<Config, "documents" | "dataDir">): DocumentDeps {
  return {
    store: documents.s3 === null ? diskStore(join(dataDir, FOLDER)) : s3Store({ ...documents.s3, spool: join(dataDir, SPOOL) }),
    scan: documents.clamd === null ? null : clamdScan({ address: documents.clamd }),
    quota: documents.quota,
  };
}
