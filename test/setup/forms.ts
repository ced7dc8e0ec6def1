// Forms with files as programs send them, and as nobody should.

/** `fileName` makes it a file. `head` are lines of headers in place of those that the rest would make. */
export type TestPart = {
  readonly name?: string;
  readonly fileName?: string;
  readonly contentType?: string;
  readonly head?: readonly string[];
  readonly body?: string | Buffer;
};

export type TestForm = { readonly body: Buffer; readonly headers: { readonly "content-type": string } };

const BOUNDARY = "----test-boundary-7MA4YWxkTrZu0gW";

/** `calls.post(path, form.body, form.headers)`. */
export function aForm(parts: readonly TestPart[], boundary = BOUNDARY): TestForm {
  const pieces = parts.flatMap(({ body = "", ...part }) => [
    Buffer.from(`--${boundary}\r\n${headOf(part).join("\r\n")}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from("\r\n"),
  ]);
  const body = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
  return { body, headers: { "content-type": `multipart/form-data; boundary=${boundary}` } };
}

function headOf({ name = "", fileName, contentType, head }: TestPart): readonly string[] {
  if (head !== undefined) return head;
  const file = fileName === undefined ? "" : `; filename="${fileName}"`;
  return [`Content-Disposition: form-data; name="${name}"${file}`, ...(contentType === undefined ? [] : [`Content-Type: ${contentType}`])];
}
