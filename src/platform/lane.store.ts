// SQL about the sessions of lanes.

import type { Client } from "pg";

/** Another session by its server process; numbers of processes are used again, so the name that it gave itself and its login must fit, too. */
const SESSION = "from pg_stat_activity where pid = $1 and pid <> pg_backend_pid() and application_name = $2 and usename = session_user";

/**
 * Ends another session of the same login. False: it is still there after two seconds, or it waits for the word of a standby on its commit. To
 * end it then would show to readers what the standby does not have yet.
 */
export async function endSession(client: Client, session: { readonly pid: number; readonly name: string }): Promise<boolean> {
  const values = [session.pid, session.name];
  // It belongs to whoever logged in; the role that is acted as may have no say over it.
  await client.query("set role none");
  await client.query(`select pg_terminate_backend(pid, 2000) ${SESSION} and wait_event is distinct from 'SyncRep'`, values);
  const { rowCount } = await client.query(`select ${SESSION}`, values);
  await client.query("reset role");
  return rowCount === 0;
}
