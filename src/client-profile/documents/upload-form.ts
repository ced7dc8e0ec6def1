// The forms in which documents come: what they must hold, whatever order their parts have. Files are stored as they come by, because what
// they are may be said only behind them.

import type { FieldErrors } from "#platform/problem.ts";
import { refusePlatform } from "#platform/problem.ts";
import { type FormFile, type FormRules, type FormStream, readMultipart } from "#platform/multipart.ts";
import { BULK_FILES_MAX, type ClientDocumentType, DESCRIPTION_LENGTH_MAX, DOCUMENT_TYPES, REQUEST_BYTES_MAX } from "./contract.ts";

const FIELD_BYTES_MAX = 4 * DESCRIPTION_LENGTH_MAX;
/** Characters that no honest description has: controls other than line ends and tabs, and what turns the reading direction. */
const UNFIT = /[\p{Cc}\u200E\u200F\u061C\u202A-\u202E\u2066-\u2069]/u;
const SINGLE: FormRules = {
  fields: ["type", "description"],
  files: ["file"],
  fieldBytesMax: FIELD_BYTES_MAX,
  filesMax: 1,
  fileBytesMax: REQUEST_BYTES_MAX,
};
/** Clients that write lists name their parts with brackets or without. */
const BULK: FormRules = {
  fields: ["types", "types[]"],
  lists: ["types", "types[]"],
  files: ["files", "files[]"],
  fieldBytesMax: FIELD_BYTES_MAX,
  filesMax: BULK_FILES_MAX,
  fileBytesMax: REQUEST_BYTES_MAX,
};

/** A file that was stored, with what was said about it. */
export type Filled<F> = { readonly file: F; readonly type: ClientDocumentType; readonly description: string | null };

/** Reads the form of one document; `take` stores a file. Refuses with 400 where a part is missing or wrong. */
export async function readUploadForm<F>(stream: FormStream, take: (file: FormFile) => Promise<F>): Promise<readonly [Filled<F>]> {
  const files: F[] = [];
  const values = new Map<string, string>();
  for await (const part of readMultipart(stream, SINGLE)) {
    if (part.kind === "file") files.push(await take(part));
    else values.set(part.name, part.value);
  }
  const [file] = files;
  const [type, description] = [readType(values.get("type")), readDescription(values.get("description") ?? "")];
  const errors: FieldErrors = {
    ...(file === undefined ? { file: ["The field is required."] } : {}),
    ...("fault" in type ? { type: [type.fault] } : {}),
    ...("fault" in description ? { description: [description.fault] } : {}),
  };
  if (file === undefined || "fault" in type || "fault" in description) return refusePlatform("validationFailed", { errors });
  return [{ file, type: type.value, description: description.value }];
}

/** Reads the form of several documents: the first file is of the first type, and so on. Refuses as `readUploadForm`. */
export async function readBulkForm<F>(stream: FormStream, take: (file: FormFile) => Promise<F>): Promise<readonly Filled<F>[]> {
  const files: F[] = [];
  const types: Read<ClientDocumentType>[] = [];
  for await (const part of readMultipart(stream, BULK)) {
    if (part.kind === "file") files.push(await take(part));
    else types.push(readType(part.value));
  }
  const errors: FieldErrors = {};
  for (const [index, type] of types.entries()) if ("fault" in type) errors[`types.${index}`] = [type.fault];
  if (files.length === 0) errors["files"] = ["The field is required."];
  else if (files.length !== types.length) errors["types"] = [`The field must have one element for each file: ${files.length}.`];
  const filled = files.flatMap((file, index) => {
    const type = types[index];
    return type === undefined || "fault" in type ? [] : [{ file, type: type.value, description: null }];
  });
  return Object.keys(errors).length > 0 ? refusePlatform("validationFailed", { errors }) : filled;
}

type Read<T> = { readonly value: T } | { readonly fault: string };

function readType(text: string | undefined): Read<ClientDocumentType> {
  const value = DOCUMENT_TYPES.find((type) => type === text);
  if (value !== undefined) return { value };
  return { fault: text === undefined ? "The field is required." : `The field must be one of: ${DOCUMENT_TYPES.join(", ")}.` };
}

function readDescription(text: string): Read<string | null> {
  if (Array.from(text).length > DESCRIPTION_LENGTH_MAX)
    return { fault: `The field must have a length of at most ${DESCRIPTION_LENGTH_MAX}.` };
  if (UNFIT.test(text.replace(/[\t\r\n]/g, ""))) return { fault: "The field must not contain control characters." };
  return { value: text === "" ? null : text };
}
