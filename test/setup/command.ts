// What a command says, apart from advice about the server that the tests were given.

/** The lines that do not depend on how the database server is set up. */
export function withoutAdvice(text: string): string {
  return text.replace(/^.*: data_checksums is off there: .*\n/gm, "");
}
