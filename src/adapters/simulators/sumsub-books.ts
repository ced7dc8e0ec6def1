// What the simulator of Sumsub knows: applicants, their levels, documents, persons and verdicts. Every change that Sumsub would tell of is
// handed to `tell` as a webhook.

import { createHash, randomBytes } from "node:crypto";
import { newCorrelationId, type Webhook } from "./sumsub-webhooks.ts";

type Members = Readonly<Record<string, unknown>>;

export type SimulatedApplicant = {
  readonly id: string;
  readonly externalUserId: string | null;
  readonly type: string;
  readonly levelName: string;
  readonly createdAt: string;
  readonly fixedInfo: unknown;
  readonly email: unknown;
  readonly phone: unknown;
  readonly reviewStatus: string;
  readonly reviewResult: Members | null;
  readonly documents: readonly { readonly bytes: number; readonly sha256: string }[];
  readonly beneficiaries: readonly Members[];
};

/** Answered as an error of the API. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The Sumsub tenant, which is not our client. */
const TENANT = "finlegoSimulator";

export class SumsubBooks {
  readonly #applicants = new Map<string, SimulatedApplicant>();
  readonly #tell: (webhook: Omit<Webhook, "createdAtMs"> & { readonly type: string; readonly applicantId: string }) => void;

  constructor(tell: (webhook: { readonly type: string; readonly applicantId: string } & Members) => void) {
    this.#tell = tell;
  }

  list(): readonly SimulatedApplicant[] {
    return [...this.#applicants.values()].toReversed();
  }

  create(levelName: string | null, order: Members): object {
    const { externalUserId, type = "individual" } = order;
    if (levelName === null || levelName === "") throw new Refused(400, "levelName is required");
    if (typeof externalUserId !== "string" || externalUserId === "") throw new Refused(400, "externalUserId is required");
    if (type !== "individual" && type !== "company") throw new Refused(400, "type must be individual or company");
    const wrong = countriesOf(order).find((code) => !/^[A-Z]{3}$/.test(code));
    if (wrong !== undefined) throw new Refused(400, "countries are ISO 3166-1 alpha-3");
    const known = this.list().find((applicant) => applicant.externalUserId === externalUserId);
    if (known !== undefined) throw new Refused(409, `Applicant with external user id '${externalUserId}' already exists: ${known.id}`);
    const applicant = this.#open({
      externalUserId,
      type,
      levelName,
      fixedInfo: order["fixedInfo"],
      email: order["email"],
      phone: order["phone"],
    });
    this.#happened("applicantCreated", applicant);
    return shown(applicant);
  }

  find(id: string): object {
    return shown(this.#of(id));
  }

  findByUser(externalUserId: string): object {
    const applicant = this.list().find((each) => each.externalUserId === externalUserId);
    if (applicant === undefined) throw new Refused(404, "no applicant of that externalUserId");
    return shown(applicant);
  }

  statusOf(id: string): object {
    const { reviewStatus, reviewResult, levelName } = this.#of(id);
    return { reviewId: id, levelName, reviewStatus, ...(reviewResult === null ? {} : { reviewResult }) };
  }

  issueToken({ userId, levelName, ttlInSecs }: Members): object {
    if (typeof userId !== "string" || typeof levelName !== "string") throw new Refused(400, "userId and levelName are required");
    if (ttlInSecs !== undefined && !(Number.isInteger(ttlInSecs) && Number(ttlInSecs) > 0))
      throw new Refused(400, "ttlInSecs must be seconds");
    return { token: `_act-sbx-${randomBytes(24).toString("base64url")}`, userId };
  }

  /** The file as it came, in its multipart body: that it is one, and that it has a kind, is all that is looked at. */
  addDocument(id: string, body: Buffer): object {
    const applicant = this.#of(id);
    const metadata = /name="metadata"[\s\S]*?\r\n\r\n(\{.*\})\r\n/.exec(body.subarray(0, 4_096).toString("latin1"))?.[1];
    if (metadata === undefined || !body.includes('name="content"')) throw new Refused(400, "metadata and content are required");
    const { idDocType, country } = JSON.parse(metadata) as Members;
    if (typeof idDocType !== "string" || !/^[A-Z]{3}$/.test(String(country))) throw new Refused(400, "idDocType and country are required");
    const document = { bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") };
    this.#keep({ ...applicant, documents: [...applicant.documents, document] });
    return { idDocType, country };
  }

  addBeneficiary(id: string, { applicantId, types, shareSize }: Members): object {
    const company = this.#of(id);
    if (company.type !== "company") throw new Refused(400, "not a company");
    if (!Array.isArray(types) || types.length === 0) throw new Refused(400, "types are required");
    this.#of(String(applicantId));
    const others = company.beneficiaries.filter((each) => each["applicantId"] !== applicantId);
    const beneficiary = { id: randomBytes(8).toString("hex"), applicantId, types: types as readonly unknown[], shareSize };
    this.#keep({ ...company, beneficiaries: [...others, beneficiary] });
    return beneficiary;
  }

  requestCheck(id: string): object {
    this.#happened("applicantPending", this.#keep({ ...this.#of(id), reviewStatus: "pending", reviewResult: null }));
    return { ok: 1 };
  }

  reset(id: string): object {
    this.#happened("applicantReset", this.#keep({ ...this.#of(id), reviewStatus: "init", reviewResult: null }));
    return { ok: 1 };
  }

  complete(id: string, { reviewAnswer, reviewRejectType, rejectLabels, clientComment, moderationComment }: Members): object {
    if (reviewAnswer !== "GREEN" && reviewAnswer !== "RED") throw new Refused(400, "reviewAnswer must be GREEN or RED");
    if (reviewAnswer === "RED" && reviewRejectType !== "FINAL" && reviewRejectType !== "RETRY")
      throw new Refused(400, "reviewRejectType is required");
    const reviewResult =
      reviewAnswer === "GREEN" ? { reviewAnswer } : { reviewAnswer, reviewRejectType, rejectLabels, clientComment, moderationComment };
    const applicant = this.#applicants.get(id) ?? this.#open({ id });
    this.#happened("applicantReviewed", this.#keep({ ...applicant, reviewStatus: "completed", reviewResult }));
    return { ok: 1 };
  }

  /** Sends a webhook with these members and otherwise those of the applicant; of whatever type and instant. */
  tell({ type, applicantId, ...members }: Members): object {
    if (typeof type !== "string" || typeof applicantId !== "string") throw new Refused(400, "type and applicantId are required");
    const applicant = this.#applicants.get(applicantId);
    this.#tell({ ...(applicant === undefined ? {} : eventOf(applicant)), ...members, type, applicantId });
    return { ok: 1 };
  }

  #of(id: string): SimulatedApplicant {
    const applicant = this.#applicants.get(id);
    if (applicant === undefined) throw new Refused(404, "no such applicant");
    return applicant;
  }

  #open(known: Partial<SimulatedApplicant>): SimulatedApplicant {
    return this.#keep({
      id: randomBytes(12).toString("hex"),
      externalUserId: null,
      type: "individual",
      levelName: "",
      createdAt: new Date().toISOString(),
      fixedInfo: null,
      email: null,
      phone: null,
      reviewStatus: "init",
      reviewResult: null,
      documents: [],
      beneficiaries: [],
      ...known,
    });
  }

  #keep(applicant: SimulatedApplicant): SimulatedApplicant {
    this.#applicants.set(applicant.id, applicant);
    return applicant;
  }

  #happened(type: string, applicant: SimulatedApplicant): void {
    this.#tell({ ...eventOf(applicant), type, applicantId: applicant.id });
  }
}

function eventOf(applicant: SimulatedApplicant): Members {
  return {
    applicantId: applicant.id,
    inspectionId: `${applicant.id.slice(0, 23)}0`,
    applicantType: applicant.type,
    correlationId: newCorrelationId(),
    levelName: applicant.levelName,
    ...(applicant.externalUserId === null ? {} : { externalUserId: applicant.externalUserId }),
    sandboxMode: true,
    reviewStatus: applicant.reviewStatus,
    ...(applicant.reviewResult === null ? {} : { reviewResult: applicant.reviewResult }),
    clientId: TENANT,
  };
}

function shown({ id, createdAt, externalUserId, type, levelName, fixedInfo, reviewStatus, reviewResult }: SimulatedApplicant): object {
  const review = { levelName, reviewStatus, ...(reviewResult === null ? {} : { reviewResult }) };
  return { id, createdAt, clientId: TENANT, externalUserId, type, fixedInfo: fixedInfo ?? {}, review };
}

/** Every member named country, or nationality, at any depth. */
function countriesOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    typeof member === "string" ? (["country", "nationality"].includes(name) ? [member] : []) : countriesOf(member),
  );
}
