// What a command is given of this machine, and what it says, apart from advice about the server that the tests were given.

/** For a command that shall see no setting but these: where programs are, and what was compiled of them before (tools/test.ts). */
export function bareEnvironment(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }), ...settings };
}

/** The lines that do not depend on how the database server is set up. */
export function withoutAdvice(text: string): string {
  return text.replace(/^.*: data_checksums is off there: .*\n/gm, "");
}
