// What must never stand in an audit row, an event, a job or a log line: data that tells who a person is or how to reach them.
// Those records outlive a client's right to be forgotten and travel to other systems; they name a client by its id alone.

import { invariant } from "./problem.ts";

/** Plain values by name: what audit rows and events may carry beside their subject. */
export type PlainDetail = Readonly<Record<string, string | number | boolean | null>>;

const PERSONAL = new Set([
  "address",
  "birthdate",
  "city",
  "companyname",
  "dateofbirth",
  "documentnumber",
  "email",
  "firstname",
  "fullname",
  "lastname",
  "name",
  "number",
  "phone",
  "phonenumber",
  "state",
  "street",
  "streetline1",
  "streetline2",
  "zip",
]);

/** A bug when a member is named like personal data. Judges names: what stands in a value is the author's promise. */
export function refusePersonalData(detail: PlainDetail): void {
  const personal = Object.keys(detail).filter((name) => PERSONAL.has(name.replace(/[^A-Za-z0-9]/g, "").toLowerCase()));
  invariant(personal.length === 0, `personal data may not stand here: ${personal.join(", ")}`);
}
