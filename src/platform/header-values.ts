// Headers of the form `value; name=token; name="quoted text"` (RFC 9110, 5.6.6): media types, and what the parts of a form say of themselves.

export type HeaderValue = {
  /** In lower case. */
  readonly value: string;
  /** By name in lower case; without a prototype. */
  readonly parameters: Readonly<Record<string, string>>;
};

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const VALUE = new RegExp(`^\\s*(${TOKEN}(?:/${TOKEN})?)\\s*((?:;.*)?)$`, "s");
const PARAMETER = new RegExp(`;\\s*(${TOKEN})=(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))\\s*`, "sy");

/** Null: it cannot be read to its last character, or says something twice, which two readers could understand differently. */
export function readHeaderValue(header: string): HeaderValue | null {
  const [, value, list = ""] = VALUE.exec(header) ?? [];
  if (value === undefined) return null;
  const parameters: Record<string, string> = Object.create(null) as typeof parameters;
  for (let at = 0; at < list.length; ) {
    PARAMETER.lastIndex = at;
    const [text, name = "", quoted, bare] = PARAMETER.exec(list) ?? [];
    if (text === undefined || name.toLowerCase() in parameters) return null;
    parameters[name.toLowerCase()] = bare ?? (quoted ?? "").replace(/\\(.)/gs, "$1");
    at += text.length;
  }
  return { value: value.toLowerCase(), parameters };
}
