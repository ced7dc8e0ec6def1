// Connection addresses, edited as text: the forms PostgreSQL clients take (an empty host, a socket folder in `?host=`)
// are not all addresses that the URL class can hold.

const ADDRESS = /^([a-z]+:\/\/[^/?#]*)\/([^/?#]*)(.*)$/;

/** The same server and user, another database. */
export function withDatabase(url: string, database: string): string {
  const parts = ADDRESS.exec(url);
  if (!parts) throw new Error(`Not the address of a database (postgresql://…/name): ${withoutPassword(url)}`);
  return `${parts[1]}/${encodeURIComponent(database)}${parts[3]}`;
}

/** For messages: what stands between the user's name and the @ is nobody's business. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:\/\/[^:@/]*):[^@]*@/, "$1:***@");
}

/** The database's name. */
export function databaseOf(url: string): string {
  const name = ADDRESS.exec(url)?.[2];
  if (name === undefined || name === "") throw new Error(`Not the address of a database (postgresql://…/name): ${withoutPassword(url)}`);
  return decodeURIComponent(name);
}
