// Pure: what a webhook of Sumsub says (contract 7.2), and what of it is kept. Members are read for what they are and not for what they
// should be: a provider adds some and changes others, and a webhook that is refused only comes again. What could hold words about a person
// (comments, members that nobody documented) is not kept at all; it can be read at the provider.

/** A webhook as it is kept. */
export type WebhookEvent = {
  readonly applicantId: string;
  readonly type: string;
  /** "" where there is none. */
  readonly correlationId: string;
  /** The instant in the words it came in; "" where there is none. Together with the three above: which event it is. */
  readonly createdAtText: string;
  /** When it happened at the provider, or why that cannot be said. */
  readonly createdAt: Date | "malformedTime" | "futureTime";
  readonly externalUserId: string | null;
  readonly applicantType: string | null;
  readonly isSandbox: boolean;
  readonly review: Review;
  /** The documented members but comments, and the names of the others. */
  readonly kept: Readonly<Record<string, unknown>>;
};

export type Review = { readonly answer: string | null; readonly rejectType: string | null };

type Members = Readonly<Record<string, unknown>>;

const ID_LENGTH_MAX = 100;
const TEXT_LENGTH_MAX = 500;
const LIST_LENGTH_MAX = 100;
const FUTURE_MS_MAX = 24 * 3_600_000;
/** Nobody verified anybody there before. */
const EARLIEST_MS = Date.UTC(2015, 0, 1);

const KEPT_TEXTS = [
  "inspectionId",
  "applicantType",
  "externalUserId",
  "levelName",
  "previousLevelName",
  "reviewStatus",
  "reviewMode",
  "clientId",
  "sourceKey",
  "applicantActionId",
  "externalApplicantActionId",
  "videoIdentReviewStatus",
] as const;
const KEPT_TOO = ["applicantId", "type", "correlationId", "createdAtMs", "createdAt", "sandboxMode", "reviewResult", "applicantMemberOf"];

/** What the webhook says; or the names of members that no webhook is without. `now` bounds the future. */
export function readWebhook(body: Members, now: Date): WebhookEvent | { readonly missing: readonly string[] } {
  const applicantId = shortText(body["applicantId"]);
  const type = shortText(body["type"]);
  if (applicantId === null || type === null) {
    return { missing: [...(type === null ? ["type"] : []), ...(applicantId === null ? ["applicantId"] : [])] };
  }
  const { createdAtText, createdAt } = readInstant(body, now);
  const result = members(body["reviewResult"]);
  return {
    applicantId,
    type,
    correlationId: text(body["correlationId"])?.slice(0, ID_LENGTH_MAX) ?? "",
    createdAtText,
    createdAt,
    externalUserId: shortText(body["externalUserId"]),
    applicantType: shortText(body["applicantType"]),
    // Whatever is not plainly false or absent could be true.
    isSandbox: !(body["sandboxMode"] === false || body["sandboxMode"] === undefined || body["sandboxMode"] === null),
    review: { answer: shortText(result?.["reviewAnswer"]), rejectType: shortText(result?.["reviewRejectType"]) },
    kept: keep(body, result),
  };
}

/** `yyyy-MM-dd HH:mm:ss.fff`, or the older `yyyy-MM-dd HH:mm:ss+0000`; UTC. Null: neither, or no such instant. */
export function readCreatedAt(value: string): Date | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{3})|\+0000)?$/.exec(value);
  if (parts === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  const instant = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms));
  // A 31 February would roll over into March.
  return instant.toISOString().slice(0, 19) === value.slice(0, 19).replace(" ", "T") ? instant : null;
}

/** The instant as `createdAtMs` words it. */
export function writeCreatedAt(instant: Date): string {
  return instant.toISOString().slice(0, 23).replace("T", " ");
}

function readInstant(body: Members, now: Date): Pick<WebhookEvent, "createdAtText" | "createdAt"> {
  const sent = body["createdAtMs"] ?? body["createdAt"] ?? "";
  const createdAtText = (text(sent) ?? JSON.stringify(sent)).slice(0, ID_LENGTH_MAX);
  const instant = typeof sent === "string" ? readCreatedAt(sent) : null;
  if (instant === null || instant.getTime() < EARLIEST_MS) return { createdAtText, createdAt: "malformedTime" };
  if (instant.getTime() > now.getTime() + FUTURE_MS_MAX) return { createdAtText, createdAt: "futureTime" };
  return { createdAtText, createdAt: instant };
}

function keep(body: Members, result: Members | null): Readonly<Record<string, unknown>> {
  const kept: Record<string, unknown> = {};
  for (const name of KEPT_TEXTS) {
    const value = text(body[name]);
    if (value !== null) kept[name] = value.slice(0, TEXT_LENGTH_MAX);
  }
  if (typeof body["sandboxMode"] === "boolean") kept["sandboxMode"] = body["sandboxMode"];
  if (result !== null) kept["reviewResult"] = keepResult(result);
  const memberOf = texts(asList(body["applicantMemberOf"]).map((each) => members(each)?.["applicantId"] ?? each));
  if (memberOf.length > 0) kept["applicantMemberOf"] = memberOf;
  const known = new Set<string>([...KEPT_TEXTS, ...KEPT_TOO]);
  const others = texts(Object.keys(body).filter((name) => !known.has(name)));
  if (others.length > 0) kept["notKept"] = others;
  return kept;
}

function keepResult(result: Members): object {
  const [answer, rejectType] = [text(result["reviewAnswer"]), text(result["reviewRejectType"])];
  return {
    ...(answer === null ? {} : { reviewAnswer: answer.slice(0, ID_LENGTH_MAX) }),
    ...(rejectType === null ? {} : { reviewRejectType: rejectType.slice(0, ID_LENGTH_MAX) }),
    rejectLabels: texts(asList(result["rejectLabels"])),
    buttonIds: texts(asList(result["buttonIds"])),
  };
}

function members(value: unknown): Members | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Half of a surrogate pair is no text for a database. */
function text(value: unknown): string | null {
  return typeof value === "string" ? value.toWellFormed() : null;
}

function shortText(value: unknown): string | null {
  const found = text(value);
  return found !== null && found.length >= 1 && found.length <= ID_LENGTH_MAX ? found : null;
}

function texts(values: readonly unknown[]): string[] {
  return values.slice(0, LIST_LENGTH_MAX).flatMap((each) => text(each)?.slice(0, ID_LENGTH_MAX) ?? []);
}
