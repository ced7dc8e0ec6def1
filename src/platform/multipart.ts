// Forms with files (multipart/form-data, RFC 7578), read as they arrive: one part at a time, at the reader's pace, nothing held whole but the
// values of fields. What an operation does not know, and what two readers could understand differently, is refused by the part's name.

import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import { Dicer } from "@fastify/busboy";
import { readHeaderValue } from "./header-values.ts";
import { invariant, platformProblems, type Problem, problemOf } from "./problem.ts";

export type FormRules = {
  /** Names of fields. */
  readonly fields: readonly string[];
  /** Those of them that may be given as often as there may be files; any other once. Default: those whose name ends in `[]`. */
  readonly lists?: readonly string[];
  /** Names of parts that are files. */
  readonly files: readonly string[];
  readonly fieldBytesMax: number;
  /** Of all names together. */
  readonly filesMax: number;
  readonly fileBytesMax: number;
};

export type FormField = { readonly kind: "field"; readonly name: string; readonly value: string };

export type FormFile = {
  readonly kind: "file";
  readonly name: string;
  /** As the sender wrote it, path and all: never to be used as one. */
  readonly fileName: string;
  /** What the sender says it is, in lower case; "" when it does not say. */
  readonly contentType: string;
  /** To be read before the next part is asked for; what is left of it then is skipped. Fails with `payloadTooLarge` beyond `fileBytesMax`. */
  readonly body: Readable;
};

/** A form on its way: `call.stream` of an endpoint. */
export type FormStream = { readonly parameters: Readonly<Record<string, string>>; readonly body: Readable };

/** Of one part. Browsers send some 200 bytes. */
const HEAD_BYTES_MAX = 8 * 1024;
const HEADERS_MAX = 16;
/** RFC 2046, 5.1.1. */
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;
/** Longer names are told back by their beginning. */
const NAME_TOLD_MAX = 100;

/**
 * Reads a form. Throws 400 `malformedRequest` for what is no form, and 400 `validationFailed` under the part's name for a part that the rules
 * do not allow. However this ends, the stream is consumed or destroyed.
 */
export async function* readMultipart(stream: FormStream, rules: FormRules): AsyncGenerator<FormField | FormFile, void, undefined> {
  const seen = new Map<string, number>();
  let file: Readable | null = null;
  try {
    const reader = new PartReader(stream, mostParts(rules));
    for (let part = await reader.next(); part !== null; part = await reader.next()) {
      const head = readHead(part);
      refuseUnexpected(head, rules, seen);
      if (rules.fields.includes(head.name)) {
        yield { kind: "field", name: head.name, value: await readField(reader, part, head.name, rules.fieldBytesMax) };
        continue;
      }
      file = fileBody(reader, part, rules.fileBytesMax);
      yield { kind: "file", name: head.name, fileName: head.fileName ?? "", contentType: head.contentType, body: file };
      file.destroy();
    }
  } finally {
    file?.destroy();
    stream.body.destroy();
  }
}

function listsOf({ fields, lists }: FormRules): readonly string[] {
  return lists ?? fields.filter((name) => name.endsWith("[]"));
}

/** One more is told by its name; of more than that nobody could send so many by mistake. */
function mostParts(rules: FormRules): number {
  const lists = listsOf(rules).length;
  return rules.filesMax * (1 + lists) + (rules.fields.length - lists) + 1;
}

type Part = { head: Readonly<Record<string, readonly string[]>> | null; readonly pieces: Buffer[]; isWhole: boolean };

/** Parts in the order of the form. The bytes behind them are asked for only when somebody waits for them. */
class PartReader {
  readonly #bytes: AsyncIterator<Buffer>;
  readonly #dicer: Dicer;
  readonly #parts: Part[] = [];
  #current: Part | null = null;
  #arrived = 0;
  #isAtEnd = false;
  #fault: Error | null = null;
  #feeding: Promise<void> | null = null;

  constructor({ parameters, body }: FormStream, partsMax: number) {
    const boundary = parameters["boundary"] ?? "";
    if (!BOUNDARY.test(boundary)) throw malformed("The form's media type must name its boundary.");
    this.#bytes = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    // The size is not among its declared types.
    const limits = { boundary, maxHeaderPairs: HEADERS_MAX, maxHeaderSize: HEAD_BYTES_MAX };
    this.#dicer = new Dicer(limits);
    this.#dicer.on("error", () => {
      this.#fault ??= malformed("The form ends before its last boundary.");
    });
    this.#dicer.on("part", (source) => {
      if (++this.#arrived > partsMax) this.#fault ??= malformed(`The form has more than ${partsMax} parts.`);
      const part: Part = { head: null, pieces: [], isWhole: false };
      this.#parts.push(part);
      source.on("header", (head) => {
        part.head = head as Record<string, string[]>;
      });
      source.on("data", (piece: Buffer) => this.#fault === null && part.pieces.push(piece));
      source.on("end", () => {
        part.isWhole = true;
        if (part.head === null) this.#fault ??= malformed("A part of the form has no head.");
      });
      // The form's own fault says it.
      source.on("error", () => {});
    });
  }

  /** Skips what is left of the part before. Null: there are no more. */
  async next(): Promise<Part | null> {
    if (this.#current !== null) while ((await this.read(this.#current)) !== null);
    while (this.#parts[0]?.head == null) {
      if (this.#isAtEnd) return null;
      await this.#feed();
    }
    this.#current = this.#parts.shift() ?? null;
    return this.#current;
  }

  /** The next bytes of the part; null: it is whole. */
  async read(part: Part): Promise<Buffer | null> {
    for (;;) {
      const piece = part.pieces.shift();
      if (piece !== undefined) return piece;
      if (part.isWhole) return null;
      invariant(!this.#isAtEnd, "a part that never ends");
      await this.#feed();
    }
  }

  async #feed(): Promise<void> {
    this.#feeding ??= this.#take().finally(() => {
      this.#feeding = null;
    });
    await this.#feeding;
  }

  async #take(): Promise<void> {
    this.#throwFault();
    const next = await this.#nextBytes();
    if (next.done === true) {
      this.#isAtEnd = true;
      this.#dicer.end();
    } else this.#dicer.write(next.value);
    // What was cut into parts is handed over within this turn.
    await new Promise((resolve) => setImmediate(resolve));
    this.#throwFault();
  }

  /** A stream that has failed says so once; whoever asks again must not take it for the end. */
  async #nextBytes(): Promise<IteratorResult<Buffer>> {
    try {
      return await this.#bytes.next();
    } catch (error) {
      this.#fault = error as Error;
      throw error;
    }
  }

  #throwFault(): void {
    if (this.#fault !== null) throw this.#fault;
  }
}

type Head = { readonly name: string; readonly fileName: string | null; readonly contentType: string };

function readHead({ head }: Part): Head {
  const disposition = readOnce(head, "content-disposition");
  const name = disposition?.parameters["name"];
  if (disposition?.value !== "form-data" || name === undefined || name === "") throw malformed("A part of the form has no name.");
  const type = head?.["content-type"] === undefined ? { value: "" } : readOnce(head, "content-type");
  if (type === null || type.value.startsWith("multipart/")) throw invalid(name, "The part's media type is not supported.");
  const coding = head?.["content-transfer-encoding"] === undefined ? { value: "binary" } : readOnce(head, "content-transfer-encoding");
  if (coding === null || !["7bit", "8bit", "binary"].includes(coding.value))
    throw invalid(name, "The part must be sent as it is, unencoded.");
  return { name, fileName: fileNameOf(name, disposition.parameters), contentType: type.value };
}

/** A header that is there once and can be read; browsers write names in UTF-8. */
function readOnce(head: Part["head"], header: string): ReturnType<typeof readHeaderValue> {
  const [text, ...others] = head?.[header] ?? [];
  return text === undefined || others.length > 0 ? null : readHeaderValue(Buffer.from(text, "latin1").toString("utf8"));
}

/** `filename*` (RFC 5987) is not for forms; those who send it all the same mean it. */
function fileNameOf(name: string, { filename, "filename*": coded }: Readonly<Record<string, string>>): string | null {
  if (coded === undefined) return filename ?? null;
  const [, text = ""] = /^utf-8'[\w-]*'(.+)$/i.exec(coded) ?? [];
  try {
    if (text !== "") return decodeURIComponent(text);
  } catch {
    // Told below.
  }
  throw invalid(name, "The name of the file cannot be read.");
}

function refuseUnexpected({ name, fileName }: Head, rules: FormRules, seen: Map<string, number>): void {
  const { fields, files, filesMax } = rules;
  const isFile = files.includes(name);
  if (!isFile && !fields.includes(name)) throw invalid(name, "The field is not known.");
  if (isFile !== (fileName !== null)) throw invalid(name, isFile ? "The field must be a file." : "The field must not be a file.");
  // All files count as one.
  const group = isFile ? "" : name;
  const count = (seen.get(group) ?? 0) + 1;
  seen.set(group, count);
  if (isFile && count > filesMax) throw invalid(name, `At most ${filesMax} files may be sent.`);
  if (!isFile && count > (listsOf(rules).includes(name) ? filesMax : 1)) throw invalid(name, "The field is given too often.");
}

async function readField(reader: PartReader, part: Part, name: string, bytesMax: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (let piece = await reader.read(part); piece !== null; piece = await reader.read(part)) {
    bytes += piece.length;
    if (bytes > bytesMax) throw invalid(name, `The field must have at most ${bytesMax} bytes.`);
    pieces.push(piece);
  }
  const value = Buffer.concat(pieces);
  if (!isUtf8(value)) throw invalid(name, "The field must be UTF-8.");
  if (value.includes(0)) throw invalid(name, "The field must not contain the character U+0000.");
  return value.toString("utf8");
}

/** Pulled, not generated: whoever destroys it is done at once, also while the sender lets it wait. */
function fileBody(reader: PartReader, part: Part, bytesMax: number): Readable {
  let bytes = 0;
  const body = new Readable({
    read() {
      reader.read(part).then(
        (piece) => {
          bytes += piece?.length ?? 0;
          if (bytes <= bytesMax) body.push(piece);
          else body.destroy(problemOf(platformProblems, "payloadTooLarge", { detail: `A file may have at most ${bytesMax} bytes.` }));
        },
        (error: unknown) => body.destroy(error as Error),
      );
    },
  });
  // Who is not reading it learns of its end from the next part; without a listener it would end the process.
  return body.on("error", () => {});
}

function malformed(detail: string): Problem {
  return problemOf(platformProblems, "malformedRequest", { detail });
}

function invalid(name: string, sentence: string): Problem {
  const errors = Object.create(null) as Record<string, string[]>;
  errors[name.slice(0, NAME_TOLD_MAX)] = [sentence];
  return problemOf(platformProblems, "validationFailed", { errors });
}
