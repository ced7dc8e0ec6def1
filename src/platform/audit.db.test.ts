import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDatabase } from "../../test/setup/database.ts";
import type { TestDatabase } from "../../test/setup/server.ts";
import { writeAudit } from "./audit.ts";
import { type Actor, Database } from "./db.ts";
import { publish } from "./events.ts";

const actor: Actor = {
  kind: "system",
  id: "back-office",
  tenant: "north",
  traceId: "00-11111111111111111111111111111111-2222222222222222-01",
};

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 2, name: "finlego-test" });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

test("an audit row says who, for whom, when, what and in which call", async () => {
  const rows = await db.write(actor, async (tx) => {
    await writeAudit(tx, { action: "client.blocked", subject: "client:1", detail: { status: "blocked" } });
    return { now: tx.now, rows: await tx.sql`select * from platform.audit_entry where subject = 'client:1'` };
  });
  expect(rows.rows).toEqual([
    {
      id: expect.any(BigInt) as bigint,
      at: rows.now,
      actor_kind: "system",
      actor_id: "back-office",
      tenant: "north",
      action: "client.blocked",
      subject: "client:1",
      trace_id: actor.traceId,
      detail: { status: "blocked" },
    },
  ]);
});

test.each(["firstName", "last_name", "dateOfBirth", "email", "phoneNumber", "number", "streetLine1", "Name"])(
  "a member named %s is refused in audit rows and in events",
  async (name) => {
    const audit = db.write(actor, (tx) => writeAudit(tx, { action: "a", subject: "s", detail: { [name]: "x" } }));
    await expect(audit).rejects.toThrow(`personal data may not stand here: ${name}`);
    const event = db.write(actor, (tx) => publish(tx, { type: "client.changed", subject: "s", tenant: "north", data: { [name]: "x" } }));
    await expect(event).rejects.toThrow(`personal data may not stand here: ${name}`);
  },
);

test.each(["imported", "Client.imported", "client.", "client imported", ""])("%j is not the name of an event", async (type) => {
  const event = db.write(actor, (tx) => publish(tx, { type, subject: "s", tenant: "north", data: {} }));
  await expect(event).rejects.toThrow("not the name of an event");
});

test("the app role can neither change nor remove what is in the audit trail and the outbox", async () => {
  const attempts = [
    (tx: Parameters<typeof writeAudit>[0]) => tx.sql`update platform.audit_entry set action = 'x'`,
    (tx: Parameters<typeof writeAudit>[0]) => tx.sql`delete from platform.audit_entry`,
    (tx: Parameters<typeof writeAudit>[0]) => tx.sql`update platform.event set type = 'x'`,
    (tx: Parameters<typeof writeAudit>[0]) => tx.sql`truncate platform.event`,
  ];
  for (const attempt of attempts) await expect(db.write(actor, attempt)).rejects.toThrow("permission denied");
});
